use jobs_runtime::job;

#[job]
async fn send(to: String) {
    drop(to);
}

fn main() {
    let _job = send::job(7);
}
