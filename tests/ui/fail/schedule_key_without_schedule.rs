use jobs_runtime::job;

#[job(key = "night")]
async fn sweep() {}

fn main() {}
