use jobs_runtime::job;

#[job(max_attempts = 3, schedule = "@daily", delay = "5m")]
async fn send() {}

fn main() {}
