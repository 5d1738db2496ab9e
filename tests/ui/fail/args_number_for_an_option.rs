use jobs_runtime::job;

#[job(every = "5m", args(only = 3))]
async fn greet(only: Option<u32>) {
    let _ = only;
}

fn main() {
    let _job = greet::job(None);
}
