use jobs_runtime::job;

#[job("0 2 * * *")]
async fn sweep() {}

fn main() {}
