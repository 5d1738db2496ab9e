use jobs_runtime::job;

#[job]
async fn send(#[cfg(unix)] mode: u32, to: String) {
    drop((mode, to));
}

fn main() {}
