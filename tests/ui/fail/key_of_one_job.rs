use jobs_runtime::job;

#[job(delay = "5m", run_at = "2027-01-01", metadata = "x")]
async fn send() {}

fn main() {
    let _job = send::job();
}
