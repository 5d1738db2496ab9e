use jobs_runtime::job;

#[job]
unsafe extern "C" {}

fn main() {}
