use jobs_runtime::job;

#[job]
async fn send(to: mail::Letter) {
    let _ = to;
}

fn main() {
    let _job = send::job(any());
}

fn any<T>() -> T {
    unimplemented!()
}
