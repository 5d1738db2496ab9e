use jobs_runtime::job;

#[job(cron = "@daily", tz = "Berlin")]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
