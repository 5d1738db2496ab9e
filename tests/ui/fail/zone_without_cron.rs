use jobs_runtime::job;

#[job(every = "5m", tz = "UTC")]
async fn sweep() {}

fn main() {}
