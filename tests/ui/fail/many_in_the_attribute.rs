use jobs_runtime::job;

#[job(qeue = "mail", retries = "3", timeout = "5 minutes", cron = "61 2 * * *", tz = "Mars/Olympus", tags = ["a b", 3])]
async fn send(to: Option<String>) -> Result<(), String> {
    drop(to);
    Ok(())
}

// The handler struct is there all the same.
fn main() {
    let _job = send::job(None).delay(std::time::Duration::from_secs(1));
    let _entry = <send as jobs_runtime::Job>::entry;
}
