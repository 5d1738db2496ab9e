use jobs_runtime::job;

#[job(every = "5m", overlap = "quue")]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
