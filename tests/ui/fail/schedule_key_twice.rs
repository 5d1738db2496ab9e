use jobs_runtime::job;

#[job(schedule(every = "5m", key = "a"), schedule(cron = "@daily", key = "a"))]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
