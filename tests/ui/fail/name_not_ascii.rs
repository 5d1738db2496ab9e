use jobs_runtime::job;

#[job]
async fn größe() {}

fn main() {}
