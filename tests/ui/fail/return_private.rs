use jobs_runtime::job;

#[derive(serde::Serialize)]
struct Receipt;

#[job]
pub async fn send() -> Result<Receipt, String> {
    Ok(Receipt)
}

fn main() {}
