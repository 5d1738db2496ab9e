use jobs_runtime::job;

#[job(cron = "5m")]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
