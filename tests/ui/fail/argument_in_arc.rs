use jobs_runtime::job;

struct Mailer;

#[job]
async fn send(mailer: std::sync::Arc<Mailer>) {
    drop(mailer);
}

fn main() {}
