//! Fingerprints every file of a folder with one durable job per file, and writes `report.md` from what the jobs left behind.
//!
//! `cargo run -p examples --bin quickstart -- [FOLDER] [--serve]`
//!
//! Everything that must survive is in `quickstart.db` in the current folder, or where `JOBS_STORE` says. Kill the program at any
//! moment and start it again: it goes on where it was. A start after a finished report begins a new run.
//!
//! A run is one [`report`](report::report) job, alive from the first moment to the last, whose id names the run. `run` starts it
//! beside one [`scan`](scan::scan) job, which makes a [`fingerprint`](fingerprint::fingerprint) job for every file. `progress` and
//! `stumble` are there to be seen. `walk` finds files, `findings` is what the report says, `path`, `ids`, `console`, `numbers` and
//! `arguments` are what their names say.

mod arguments;
mod console;
mod findings;
mod fingerprint;
mod ids;
mod numbers;
mod path;
mod progress;
mod report;
mod run;
mod scan;
mod stumble;
mod walk;

use std::process::ExitCode;
use std::time::Duration;

use arguments::{Arguments, HELP, Request};
use console::{Console, say};
use jobs_runtime::{BoxError, Runtime};

/// The file with everything that must survive, unless `JOBS_STORE` names another place.
const DATABASE: &str = "quickstart.db";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match arguments::read(std::env::args_os().skip(1)) {
        Ok(Request::Run(arguments)) => arguments,
        Ok(Request::Help) => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        Err(mistake) => {
            eprintln!("quickstart: {mistake}\nTry `quickstart --help`.");
            return ExitCode::from(2);
        }
    };
    match work(arguments).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn work(arguments: Arguments) -> Result<ExitCode, BoxError> {
    let store = std::env::var("JOBS_STORE").unwrap_or_else(|_| format!("sqlite://{DATABASE}"));
    let runtime = Runtime::builder()
        .store(store)
        .provide(Console::default())
        // The report is made from finished jobs, so they must outlive the longest run.
        .option("retention.completed", "30d")
        .option("retention.cancelled", "30d")
        // What Ctrl-C interrupts is done at the next start, so there is no need to wait for it.
        .drain(Duration::from_secs(2))
        .start()
        .await?;
    let outcome = tokio::select! {
        outcome = run::run_all(runtime.client(), &arguments.folder) => outcome.map(|()| ExitCode::SUCCESS),
        pressed = tokio::signal::ctrl_c() => pressed.map_err(BoxError::from).map(|()| {
            say("stopped; run the same command again to go on");
            ExitCode::from(130)
        }),
    };
    if arguments.serve && matches!(outcome, Ok(code) if code == ExitCode::SUCCESS) {
        say("still running, as --serve asks; press Ctrl-C to stop");
        runtime.run_until_signalled().await?;
    } else {
        runtime.shutdown().await;
    }
    outcome
}
