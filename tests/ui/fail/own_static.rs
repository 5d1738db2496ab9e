use jobs_runtime::job;

struct Tx;

#[job]
async fn charge(tx: &'static mut Tx) {
    let _ = tx;
}

fn main() {
    let _job = charge::job();
}
