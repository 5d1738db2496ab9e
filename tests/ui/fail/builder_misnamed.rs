use jobs_runtime::job;

use std::time::Duration;

#[job]
async fn send() {}

fn main() {
    let _job = send::job().run_in(Duration::from_secs(1));
}
