use jobs_runtime::job;

#[job(retries = 3u8)]
async fn send() {}

fn main() {}
