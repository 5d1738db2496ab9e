use jobs_runtime::job;

#[job(queue = "mail", retries = 1, queue = "post")]
async fn send() {}

fn main() {}
