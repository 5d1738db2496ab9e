use jobs_runtime::job;

#[job]
async fn send(to: fn(u8) -> u8) {
    let _ = to;
}

fn main() {
    let _job = send::job(|x| x);
}
