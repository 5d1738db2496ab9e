#![no_implicit_prelude]
#![deny(warnings)]

use ::jobs_runtime::job;
use ::std::option::Option;
use ::std::result::Result;
use ::std::string::String;

struct Db;

#[job(every = "5m", tags = ["a"], backoff = "1m, 2m", jitter = "5s", args(text = "x"), schedule(run_on_start, key = "s", args(text = "y")))]
async fn poll(_db: &Db, _own: &mut Db, days: Option<u32>, text: String) -> Result<u32, String> {
    let _ = text;
    Result::Ok(days.unwrap_or(1))
}

fn main() {
    let _job = poll::job(Option::None, String::new());
}
