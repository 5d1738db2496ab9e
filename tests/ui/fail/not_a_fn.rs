use jobs_runtime::job;

#[job]
struct Send;

fn main() {}
