use jobs_runtime::job;

#[job]
async fn send(to: Vec<&'static str>) {
    let _ = to;
}

fn main() {
    let _job = send::job(vec!["a"]);
}
