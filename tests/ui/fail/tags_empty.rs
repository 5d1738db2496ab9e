use jobs_runtime::job;

#[job(tags = [])]
async fn send() {}

fn main() {
    let _job = send::job();
}
