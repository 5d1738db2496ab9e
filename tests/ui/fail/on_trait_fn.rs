use jobs_runtime::job;

trait Mail {
    #[job]
    async fn send(to: String);
}

fn main() {}
