use jobs_runtime::job;

#[job(queue)]
async fn send() {}

fn main() {}
