use jobs_runtime::job;

#[job(name = "send email")]
async fn send() {}

fn main() {}
