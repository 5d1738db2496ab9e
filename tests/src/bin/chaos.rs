//! Workers, and everything that can go wrong with them and their store; see the module `chaos` of the package's library.
//!
//! `chaos --store sqlite|postgres [--seconds N] [--seed N] [--workers N] [--verbose]` ends with 0 if every promise was kept. With `--without
//! transaction` jobs write their effects outside of the transactions that complete them, and it must end with 1: there are effects too many.
//! The workers are this program too: `chaos worker NAME STORE FOLDER`.

use std::path::Path;
use std::process::ExitCode;

use tests::chaos::{Plan, StoreKind, go_apart, run, work};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let tokio = tokio::runtime::Runtime::new().expect("a runtime");
    let outcome = if let ["worker", name, url, folder] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        tokio.block_on(work(name, url, Path::new(folder))).map(|()| true)
    } else {
        Plan::read(&arguments).map_err(Into::into).and_then(|plan| {
            if plan.store == StoreKind::Sqlite {
                go_apart();
            }
            tokio.block_on(run(&plan))
        })
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chaos: {error}");
            ExitCode::from(2)
        }
    }
}
