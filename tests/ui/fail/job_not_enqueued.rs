#![deny(unused_must_use)]

use jobs_runtime::job;

#[job]
async fn send(to: String) {
    drop(to);
}

fn main() {
    send::job("a@b.c".to_owned());
}
