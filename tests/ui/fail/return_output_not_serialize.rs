use jobs_runtime::job;

struct Receipt;

#[job]
async fn send() -> Result<Receipt, String> {
    Ok(Receipt)
}

fn main() {}
