use jobs_runtime::job;

#[job(schedule = "0 9 * * *")]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
