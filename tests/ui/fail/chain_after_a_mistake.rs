use jobs_runtime::job;

#[job(retires = 3)]
async fn count(text: String) -> Result<u64, String> {
    Ok(text.len() as u64)
}

#[job(queue = 5)]
async fn publish(count: u64, more: String) -> Result<u64, String> {
    drop(more);
    Ok(count)
}

#[job]
async fn store(count: u64) {
    let _ = count;
}

fn main() {
    let _ = count::job("abc".into()).then::<publish>().then::<store>();
}
