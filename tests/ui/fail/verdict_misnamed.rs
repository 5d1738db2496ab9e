use jobs_runtime::job;

use jobs_runtime::Verdict;
use std::time::Duration;

#[job]
async fn send() -> Result<(), Verdict> {
    Err(Verdict::retry_after(Duration::from_secs(1), "busy"))
}

fn main() {
    let _job = send::job();
}
