#[job]
async fn sweep() {}
