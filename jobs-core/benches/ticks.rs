//! How long the next tick takes to find, in nanoseconds, beside two crates that find them, too. In one run, so that the figures can be
//! compared: `cargo bench -p jobs-core --bench ticks`.
//!
//! The median of several rounds that take turns. Each walks through a thousand ticks, one after the other.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jobs_core::schedule::{Schedule, Zone};

const TICKS: u32 = 1_000;
const ROUNDS: usize = 15;

const EXPRESSIONS: [&str; 5] = ["* * * * *", "*/15 8-17 * * MON-FRI", "30 2 * * *", "0 0 1 1 *", "0 9 13 * FRI"];
const ZONES: [&str; 2] = ["UTC", "America/New_York"];

type Walk<'a> = Box<dyn Fn(Timestamp) + 'a>;

/// Ours.
fn ours(text: &str, zone: &str) -> Walk<'static> {
    let schedule = Schedule::parse_cron(text, Zone::parse(zone).expect("a zone")).expect("a schedule");
    Box::new(move |from| {
        let mut at = from;
        for _ in 0..TICKS {
            at = black_box(schedule.next_after(at)).unwrap_or(from);
        }
    })
}

/// `croner`, on times of `jiff`.
fn croner(text: &str, zone: &str) -> Walk<'static> {
    let cron: croner::Cron = text.parse().expect("a schedule");
    let zone = jiff::tz::TimeZone::get(zone).expect("a zone");
    Box::new(move |from| {
        let mut at = from.to_zoned(zone.clone());
        for _ in 0..TICKS {
            at = black_box(cron.find_next_occurrence(&at, false)).unwrap_or_else(|_| from.to_zoned(zone.clone()));
        }
    })
}

/// `cronexpr`, which stands on `jiff`.
fn cronexpr(text: &str, zone: &str) -> Walk<'static> {
    let cron = cronexpr::parse_crontab(&format!("{text} {zone}")).expect("a schedule");
    Box::new(move |from| {
        let mut at = from;
        for _ in 0..TICKS {
            at = black_box(cron.find_next(at)).map_or(from, |next| next.timestamp());
        }
    })
}

fn main() {
    let from: Timestamp = "2026-11-01T00:00:00Z".parse().expect("an instant");
    println!(
        "{:24} {:18} {:>9} {:>9} {:>9}   ns a tick, medians of {ROUNDS} rounds",
        "expression", "zone", "ours", "croner", "cronexpr"
    );
    for zone in ZONES {
        for text in EXPRESSIONS {
            let walks = [ours(text, zone), croner(text, zone), cronexpr(text, zone)];
            let mut times: [Vec<Duration>; 3] = Default::default();
            for _ in 0..ROUNDS {
                for (walk, times) in walks.iter().zip(&mut times) {
                    let start = Instant::now();
                    walk(from);
                    times.push(start.elapsed() / TICKS);
                }
            }
            let [ours, croner, cronexpr] = times.map(|mut times| {
                times.sort_unstable();
                times[times.len() / 2].as_nanos()
            });
            println!("{text:24} {zone:18} {ours:>9} {croner:>9} {cronexpr:>9}");
        }
    }
}
