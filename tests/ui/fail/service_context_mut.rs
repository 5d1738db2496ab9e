use jobs_runtime::job;

#[job]
async fn send(to: &mut jobs_runtime::JobContext) {
    let _ = to;
}

fn main() {
    let _job = send::job();
}
