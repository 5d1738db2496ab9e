use jobs_runtime::job;

#[job]
trait Send {}

fn main() {}
