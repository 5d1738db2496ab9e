use jobs_runtime::job;

const QUEUE: &str = "mail";

#[job(queue = QUEUE)]
async fn send() {}

fn main() {
    let _ = QUEUE;
}
