use jobs_runtime::job;

#[job(aliases = ["send"])]
async fn send() {}

fn main() {
    let _job = send::job();
}
