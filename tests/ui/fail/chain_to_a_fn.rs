use jobs_runtime::job;

#[job]
async fn count(text: String) -> Result<u64, String> {
    Ok(text.len() as u64)
}

async fn publish(count: u64) {
    drop(count);
}

fn main() {
    let _ = count::job("abc".into()).then::<publish>();
}
