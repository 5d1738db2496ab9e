use jobs_runtime::job;

#[job(retries = -1)]
async fn send() {}

fn main() {}
