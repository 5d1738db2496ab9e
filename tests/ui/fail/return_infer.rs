use jobs_runtime::job;

#[job]
async fn send() -> _ {
    ()
}

async fn calls() {
    let _job = send::job();
    let _called = send().await;
}

fn main() {
    let _name = send::NAME;
    drop(calls());
}
