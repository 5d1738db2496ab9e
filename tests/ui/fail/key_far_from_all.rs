use jobs_runtime::job;

#[job(misfire = "skip")]
async fn send() {}

fn main() {}
