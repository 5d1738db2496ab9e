use jobs_runtime::job;

#[job(every = "5m", jitter = "2d")]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
