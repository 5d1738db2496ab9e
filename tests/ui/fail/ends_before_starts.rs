use jobs_runtime::job;

#[job(every = "5m", starts = "2027-01-31", ends = "2027-01-01")]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
