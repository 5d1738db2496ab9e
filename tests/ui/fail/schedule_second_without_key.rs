use jobs_runtime::job;

#[job(every = "5m", schedule(cron = "@daily"))]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
