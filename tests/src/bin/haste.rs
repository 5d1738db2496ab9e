//! Eight processes on a clock that runs a hundred times faster, frozen and killed; see the module `haste` of the package's library.
//!
//! `haste --store sqlite|postgres [--seconds N] [--seed N] [--workers N] [--verbose] [--without GUARD]` ends with 0 if each tick was dealt with
//! once. The workers are this program too: `haste worker NAME STORE FOLDER`.

use std::path::Path;
use std::process::ExitCode;

use jobs_core::BoxError;
use tests::haste::{Plan, run, work};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = if let ["worker", name, url, folder] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        work(name, url, Path::new(folder)).map(|()| true)
    } else {
        start(&arguments)
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("haste: {error}");
            ExitCode::from(2)
        }
    }
}

fn start(arguments: &[String]) -> Result<bool, BoxError> {
    let plan = Plan::read(arguments)?;
    tokio::runtime::Runtime::new()?.block_on(run(&plan))
}
