use jobs_runtime::job;

#[job(priority = 1001)]
async fn send() {}

fn main() {}
