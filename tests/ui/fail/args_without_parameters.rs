use jobs_runtime::job;

#[job(every = "5m", args(count = 3))]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
