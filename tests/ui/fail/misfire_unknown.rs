use jobs_runtime::job;

#[job(every = "5m", misfire = "all 20 in 2h")]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
