use jobs_runtime::job;

#[job]
async fn send(to: &_) {
    let _ = to;
}

fn main() {
    let _job = send::job();
}
