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
//! the instant it stands for.
//!
//! # Several schedules, with arguments
//!
//! `schedule(..)` gives a job more than one. Each has a key of its own, under which the store knows its ticks, and its own arguments,
//! which the compiler checks; a parameter that is not given is an `Option`, and `None`.
//!
//! ```standalone_crate
//! use jobs_runtime::{Runtime, job};
//!
//! #[job(
//!     retries = 2,
//!     schedule(cron = "0 9 * * MON-FRI", tz = "Europe/Berlin", key = "morning", args(greeting = "Good morning")),
//!     schedule(cron = "0 18 * * FRI", tz = "Europe/Berlin", key = "weekend", args(greeting = "Have a nice weekend", mood = Some(5))),
//! )]
//! async fn greet(greeting: String, mood: Option<u8>) {
//!     println!("{greeting} {mood:?}");
//! }
//!
//! # fn main() -> Result<(), jobs_runtime::Error> {
//! Runtime::builder().check()
//! # }
//! ```
//!
//! | key | default | meaning |
//! |---|---|---|
//! | `cron` or `every` | | the times |
//! | `tz` | that of the setting `tz`, which is `UTC` | the zone of `cron`, of `starts` and of `ends` |
//! | `key` | the job's name | its name in the store; give the old one when a job is renamed |
//! | `misfire` | `once` | what becomes of [missed ticks](#missed-ticks) |
//! | `overlap` | `skip` | what becomes of a tick [while the last run is not over](#overlaps) |
//! | `jitter` | `0s` | by how much a job may come [later](#jitter) than its tick |
//! | `starts`, `ends` | | no tick before the one, none at the other or after it: `2027-01-31`, `2027-01-31T08:00:00`, with or without an offset |
//! | `run_on_start` | `false` | also a job [when a worker starts](#run-on-start) |
//! | `args(..)` | | the arguments of its jobs |
//!
//! The same keys stand at the top of `#[job(..)]`, as the short form of one schedule.
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
//! | `@once` | once ever for the schedule's key, as soon as a worker runs |
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
//! `tz` is an IANA name, `UTC` (the default, unless [the settings](#by-environment) name another), or `local` for the zone of the
//! machine. The zone data is the system's where there is one, else the bundled one; the manifest and [`Health`](crate::Health) say
//! which. When clocks change, the rules of cronie hold:
//!
//! | the minute and the hour field | a time that is skipped | a time that comes twice |
//! |---|---|---|
//! | neither begins with `*` (fixed times) | runs once, at the end of the gap | runs once, the first time |
//! | one begins with `*` (intervals) | does not run | runs both times |
//!
//! ```
//! use jobs_runtime::schedule::{Schedule, Zone};
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
//! In the night of a change that looks as follows:
//!
//! | schedule | zone | the clock | ticks of that night |
//! |---|---|---|---|
//! | `30 2 * * *` | `Europe/Berlin` | 2027-03-28, 02:00 to 03:00 | 03:00+02:00 |
//! | `15 1,2 * * *` | `Europe/Berlin` | 2027-03-28, 02:00 to 03:00 | 01:15+01:00, 03:00+02:00 |
//! | `*/30 * * * *` | `Europe/Berlin` | 2027-03-28, 02:00 to 03:00 | 01:00+01:00, 01:30+01:00, 03:00+02:00, 03:30+02:00, 04:00+02:00 |
//! | `45 */2 * * *` | `Europe/Berlin` | 2027-03-28, 02:00 to 03:00 | none |
//! | `30 2 * * *` | `Europe/Berlin` | 2027-10-31, 03:00 to 02:00 | 02:30+02:00 |
//! | `15 1,2 * * *` | `Europe/Berlin` | 2027-10-31, 03:00 to 02:00 | 01:15+02:00, 02:15+02:00 |
//! | `*/30 * * * *` | `Europe/Berlin` | 2027-10-31, 03:00 to 02:00 | 01:00+02:00, 01:30+02:00, 02:00+02:00, 02:30+02:00, 02:00+01:00, 02:30+01:00, 03:00+01:00, 03:30+01:00 |
//! | `45 */2 * * *` | `Europe/Berlin` | 2027-10-31, 03:00 to 02:00 | 02:45+02:00, 02:45+01:00 |
//! | `30 2 * * *` | `America/New_York` | 2027-03-14, 02:00 to 03:00 | 03:00-04:00 |
//! | `15 1,2 * * *` | `America/New_York` | 2027-03-14, 02:00 to 03:00 | 01:15-05:00, 03:00-04:00 |
//! | `*/30 * * * *` | `America/New_York` | 2027-03-14, 02:00 to 03:00 | 01:00-05:00, 01:30-05:00, 03:00-04:00, 03:30-04:00, 04:00-04:00 |
//! | `45 */2 * * *` | `America/New_York` | 2027-03-14, 02:00 to 03:00 | none |
//! | `30 2 * * *` | `America/New_York` | 2027-11-07, 02:00 to 01:00 | 02:30-05:00 |
//! | `15 1,2 * * *` | `America/New_York` | 2027-11-07, 02:00 to 01:00 | 01:15-04:00, 02:15-05:00 |
//! | `*/30 * * * *` | `America/New_York` | 2027-11-07, 02:00 to 01:00 | 01:00-04:00, 01:30-04:00, 01:00-05:00, 01:30-05:00, 02:00-05:00, 02:30-05:00 |
//! | `45 */2 * * *` | `America/New_York` | 2027-11-07, 02:00 to 01:00 | none |
//! | `30 2 * * *` | `Australia/Lord_Howe` | 2027-10-03, 02:00 to 02:30 | 02:30+11:00 |
//! | `15 1,2 * * *` | `Australia/Lord_Howe` | 2027-10-03, 02:00 to 02:30 | 01:15+10:30, 02:30+11:00 |
//! | `*/30 * * * *` | `Australia/Lord_Howe` | 2027-10-03, 02:00 to 02:30 | 01:00+10:30, 01:30+10:30, 02:30+11:00, 03:00+11:00, 03:30+11:00 |
//! | `45 */2 * * *` | `Australia/Lord_Howe` | 2027-10-03, 02:00 to 02:30 | 02:45+11:00 |
//! | `30 2 * * *` | `Australia/Lord_Howe` | 2027-04-04, 02:00 to 01:30 | 02:30+10:30 |
//! | `15 1,2 * * *` | `Australia/Lord_Howe` | 2027-04-04, 02:00 to 01:30 | 01:15+11:00, 02:15+10:30 |
//! | `*/30 * * * *` | `Australia/Lord_Howe` | 2027-04-04, 02:00 to 01:30 | 01:00+11:00, 01:30+11:00, 01:30+10:30, 02:00+10:30, 02:30+10:30 |
//! | `45 */2 * * *` | `Australia/Lord_Howe` | 2027-04-04, 02:00 to 01:30 | none |
//!
//! (Made by the code.)
//!
//! These are the rules of cron(8) as cronie has them. Other libraries have their own: croner lets several fixed times follow the clock on the
//! wall, cronexpr all of them. The tests compare our ticks with those of both at the clock changes of 28 zones, and list every difference.
//!
//! # Missed ticks
//!
//! A tick is missed when it is more than a minute late, or when the next one has come, too: no worker ran, or the store could not be
//! reached.
//!
//! | `misfire` | what becomes of missed ticks |
//! |---|---|
//! | `"once"` | the latest is fired and stands for the others |
//! | `"skip"` | none is fired |
//! | `"all"` | each is fired, the oldest first: the last 100 of a day; `"all 20 within 2h"` sets both limits. Beside the default overlap only the first of them gets its job: take `overlap = "queue"` or `"allow"` |
//!
//! A schedule that is new counts from its first declaration. One that was given other times counts from then: an edit fires no earlier
//! ticks. A `@once` that has fired stays fired; with another text its schedule goes on from that moment. After a restore from a backup
//! the ticks since the backup were missed, and follow this policy like any others.
//!
//! # Overlaps
//!
//! A run is not over while its job waits, also for a retry: a job that fails every time, with the default 10 retries, holds up its schedule
//! for hours. Give frequent schedules `retries = 0`. Nor is a job over that waits in a [paused queue](super::running#queues-and-concurrency),
//! or one that is [parked](super::running#parked-jobs), as one with wrong arguments of a schedule that a client has saved: cancel it
//! when you have mended the schedule.
//!
//! | `overlap` | what becomes of a tick while the last run is not over |
//! |---|---|
//! | `"skip"` | it is skipped |
//! | `"queue"` | it gets its job when the run is over, in order; at most 100 wait, and those that come then are skipped |
//! | `"allow"` | it gets its job at once |
//! | `"cancel"` | the run is asked to stop, and the tick gets its job when that is over; a job that only waits is cancelled at once. A tick that waits gives way to a later one |
//!
//! # Jitter
//!
//! With `jitter = "5m"` each job comes up to five minutes after its tick, by a time that follows from the key and the tick, so that not
//! all that is due at a full hour begins at once. It never comes after the next tick. The tick itself, in the job's context and in the
//! accounts, is the planned instant.
//!
//! # Run on start
//!
//! `run_on_start` makes a job each time a process starts. `run_on_start = "deployment"` makes one for each build of the program, by whichever
//! of its processes starts first; the last 16 builds are remembered, so that a rollback makes none. A build is told from another by the
//! size and the age of the program's file, unless [`Builder::build`](crate::Builder::build) names it: name it where copies on several
//! machines may differ in age. Both stand beside the schedule's times, follow its overlap, and rest while it is paused, has not begun or
//! has ended.
//!
//! # While workers run
//!
//! [`Client::schedules`](crate::Client::schedules) looks at schedules and changes them, for all processes, from any process:
//!
//! ```
//! # use jobs_runtime::{Client, NewJob, ScheduleError};
//! use jobs_runtime::schedule::{NewSchedule, Overlap, Spec, TickFilter, Zone};
//!
//! # async fn example(client: &Client) -> Result<(), ScheduleError> {
//! let schedules = client.schedules();
//! for view in schedules.list().await? {
//!     println!("{}: {}, next {:?}", view.key(), view.describe(), view.next_ticks(3));
//! }
//!
//! // What stands in code is paused, given other times, and run now; all of it can be taken back.
//! schedules.pause("clean_up").await?;
//! schedules.give_times("measure", &Spec::every_minutes(5).unwrap(), &Zone::utc()).await?;
//! schedules.trigger("clean_up").await?;
//!
//! // What exists in the store alone: any kind, with the job's arguments, tenant, user and metadata. It ticks where a worker knows the kind.
//! let job = NewJob::new("send_report", r#"{"to":"ann@example.com"}"#);
//! schedules.save(NewSchedule::new("report-ann", job)?.cron("0 9 * * MON-FRI").tz("Europe/Berlin").overlap(Overlap::Queue)).await?;
//!
//! // Loaded from a table of one's own: what is not among them is gone, in one step.
//! let rows = [("ann", "0 8 * * *"), ("ben", "30 7 * * *")];
//! let newsletters = rows.map(|(name, cron)| {
//!     let job = NewJob::new("send_newsletter", format!(r#"{{"to":"{name}"}}"#));
//!     Ok(NewSchedule::new(format!("newsletter:{name}"), job)?.cron(cron))
//! });
//! schedules.replace_group("newsletters", newsletters.into_iter().collect::<Result<_, ScheduleError>>()?).await?;
//!
//! // What became of the ticks: fired, how late, or skipped and why.
//! for tick in schedules.ticks(TickFilter { schedule: "report-ann".into(), ..TickFilter::default() }).await? {
//!     println!("{} {} late by {:?}", tick.instant, tick.outcome.as_str(), tick.late_by());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What people changed by hand stays through deploys and restarts, and is shown beside what the code says
//! ([`ScheduleView::record`](crate::schedule::ScheduleView)). What passes while a schedule is paused was not missed.
//!
//! Each tick that was dealt with has an account ([`TickRecord`](crate::schedule::TickRecord)): `fired`, `queued`, or skipped for `overlap`,
//! `misfire`, `paused`, `edited`, `ended`, `replaced` or `removed`, with the time at which that was, its job, and the tick before it, so
//! that it stands for all ticks since then. It also says whether the time had come, a worker started, or somebody asked for it. After a
//! clock that was ahead is put right, a schedule is silent until its last tick: no longer than 3 hours, for one whose last tick lies further
//! ahead counts from now after 10 minutes. Accounts are kept as long as completed jobs, and a day at least.
//!
//! # Many processes
//!
//! There is no leader. Every process looks at the same rows, and a tick is fired by whoever is first, in one transaction with its
//! job: at most one job for a tick, whoever tries, and none before its time by the store's clock. The rows are written by a starting
//! worker, the newest start wins, and everyone fires what the rows say, also if his own build was compiled with another text. When the last
//! worker of the newest start has gone, or has lost its lease, the builds that run write them anew within a few minutes, and in the end
//! the newest of them. Who is a build is said by [`Builder::build`](crate::Builder::build); processes of one build never take from
//! each other. A key is one schedule for all programs of a store: where two programs have it, the newest start decides too; and one that
//! was saved by a client is left alone, so that the code's own is not in force (`jobs.schedule_taken` in the log). A schedule that is gone from the code goes on while a process of a build that has it runs. When none does it is retired: it is kept for a week, with
//! what people changed of it, and goes on if it comes back. A row that a build cannot read, since a newer one wrote it, is left to those
//! that can. `tz = "local"` is the zone of the machine that started last, by its name.
//!
//! # Another scheduler
//!
//! With `schedules = false` this process fires none, and a scheduler that is not ours may deliver:
//! [`Client::deliver`](crate::Client::deliver) takes a job, the name of the schedule and the delivery's id, and stores one job for them,
//! however often they come.
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
//! What is switched off so is in the store as not enabled, for all processes: as with all that the code says, the newest start decides. When
//! it is switched on again, what passed meanwhile was not missed, and what somebody paused or gave other times by hand is as it was.
//! Schedules that exist in the store alone are not set here, and `tz` is not said of them.
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
