use jobs_runtime::job;

#[job(queue = "mail")]
#[job(retries = 3)]
async fn send(to: String) {
    drop(to);
}

fn main() {
    let _job = send::job(String::new());
}
