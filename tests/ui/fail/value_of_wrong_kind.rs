use jobs_runtime::job;

#[job(queue = 5, retries = "3", run_on_start = 1)]
async fn send() {}

fn main() {}
