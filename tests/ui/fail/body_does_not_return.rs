use jobs_runtime::job;

#[job]
async fn send() -> Result<(), String> {
    tick().await;
}

async fn tick() {}

fn main() {
    let _job = send::job();
}
