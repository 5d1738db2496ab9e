use jobs_runtime::job;

#[job(unique = true, concurrency = 4, on_error = "report", version = 2)]
async fn send() {}

fn main() {
    let _job = send::job();
}
