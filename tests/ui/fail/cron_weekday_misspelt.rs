use jobs_runtime::job;

#[job(cron = "0 2 * * MNO-FRI")]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
