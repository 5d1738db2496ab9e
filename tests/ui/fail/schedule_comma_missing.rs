use jobs_runtime::job;

#[job(schedule(every = "5m") schedule(cron = "@daily", key = "b"))]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
