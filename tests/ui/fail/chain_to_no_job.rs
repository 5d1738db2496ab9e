use jobs_runtime::job;

struct Report;

#[job]
async fn count(text: String) -> Result<u64, String> {
    Ok(text.len() as u64)
}

fn main() {
    let _ = count::job("abc".into()).then::<Report>();
}
