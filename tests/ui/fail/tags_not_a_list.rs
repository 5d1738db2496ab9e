use jobs_runtime::job;

#[job(tags = "mail")]
async fn send() {}

fn main() {}
