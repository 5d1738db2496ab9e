use jobs_runtime::job;

#[job(schedule(key = "night"))]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
