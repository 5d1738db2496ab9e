use jobs_runtime::job;

#[job]
async fn send(to: std::borrow::Cow<'_, str>) {
    drop(to);
}

fn main() {}
