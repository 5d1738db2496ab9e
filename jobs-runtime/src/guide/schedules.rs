//! Cron, intervals, zones and clock changes; missed ticks, overlaps, and schedules by environment.
//!
//! ```standalone_crate
//! use jobs_runtime::{JobContext, Runtime, closure, job};
//!
//! /// At two in the morning in Berlin, and whenever a worker starts.
//! #[job(cron = "0 2 * * *", tz = "Europe/Berlin", run_on_start, retries = 3)]
//! async fn clean_up(ctx: &JobContext) {
//!     println!("for {:?}", ctx.tick());
//! }
//!
//! /// At every full ten seconds of the Unix epoch, whenever the program was started.
//! #[job(every = "10s", retries = 0)]
//! async fn measure() {}
//!
//! # fn main() -> Result<(), jobs_runtime::Error> {
//! let nightly = closure("nightly", |_| async {}).cron("@daily").tz("America/New_York");
//! Runtime::builder().register(nightly).check()
//! # }
//! ```
//!
//! A tick makes a job like any other: it is stored, claimed, retried and kept. [`JobContext::tick`](crate::JobContext::tick) is
//! the instant it stands for. The arguments of a scheduled job are all `Option`s, and `None`. A kind has one schedule; a second one is a second fn that calls
//! the first.
//!
//! # The dialect of cron
//!
//! That of crontab(5) (Vixie cron).
//!
//! | text | meaning |
//! |---|---|
//! | `minute hour day-of-month month day-of-week` | five fields: 0-59, 0-23, 1-31, 1-12, 0-7 |
//! | six fields | seconds, 0-59, stand in front |
//! | `*` | all values |
//! | `a-b`, `*/n`, `a-b/n`, `x,y` | a range, a step through all, a step through a range, a list of any of these |
//! | `JAN`, `MON` | months and weekdays by name, in any case; Sunday is 0 and 7 |
//! | `0 0 13 * FRI` | **day of month OR day of week**: when neither field begins with `*`, a day matches if either does |
//! | `0 0 */2 * MON` | a field that begins with `*` restricts too, and then both must match |
//! | `@yearly` `@annually` `@monthly` `@weekly` `@daily` `@midnight` `@hourly` | `0 0 1 1 *` (twice), `0 0 1 * *`, `0 0 * * 0`, `0 0 * * *` (twice), `0 * * * *` |
//! | `@once` | once for the schedule's key, as soon as a worker runs; a schedule that was removed and comes again after a day is a new one |
//!
//! Refused, each with what to write instead: `L`, `W`, `#`, `?`, `~`, years, `@reboot`, a step after a single value (`5/10`), a
//! range that runs backwards, a step larger than its field (`*/90` minutes), and a date that never occurs. Ticks lie in the years
//! 1970 to 2099.
//!
//! [`schedule`](crate::schedule) reads and tells the same schedules in code, the common ones also by name:
//!
//! ```
//! use jobs_runtime::schedule::{Schedule, Spec, Weekday, Zone};
//!
//! let berlin = Zone::parse("Europe/Berlin")?;
//! let weekly = Schedule::new(&Spec::weekly_at(Weekday::Monday, 9, 30)?, berlin.clone());
//! assert_eq!(weekly.spec().to_string(), "30 9 * * 1");
//! assert_eq!(weekly.describe(), "at 09:30 on Mondays, Europe/Berlin");
//! assert_eq!(weekly.next_after("2026-03-28T00:00:00Z".parse()?), Some("2026-03-30T07:30:00Z".parse()?));
//!
//! let often = Schedule::parse_cron("*/15 8-17 * * MON-FRI", berlin)?;
//! assert_eq!(often.describe(), "every 15 minutes from 08:00 to 17:45 on weekdays, Europe/Berlin");
//! assert_eq!(Spec::every_minutes(7).unwrap_err().message, "7 minutes do not divide an hour");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Intervals
//!
//! `every` takes 1 s to 366 d in whole milliseconds. It counts from the Unix epoch, not from the start of the process, so that
//! restarts do not move it and all processes agree. It knows no zone and no clock changes.
//!
//! # Zones and clock changes
//!
//! `tz` is an IANA name, `UTC` (the default, unless [the settings](#by-environment) name another), or `local` for the zone of the machine. The zone data is the system's where there
//! is one, else the bundled one; the manifest and [`Health`](crate::Health) say which. When clocks change, the rules of cronie
//! hold:
//!
//! | the minute and the hour field | a time that is skipped | a time that comes twice |
//! |---|---|---|
//! | neither begins with `*` (fixed times) | runs once, at the end of the gap | runs once, the first time |
//! | one begins with `*` (intervals) | does not run | runs both times |
//!
//! ```
//! use jobs_core::schedule::{Schedule, Zone};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let berlin = Schedule::parse_cron("30 2 * * *", Zone::parse("Europe/Berlin")?)?;
//! // On this night the clock jumps from 02:00 to 03:00.
//! let tick = berlin.next_after("2027-03-27T12:00:00Z".parse()?).unwrap();
//! assert_eq!(tick.to_string(), "2027-03-28T01:00:00Z");
//! // On this one it shows 02:30 twice.
//! let tick = berlin.next_after("2027-10-30T12:00:00Z".parse()?).unwrap();
//! assert_eq!(tick.to_string(), "2027-10-31T00:30:00Z");
//! assert_eq!(berlin.next_after(tick).unwrap().to_string(), "2027-11-01T01:30:00Z");
//!
//! let either = Schedule::parse_cron("0 0 13 * FRI", Zone::utc())?;
//! assert_eq!(either.next_after("2026-11-01T00:00:00Z".parse()?).unwrap().to_string(), "2026-11-06T00:00:00Z");
//! # Ok(())
//! # }
//! ```
//!
//! # Missed ticks and overlaps
//!
//! Both policies are fixed today.
//!
//! - **Missed: once.** If ticks passed while no worker ran, the latest of them is fired at the next start and stands for the
//!   others.
//! - **Overlap: skip.** If the job of an earlier tick is still alive when the next one comes, the tick is recorded as skipped. A
//!   job that waits for a retry is alive: a job that fails every time, with the default 10 retries, holds up its schedule for
//!   hours. Give frequent schedules `retries = 0`. So is a job that waits in a [paused queue](super::running#queues-and-concurrency): later
//!   ticks are recorded as skipped until it has run.
//!
//! A schedule that is new, or whose text or zone was changed, counts from that moment: an edit fires no earlier ticks. A `@once`
//! that has fired stays fired; with another text its schedule goes on from that moment.
//!
//! # Many processes
//!
//! There is no leader. Every process looks at the same rows, and a tick is fired by whoever is first, in one transaction with its
//! job: at most one job for a tick, whoever tries. The rows are written by a starting worker, the newest start wins, and everyone
//! fires what the rows say, also if his own build was compiled with another text. A schedule that the newest start does not have
//! is removed, if its program knows the kind.
//!
//! `run_on_start` makes a job each time a worker starts, unless the last one is still alive.
//!
//! # By environment
//!
//! ```toml
//! # jobs.staging.toml, read when JOBS_ENV is `staging`, beside jobs.toml
//! tz = "Europe/Berlin" # the zone of schedules that name none; UTC by default
//!
//! [jobs.clean_up]
//! every = "1h"         # or cron = "..", with tz = ".."
//!
//! [jobs.measure]
//! enabled = false      # no schedule, and no run on start; the job itself can still be enqueued
//!
//! [schedule.morning]   # the schedule with key = "morning", whichever job has it
//! cron = "30 9 * * *"
//!
//! [schedule.evening]
//! enabled = false
//! ```
//!
//! The same by variables: `JOBS_TZ`, `JOBS_JOBS_CLEAN_UP_EVERY=1h`, `JOBS_SCHEDULE_EVENING_ENABLED=false`
//! ([the rule](crate::settings#variables)); and in code, by [`Builder::option`](crate::Builder::option).
//!
//! - `[jobs.<kind>]` is said of the kind's schedule without a key, or of its only one. A kind that has several, each with a key, is told
//!   by their keys. A kind without a schedule in the code gets one so. `enabled = false` switches off all that the kind has.
//! - `[schedule.<key>]` is said of one schedule. Where both are said of it, its key is the nearer; but what `[jobs.<kind>]` switches off
//!   stays off.
//! - `schedules = false` keeps a process from firing and from declaring schedules at all.
//!
//! What is switched off so is removed from the store, with what somebody has paused or given other times by hand
//! ([`Schedules`](crate::schedule::Schedules)). Schedules that exist in the store alone are not set here.
//!
//! A name that no job or no schedule of the program has is an error at its start, with the file and line or the variable, and what was
//! probably meant. Jobs that a process leaves out ([`only`](crate::Builder::only), [`except`](crate::Builder::except)) count as known. So
//! **several programs** that are set up from one folder need a file each, `JOBS_CONFIG=mailer.toml`, beside which `JOBS_ENV=staging` adds
//! `mailer.staging.toml`; or an environment each, with what is common in `jobs.toml` and the rest in `jobs.mailer.toml`, read when
//! `JOBS_ENV` is `mailer`.
//!
//! ```standalone_crate
//! use jobs_runtime::{Runtime, job};
//!
//! #[job(schedule(cron = "0 8 * * *", key = "morning"), schedule(cron = "0 20 * * *", key = "evening"))]
//! async fn water_plants() {}
//!
//! # fn main() {
//! let check = |path, text| Runtime::builder().option(path, text).check();
//! assert!(check("schedule.morning.cron", "30 9 * * *").is_ok());
//! let error = check("schedule.mornin.cron", "30 9 * * *").unwrap_err();
//! assert!(error.to_string().ends_with("did you mean `morning`?"));
//! # }
//! ```
