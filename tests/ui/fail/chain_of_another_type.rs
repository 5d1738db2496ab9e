use jobs_runtime::job;

#[job]
async fn count(text: String) -> Result<u64, String> {
    Ok(text.len() as u64)
}

#[job]
async fn publish(title: String) -> Result<(), String> {
    drop(title);
    Ok(())
}

fn main() {
    let _ = count::job("abc".into()).then::<publish>();
}
