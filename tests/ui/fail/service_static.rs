use jobs_runtime::job;

struct Mailer;

#[job]
async fn send(mailer: &'static Mailer) {
    let _ = mailer;
}

fn main() {}
