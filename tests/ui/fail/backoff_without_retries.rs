use jobs_runtime::job;

#[job(retries = 0, backoff = "fixed 30s")]
async fn send() {}

fn main() {
    let _job = send::job();
}
