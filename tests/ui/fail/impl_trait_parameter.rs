use jobs_runtime::job;

#[job]
async fn send(to: impl ToString, mailer: &impl Send) {
    drop((to, mailer));
}

fn main() {}
