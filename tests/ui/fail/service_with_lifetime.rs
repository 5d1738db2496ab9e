use jobs_runtime::job;

#[job]
async fn send<'a>(names: &std::slice::Iter<'a, u8>) {
    let _ = names;
}

fn main() {}
