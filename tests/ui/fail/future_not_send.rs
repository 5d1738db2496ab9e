use jobs_runtime::job;
use std::rc::Rc;

#[job]
async fn send(to: String) {
    let shared = Rc::new(to);
    tick().await;
    drop(shared);
}

async fn tick() {}

fn main() {}
