use jobs_runtime::job;

#[job(every = "10ms")]
async fn sweep() {}

fn main() {}
