#[job(backoff = "linear 30s to 1h", run_on_start = false)]
async fn later() {}
