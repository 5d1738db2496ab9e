#![deny(warnings)]

mod vendor {
    pub use jobs_runtime as work;
}

use vendor::work::{Job, job};

#[job(crate = crate::vendor::work)]
async fn send(to: Option<String>) {
    drop(to);
}

fn main() {
    let _job = send::job(None);
    assert!(send::entry().schedules.is_empty());
}
