use jobs_runtime::job;

#[job]
#[tokio::main]
async fn main() {}
