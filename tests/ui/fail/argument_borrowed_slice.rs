use jobs_runtime::job;

#[job]
async fn send(to: &[String]) {
    let _ = to;
}

fn main() {}
