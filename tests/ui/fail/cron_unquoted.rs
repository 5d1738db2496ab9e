use jobs_runtime::job;

#[job(cron = 0 2 * * *)]
async fn sweep() {}

fn main() {}
