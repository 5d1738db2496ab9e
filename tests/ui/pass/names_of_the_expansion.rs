//! Parameters and fns that are called like what the macro writes.
#![deny(warnings)]
#![allow(clippy::too_many_arguments)]

use jobs_runtime::{IntoJob, job};

#[job]
async fn call(call: u8, scope: u8, job: u8, settle: u8, arguments: u8, reader: u8, argument_0: u8, service_0: &u8) -> Result<u8, String> {
    Ok(call + scope + job + settle + arguments + reader + argument_0 + service_0)
}

#[job]
async fn job(entry: u8, codec: u8) {
    let _ = (entry, codec);
}

#[job]
async fn entry() {}

#[job]
async fn arguments(job: u8) {
    let _ = job;
}

#[job]
async fn scope(scope: &u8) {
    let _ = scope;
}

#[job]
async fn settle() -> Result<(), String> {
    Ok(())
}

fn main() {
    let job = call::job(1, 2, 3, 4, 5, 6, 7).into_new_job().unwrap();
    assert!(job.payload.starts_with(r#"{"call":1,"scope":2,"job":3"#));
    drop((job::job(1, 2), entry::job(), arguments::job(1), scope::job(), settle::job()));
}
