use jobs_runtime::job;

trait Mailer {}

#[job]
async fn send(mailer: Box<dyn Mailer>) {
    drop(mailer);
}

fn main() {}
