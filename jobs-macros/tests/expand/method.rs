#[job]
async fn send(&self, to: String) {}
