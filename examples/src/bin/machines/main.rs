//! Many machines on one store: a web process that only enqueues and looks, and workers that share what is to be done.
//!
//! `cargo run -p examples --bin machines` starts three processes on `machines.db` in the current folder: a web server on
//! <http://127.0.0.1:3000>, and the workers `north` and `south`. Ctrl-C stops them all. With `JOBS_STORE=postgres://…` the same three
//! may run on three machines, each by its own command:
//!
//! ```text
//! JOBS_STORE=postgres://app:secret@db.example/app machines web 0.0.0.0:3000
//! JOBS_STORE=postgres://app:secret@db.example/app machines worker north
//! JOBS_STORE=postgres://app:secret@db.example/app machines worker south
//! ```
//!
//! Kill a worker with `kill -9`: what it was at runs again on the other one, when the lease of the dead one has run out (15 s on
//! PostgreSQL, at once on a file). A parcel may so be begun twice, and is recorded once: what is kept of it is the outcome under the
//! newest token. "Pause" lets the printers rest, on every machine, until "Resume" is pressed. `labels` is the work, `web` and `worker` are the processes, `together` starts all three.

mod labels;
mod together;
mod web;
mod worker;

use std::process::ExitCode;

use jobs_runtime::BoxError;

const USAGE: &str = "Usage: machines [[together | web] [ADDRESS] | worker NAME]";

/// Where the web server listens unless told otherwise.
const ADDRESS: &str = "127.0.0.1:3000";

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] | ["together"] => together::run(ADDRESS).await,
        ["together", address] => together::run(address).await,
        ["web"] => web::run(&store(), ADDRESS).await,
        ["web", address] => web::run(&store(), address).await,
        ["worker", name] => worker::run(&store(), name).await,
        _ => {
            eprintln!("machines: unknown words `{}`\n{USAGE}", words.join(" "));
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("machines: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The store that all processes share: a file of this host, unless a database is named.
fn store() -> String {
    std::env::var("JOBS_STORE").unwrap_or_else(|_| "sqlite://machines.db".to_owned())
}

/// Prints a line. A closed pipe is no reason to stop the work.
fn say(line: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// What each process answers in the end.
type Outcome = Result<(), BoxError>;
