use jobs_runtime::job;

#[job(cron = "@dialy")]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
