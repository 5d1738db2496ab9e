use jobs_runtime::job;

type Sender = dyn FnMut(String) + Send;

#[job]
async fn send(sender: &mut Sender, to: String) {
    sender(to);
}

fn main() {
    let _job = send::job("Ann".into());
}
