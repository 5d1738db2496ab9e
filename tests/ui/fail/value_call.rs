use jobs_runtime::job;

#[job(queue = concat!("ma", "il"))]
async fn send() {}

fn main() {
    let _job = send::job();
}
