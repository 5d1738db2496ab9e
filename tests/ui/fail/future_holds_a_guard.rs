use jobs_runtime::job;

use std::sync::{Mutex, PoisonError};

#[job]
async fn send(count: &Mutex<u32>) {
    let guard = count.lock().unwrap_or_else(PoisonError::into_inner);
    tick().await;
    drop(guard);
}

async fn tick() {}

fn main() {
    let _job = send::job();
}
