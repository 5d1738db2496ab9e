use jobs_runtime::job;

#[job(backoff = "exponentail 10s")]
async fn send() {}

fn main() {}
