use jobs_runtime::job;

#[job(cron = "0 0 31 4,6,9,11 *")]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
