use jobs_runtime::job;

#[job(weather = "fine")]
async fn send() {}

fn main() {}
