use jobs_runtime::job;

#[job]
async fn send(to: String) {
    mail(to).await;
}

fn main() {
    let _job = send::job(String::new());
}
