use jobs_runtime::job;

struct Mailer;

#[job]
impl Mailer {}

fn main() {}
