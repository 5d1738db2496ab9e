//! Names of the user that are also names of the standard library or of the expansion's own.
#![deny(warnings)]
#![allow(non_camel_case_types, dead_code, unused_macros)]

use jobs_runtime::job;

pub mod core {}
pub mod std {}

pub struct Option;
pub struct Some;
pub struct Box;
pub struct Vec;
pub struct Cow;
pub struct Duration;
pub struct str;
pub struct JobEntry;
pub struct Location;
pub struct Outcome;
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Handler;
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Call;
type Result = ::std::result::Result<(), String>;

macro_rules! line {
    () => {
        compile_error!("the user's own macro was called")
    };
}
macro_rules! file {
    () => {
        line!()
    };
}
macro_rules! module_path {
    () => {
        file!()
    };
}

#[job(queue = "q", timeout = "1s", retries = 1, aliases = ["x"], run_on_start = false, backoff = "fixed 1s")]
pub async fn shadowed(_: &Box, __args: u8, handler: Handler, _call: Call) -> Result {
    drop((__args, handler));
    Ok(())
}

fn main() {
    let _job = shadowed::job(1, Handler, Call);
}
