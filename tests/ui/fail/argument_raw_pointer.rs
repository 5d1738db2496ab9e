use jobs_runtime::job;

#[job]
async fn send(to: *const u8) {
    let _ = to;
}

fn main() {
    let _job = send::job(std::ptr::null());
}
