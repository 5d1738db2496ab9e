use jobs_runtime::job;

#[job]
async fn send(mailer: &Mailer, letter: Letter) {
    mailer.send(letter).await;
}

fn main() {}
