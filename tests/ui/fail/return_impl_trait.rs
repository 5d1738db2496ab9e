use jobs_runtime::job;

#[job]
async fn count() -> impl Send {}

fn main() {}
