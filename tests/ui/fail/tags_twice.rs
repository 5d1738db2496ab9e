use jobs_runtime::job;

#[job(tags = ["mail", "mail"])]
async fn send() {}

fn main() {
    let _job = send::job();
}
