use jobs_runtime::job;

#[job(timeout = 30s, backoff = fixed 30s)]
async fn send() {}

fn main() {
    let _job = send::job();
}
