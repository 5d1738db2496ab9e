use jobs_runtime::job;

#[job(queue("mail"))]
async fn send() {}

fn main() {}
