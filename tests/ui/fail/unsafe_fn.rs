use jobs_runtime::job;

#[job]
async unsafe fn send() {}

fn main() {}
