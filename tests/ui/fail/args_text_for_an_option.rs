use jobs_runtime::job;

#[job(every = "5m", args(only = "hi"))]
async fn greet(only: Option<String>) {
    let _ = only;
}

fn main() {
    let _job = greet::job(None);
}
