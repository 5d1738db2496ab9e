use jobs_runtime::job;

#[job]
async fn send(to: &str) {
    let _ = to;
}

fn main() {}
