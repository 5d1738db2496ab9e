use jobs_runtime::job;

#[job(run_on_start = "deploy")]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
