//! How fast the runtime is as shipped, and how near it comes to the same tables and statements without it.
//!
//! `cargo bench -p jobs-runtime --bench throughput` prints a table: for each store the rates, and beside SQLite's the raw ceiling
//! (`raw`: a writer thread with group commit, the same SQL, nothing else), measured in the same run with the rounds interleaved.
//! Absolute figures depend on the machine; the ratio is what counts. `--rounds N` (3), `--jobs N` (100,000), `--idle SECONDS` (20).

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "figures for people: none comes near the limits of its type"
)]
#![allow(unreachable_pub, missing_docs, reason = "a program, not a library")]

mod ours;
mod raw;
mod report;

use std::path::{Path, PathBuf};
use std::time::Duration;

use report::Report;

/// What is measured, and how often.
struct Plan {
    rounds: usize,
    jobs: usize,
    idle: Duration,
}

fn plan(arguments: &[String]) -> Plan {
    let value = |name: &str, default: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    Plan { rounds: value("--rounds", 3), jobs: value("--jobs", 100_000), idle: Duration::from_secs(value("--idle", 20) as u64) }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // The same program is also the other process that enqueues while this one drains.
    if let Some(at) = arguments.iter().position(|argument| argument == "--other-process") {
        return ours::other_process(&arguments[at + 1]);
    }
    let plan = plan(&arguments);
    let folder = Folder::new();
    let mut report = Report::default();
    for round in 0..plan.rounds {
        eprintln!("round {} of {}", round + 1, plan.rounds);
        raw::measure(&folder.fresh(), plan.jobs, &mut report);
        ours::measure(&format!("sqlite://{}", folder.fresh().display()), "sqlite", plan.jobs, &mut report);
        ours::measure("memory:", "memory", plan.jobs, &mut report);
    }
    ours::latency(&format!("sqlite://{}", folder.fresh().display()), "sqlite", &mut report);
    ours::latency("memory:", "memory", &mut report);
    ours::starvation(&folder.fresh(), plan.jobs, &mut report);
    ours::idle(&folder.fresh(), plan.idle, &mut report);
    report.print();
}

/// A folder for the files of one run, on the same disk as the build.
struct Folder(PathBuf, std::cell::Cell<usize>);

impl Folder {
    fn new() -> Self {
        let target = option_env!("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let folder = target.join(format!("jobs-throughput-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the folder of the build can be written");
        Self(folder, std::cell::Cell::new(0))
    }

    /// The path of a file that is not there yet.
    fn fresh(&self) -> PathBuf {
        self.1.set(self.1.get() + 1);
        Path::new(&self.0).join(format!("{}.db", self.1.get()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
