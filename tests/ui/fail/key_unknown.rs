use jobs_runtime::job;

#[job(qeue = "mail")]
async fn send() {}

fn main() {}
