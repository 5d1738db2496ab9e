use jobs_runtime::job;

struct Oops;

#[job]
async fn count() -> Result<(), Oops> {
    Err(Oops)
}

fn main() {}
