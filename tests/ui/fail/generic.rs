use jobs_runtime::job;

#[job]
async fn send<T: ToString, const N: usize>(to: [T; N]) -> Result<(), T> {
    drop(to);
    Ok(())
}

fn main() {}
