use jobs_runtime::job;

#[job]
async fn send(to: String) -> Result<(), String> {
    let copies: u8 = to;
    drop(copies);
    Ok(())
}

fn main() {
    let _job = send::job(String::new());
}
