use jobs_runtime::job;

#[job]
fn send() {}

fn main() {}
