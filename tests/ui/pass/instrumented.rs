//! `#[instrument]` on either side of `#[job]`.
#![deny(warnings)]

use jobs_runtime::{JobContext, job};
use tracing_attributes::instrument;

pub struct Db;

#[instrument(skip_all, fields(days))]
#[job]
async fn above(db: &Db, ctx: &JobContext, days: u32) -> Result<u32, String> {
    let _ = (db, ctx);
    Ok(days)
}

#[job]
#[instrument(skip(db), err)]
async fn below(db: &Db, days: Option<u32>) -> Result<u32, String> {
    let _ = db;
    days.ok_or_else(|| "no days".to_owned())
}

#[job(queue = "mail")]
#[instrument]
async fn bare() {}

fn main() {
    drop((above::job(1), below::job(None), bare::job()));
}
