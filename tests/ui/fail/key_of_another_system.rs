use jobs_runtime::job;

#[job(max_attempts = 3, crontab = "@daily", delay = "5m")]
async fn send() {}

fn main() {}
