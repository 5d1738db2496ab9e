use jobs_runtime::{Client, job};

#[job]
async fn count(text: String) -> Result<u64, String> {
    Ok(text.len() as u64)
}

#[job]
async fn store(count: u64) {
    drop(count);
}

fn enqueue(client: &Client) {
    let _ = count::job("abc".into()).then::<store>().id(client.new_id());
}

fn main() {
    let _ = enqueue;
}
