use jobs_runtime::job;

#[job]
async fn send(count: &u8, to: String, copies: u8) {
    drop((count, to, copies));
}

fn main() {
    let _job = send::job("a@b.c".to_owned());
}
