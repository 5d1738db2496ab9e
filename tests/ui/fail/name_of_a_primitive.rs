use jobs_runtime::job;

#[job]
async fn u8() {}

fn main() {}
