use jobs_runtime::job;

#[job]
async fn send(to: Option<&str>) {
    let _ = to;
}

fn main() {
    let _job = send::job(None);
}
