//! One program, other schedules in each environment: in a file beside the others, and no line of code.
//!
//! ```text
//! cd examples/environments
//! cargo run -p examples --bin environments
//! JOBS_ENV=staging cargo run -p examples --bin environments
//! JOBS_SCHEDULE_MORNING_CRON='30 9 * * *' cargo run -p examples --bin environments
//! JOBS_SCHEDULE_MORNIGN_ENABLED=false cargo run -p examples --bin environments     # is refused: there is no such schedule
//! ```
//!
//! It prints where its settings come from and which schedules stand in the store then, and ends. A program that stays is the same with
//! `jobs_runtime::start().await` for all of `main`.

use std::process::ExitCode;

use jobs_runtime::settings::{Overrides, Settings, Sources};
use jobs_runtime::{BoxError, Runtime, job};

/// Names no zone, so `tz` of the settings holds.
#[job(cron = "0 2 * * *")]
async fn clean_up() {}

/// The times in code are what holds where no file says anything.
#[job(every = "1m", retries = 0)]
async fn measure() {}

#[job(
    schedule(cron = "0 8 * * *", key = "morning", args(greeting = "Good morning")),
    schedule(cron = "0 20 * * *", key = "evening", args(greeting = "Good evening"))
)]
async fn greet(greeting: String) {
    println!("{greeting}");
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("environments: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), BoxError> {
    let settings = Settings::resolve(Overrides::new(), &Sources::system())?;
    println!("read {}", if settings.files.is_empty() { "no file".to_owned() } else { settings.files.join(" and ") });
    for (path, source) in settings.origins() {
        println!("  {path} from {source}");
    }

    let runtime = Runtime::builder().start().await?;
    for view in runtime.client().schedules().list().await? {
        let off = if view.record.schedule.enabled { "" } else { " (switched off)" };
        println!("{}: {}{off}", view.key(), view.describe());
    }
    runtime.shutdown().await;
    Ok(())
}
