use jobs_runtime::job;
use std::cell::Cell;

#[job]
async fn send(count: &Cell<u32>) {
    tick().await;
    count.set(1);
}

async fn tick() {}

fn main() {}
