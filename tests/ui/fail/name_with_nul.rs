use jobs_runtime::job;

#[job(name = "send\0mail")]
async fn send() {}

fn main() {
    let _job = send::job();
}
