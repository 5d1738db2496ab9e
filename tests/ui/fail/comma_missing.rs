use jobs_runtime::job;

#[job(queue = "mail" retries = 3)]
async fn send() {}

fn main() {
    let _job = send::job();
}
