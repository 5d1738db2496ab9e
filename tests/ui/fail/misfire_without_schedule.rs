use jobs_runtime::job;

#[job(misfire = "skip")]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
