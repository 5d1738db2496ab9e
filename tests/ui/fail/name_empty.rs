use jobs_runtime::job;

#[job(name = "")]
async fn send() {}

fn main() {
    let _job = send::job();
}
