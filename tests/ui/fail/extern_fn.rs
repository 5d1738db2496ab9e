use jobs_runtime::job;

#[job]
async extern "C" fn send() {}

fn main() {}
