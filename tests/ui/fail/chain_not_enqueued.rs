#![deny(unused_must_use)]

use jobs_runtime::job;

#[job]
async fn count(text: String) -> Result<u64, String> {
    Ok(text.len() as u64)
}

#[job]
async fn store(count: u64) {
    let _ = count;
}

fn main() {
    count::job("abc".into()).then::<store>();
}
