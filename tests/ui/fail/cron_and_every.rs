use jobs_runtime::job;

#[job(cron = "@daily", every = "5m")]
async fn sweep() {}

fn main() {}
