use jobs_runtime::job;

struct Mailer;

#[job]
async fn send(mailer: &mut Mailer) {
    let _ = mailer;
}

fn main() {}
