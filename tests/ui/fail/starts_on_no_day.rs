use jobs_runtime::job;

#[job(every = "5m", starts = "2027-02-29")]
async fn sweep() {}

fn main() {
    let _job = sweep::job();
}
