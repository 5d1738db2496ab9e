use jobs_runtime::job;

#[job(every = "5m", concurrency_policy = "Forbid")]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
