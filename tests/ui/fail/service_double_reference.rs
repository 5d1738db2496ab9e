use jobs_runtime::job;

#[job]
async fn send(to: &&u8) {
    let _ = to;
}

fn main() {
    let _job = send::job();
}
