use jobs_runtime::job;

#[job(timeout = "30")]
async fn send() {}

fn main() {}
