use jobs_runtime::job;

#[job]
async fn send<'a>(to: Vec<&'a str>, from: std::slice::Iter<'_, u8>) {
    drop((to, from));
}

fn main() {}
