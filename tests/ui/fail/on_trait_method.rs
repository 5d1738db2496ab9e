use jobs_runtime::job;

trait Mail {
    #[job]
    async fn send(&self, to: String);
}

fn main() {}
