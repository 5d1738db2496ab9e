use jobs_runtime::job;

#[job]
async fn count() -> usize {
    1
}

fn main() {}
