use jobs_runtime::job;

#[job(schedule(every = "5m", queue = "low"))]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
