//! How fast the runtime is as shipped, and how near it comes to the same tables and statements without it.
//!
//! `cargo bench -p jobs-runtime --bench throughput` prints a table for SQLite and for memory; with `-- --store postgres://…` for
//! PostgreSQL. Beside each stands the ceiling (`raw`): the same SQL without the runtime, measured in the same run with the rounds
//! interleaved. Absolute figures depend on the machine; the ratio is what counts.
//!
//! | option | default | |
//! |---|---|---|
//! | `--store URL` | | a PostgreSQL database; schemas `bench_…` are made in it and dropped |
//! | `--rounds N` | 3 | how often each rate is measured |
//! | `--jobs N` | 100,000 | how many jobs are drained |
//! | `--idle SECONDS` | 20 | how long an idle runtime is watched |
//! | `--only SECTIONS` | all | `rates`, `latency`, `idle`, and on PostgreSQL `conditions`, `long`, `pinned` (the same while a transaction stays open), `processes`, with commas |
//! | `--long SECONDS` | 120 | how long jobs are enqueued and drained at once, on PostgreSQL |
//! | `--history N` | 10,000,000 | beside how many finished jobs a drain is measured |
//! | `--beside N` | 1,000,000 | beside how many scheduled jobs, and jobs of a strange kind |

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "figures for people: none comes near the limits of its type"
)]
#![allow(unreachable_pub, missing_docs, reason = "a program, not a library")]

#[cfg(feature = "postgres")]
mod conditions;
mod ours;
mod place;
mod raw;
mod report;

use std::time::Duration;

use place::{Kind, Places};
use raw::sqlite::Sqlite;
use report::Report;

/// What is measured, and how often.
pub struct Plan {
    rounds: usize,
    pub jobs: usize,
    idle: Duration,
    only: Option<String>,
    pub long: Duration,
    pub history: usize,
    pub beside: usize,
}

fn plan(arguments: &[String]) -> Plan {
    let value = |name: &str, default: usize| text(arguments, name).and_then(|text| text.parse().ok()).unwrap_or(default);
    Plan {
        rounds: value("--rounds", 3),
        jobs: value("--jobs", 100_000),
        idle: Duration::from_secs(value("--idle", 20) as u64),
        only: text(arguments, "--only").map(ToOwned::to_owned),
        long: Duration::from_secs(value("--long", 120) as u64),
        history: value("--history", 10_000_000),
        beside: value("--beside", 1_000_000),
    }
}

fn text<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1).map(String::as_str)
}

impl Plan {
    fn has(&self, section: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.split(',').any(|one| one == section))
    }
}

fn tokio() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime starts")
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // The same program is also the other processes.
    if let Some(store) = text(&arguments, "--other-process") {
        return ours::other_process(store);
    }
    if let Some(store) = text(&arguments, "--worker-process") {
        return ours::worker_process(store);
    }
    let plan = plan(&arguments);
    let places = Places::new(text(&arguments, "--store").map(ToOwned::to_owned));
    let mut report = Report::default();
    let kinds: &[Kind] = if places.postgres.is_some() { &[Kind::Postgres] } else { &[Kind::Sqlite, Kind::Memory] };
    for round in 0..if plan.has("rates") { plan.rounds } else { 0 } {
        eprintln!("round {} of {}", round + 1, plan.rounds);
        for kind in kinds {
            ceiling(*kind, &places, plan.jobs, &mut report);
            ours::measure(&places.store(*kind), *kind, plan.jobs, &mut report);
            clean_up(&places);
        }
    }
    for kind in kinds.iter().filter(|_| plan.has("latency")) {
        ours::latency(&places.store(*kind), *kind, &mut report);
    }
    if kinds.contains(&Kind::Sqlite) && plan.has("latency") {
        ours::starvation(&places.file(), plan.jobs, &mut report);
    }
    if plan.has("idle") {
        idle(&places, &plan, &mut report);
    }
    #[cfg(feature = "postgres")]
    if places.postgres.is_some() {
        conditions::measure(&places, &plan, &mut report);
    }
    clean_up(&places);
    report.print();
}

fn ceiling(kind: Kind, places: &Places, jobs: usize, report: &mut Report) {
    match kind {
        Kind::Sqlite => tokio().block_on(raw::measure(Sqlite::open(&places.file()), "raw SQLite", jobs, report)),
        #[cfg(feature = "postgres")]
        Kind::Postgres => tokio().block_on(async {
            let url = places.postgres.as_deref().expect("a database was named");
            let each = raw::postgres::one_a_call(url, &places.schema()).await;
            report.rate("enqueue, 16 callers, one insert a call", "raw PostgreSQL", each);
            let ceiling = raw::postgres::Postgres::open(url, &places.schema()).await;
            raw::measure(ceiling, "raw PostgreSQL", jobs, report).await;
        }),
        _ => {}
    }
}

fn idle(places: &Places, plan: &Plan, report: &mut Report) {
    #[cfg(feature = "postgres")]
    if places.postgres.is_some() {
        return conditions::idle(places, plan.idle, report);
    }
    ours::idle(&places.file(), plan.idle, report);
}

/// Drops what was measured in, so that one measurement does not weigh on the next.
fn clean_up(places: &Places) {
    #[cfg(feature = "postgres")]
    if let Some(url) = &places.postgres {
        tokio().block_on(conditions::clean_up(url));
    }
    let _ = places;
}
