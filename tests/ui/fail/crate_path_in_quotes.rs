use jobs_runtime::job;

#[job(crate = "jobs_runtime")]
async fn send() {}

fn main() {
    let _job = send::job();
}
