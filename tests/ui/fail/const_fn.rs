use jobs_runtime::job;

#[job]
const async fn send() {}

fn main() {
    let _job = send::job();
}
