use jobs_runtime::job;

#[job(cron = "@daily", tz = "Europe/Berln")]
async fn sweep() {}

fn main() {}
