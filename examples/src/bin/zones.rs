//! Time zones, and the nights in which clocks change: what a schedule does then, in Berlin, in New York and on Lord Howe Island.
//!
//! `cargo run -p examples --bin zones` prints the schedules of three jobs, and their ticks in the two nights of 2027 in which the clock of
//! their zone changes. A schedule of **fixed times** runs once whatever the clock does; one **at intervals** (a `*` in the minute or the
//! hour) follows the clock. Nothing is kept.

use std::time::Duration;

use jobs_runtime::schedule::{Moment, Schedule, Times};
use jobs_runtime::{BoxError, Runtime, job};

/// A fixed time that the clock of Berlin skips in March and shows twice in October.
#[job(cron = "30 2 * * *", tz = "Europe/Berlin")]
async fn back_up() {}

/// Every half hour of the small hours of New York: two ticks fewer in March, two more in November.
#[job(cron = "*/30 1-2 * * *", tz = "America/New_York")]
async fn settle_accounts() {}

/// The clock of Lord Howe Island changes by half an hour.
#[job(cron = "15,45 1,2 * * *", tz = "Australia/Lord_Howe")]
async fn read_tide_gauge() {}

/// The days on which the clocks change.
const CHANGES: [(&str, [&str; 2]); 3] = [
    (back_up::NAME, ["2027-03-28", "2027-10-31"]),
    (settle_accounts::NAME, ["2027-03-14", "2027-11-07"]),
    (read_tide_gauge::NAME, ["2027-04-04", "2027-10-03"]),
];

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let runtime = Runtime::builder().store("memory:").start().await?;
    for (job, days) in CHANGES {
        let view = runtime.client().schedules().get(job).await?.ok_or("it was declared at the start")?;
        let (spec, zone) = view.record.times_text();
        let Times::At(schedule) = Times::parse(spec, zone)? else { return Err("it has times".into()) };
        println!("{job}: {spec}");
        println!("  {}", view.describe());
        if let Some(note) = schedule.clock_changes() {
            println!("  {note}");
        }
        for day in days {
            println!("  {day}: {}", morning(&schedule, day)?.join(", "));
        }
    }
    runtime.shutdown().await;
    Ok(())
}

/// The ticks in the first twelve hours of a day, as the clock on the wall shows them, with its distance from UTC.
fn morning(schedule: &Schedule, day: &str) -> Result<Vec<String>, BoxError> {
    let zone = schedule.zone();
    let midnight = zone.instant(&Moment::parse(day)?);
    let noon = midnight + Duration::from_secs(12 * 3600);
    // `next_after` looks for what is later than its instant, and midnight itself shall count.
    let first = schedule.next_after(midnight - Duration::from_secs(1));
    let ticks = std::iter::successors(first, |tick| schedule.next_after(*tick)).take_while(|tick| *tick < noon);
    Ok(ticks.map(|tick| tick.to_zoned(zone.time_zone().clone()).strftime("%H:%M %:z").to_string()).collect())
}
