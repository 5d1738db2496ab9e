use jobs_runtime::job;

#[job]
async fn send(to: &dyn Maler) {
    let _ = to;
}

fn main() {
    let _job = send::job();
}
