use jobs_runtime::job;
use std::rc::Rc;

struct Tx;

#[job]
async fn charge(tx: &mut Tx) {
    let shared = Rc::new(tx);
    tick().await;
    drop(shared);
}

async fn tick() {}

fn main() {
    let _job = charge::job();
}
