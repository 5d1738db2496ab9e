use jobs_runtime::job;

struct Mailer;

#[job]
async fn send(mailer: Option<&Mailer>) {
    let _ = mailer;
}

fn main() {}
