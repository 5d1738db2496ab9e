use jobs_runtime::job;

#[job(cron = "0 24 * * *")]
async fn sweep() {}

fn main() {}
