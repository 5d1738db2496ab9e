use jobs_runtime::job;

#[job]
#[tokio::test]
async fn send() {}

fn main() {
    let _job = send::job();
}
