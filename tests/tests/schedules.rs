//! Schedules: each tick once, whoever is there to fire it, and what becomes of the ticks that nobody fired.

use std::time::Duration;

use jiff::Timestamp;
use jobs_core::State;
use jobs_core::schedule::{Spec, Zone};
use jobs_core::store::{
    NewSchedule, Now, ScheduleFilter, ScheduleRecord, ScheduleStore, Skip, TickCause, TickFilter, TickOutcome,
};
use jobs_runtime::{ClosureJob, JobContext, Runtime, closure};
use tests::{Run, Script, Tap, World, enqueue, finished, on_every_store, script, stop};

const SECOND: Duration = Duration::from_secs(1);

/// Lets the clock go on by a step at a time until a run begins.
async fn run_of(world: &World, runs: &mut Script, step: Duration) -> Run {
    world
        .until("a tick", async || {
            let run = runs.begun();
            if run.is_none() {
                world.clock.advance(step);
            }
            run
        })
        .await
}

async fn rows_of(world: &World, store: &Tap) -> Vec<ScheduleRecord> {
    let mut rows =
        store.schedules(Now { wall: world.now(), steady: Duration::ZERO }, ScheduleFilter::default()).await.unwrap().schedules;
    rows.retain(|row| row.retired_at.is_none() && row.schedule.enabled);
    rows
}

async fn start(world: &World, job: ClosureJob) -> Runtime {
    let store = world.store().await;
    world.builder(&store).register(job).start().await.unwrap()
}

#[tokio::test]
async fn a_schedule_fires_at_its_times() {
    on_every_store(async |world| {
        for (schedule, first, second) in [("every", 10, 20), ("six fields", 15, 45), ("five fields", 60, 120)] {
            let (work, mut runs) = script("work");
            let work = match schedule {
                "every" => work.every("10s"),
                "six fields" => work.cron("15,45 * * * * *"),
                _ => work.cron("* * * * *"),
            };
            let minute = world.now();
            let runtime = start(world, work).await;
            for after in [first, second] {
                let run = run_of(world, &mut runs, SECOND).await;
                let tick = run.context.tick().unwrap();
                assert_eq!(tick.duration_since(minute).as_secs(), after, "{schedule}");
                run.succeed().over().await;
                world.counts("it to end in the store", runtime.client(), |counts| counts.live() == 0).await;
            }
            stop(runtime).await;
            // The next one begins at a whole minute too.
            let rest = 60 - world.now().as_second().rem_euclid(60);
            world.clock.advance(Duration::from_secs(u64::try_from(rest % 60).unwrap()));
            world.clock.set_wall(Timestamp::from_second(world.now().as_second()).unwrap());
        }
    })
    .await;
}

#[tokio::test]
async fn each_tick_fires_once_in_two_processes() {
    on_every_store(async |world| {
        let job = || closure("work", |_: JobContext| async {}).every("10s");
        let one = start(world, job()).await;
        let two = start(world, job()).await;
        for ticks in 1..=50 {
            let done = async |client: &jobs_runtime::Client| client.counts().await.unwrap().completed;
            world
                .until("the tick", async || {
                    let all = done(one.client()).await >= ticks;
                    if !all {
                        world.clock.advance(SECOND);
                    }
                    all.then_some(())
                })
                .await;
        }
        let ticks: Vec<Timestamp> = finished(one.client()).await.iter().filter_map(|job| job.tick).collect();
        let mut distinct = ticks.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), ticks.len(), "a tick has fired twice");
        // One may be skipped while the last job still runs.
        assert!(distinct.windows(2).all(|pair| pair[1].duration_since(pair[0]).as_secs() % 10 == 0), "{distinct:?}");
        stop(one).await;
        stop(two).await;
    })
    .await;
}

#[tokio::test]
async fn of_the_ticks_missed_while_all_were_down_the_latest_fires() {
    on_every_store(async |world| {
        let (work, mut runs) = script("work");
        let runtime = start(world, work.every("1h")).await;
        let store = world.store().await;
        stop(runtime).await;
        // Three hours, and a bit.
        world.clock.advance(3 * 3_600 * SECOND + 600 * SECOND);
        let (work, mut again) = script("work");
        let runtime = start(world, work.every("1h")).await;
        let run = run_of(world, &mut again, SECOND).await;
        assert_eq!(run.context.tick().unwrap(), world.now().round(jiff::Unit::Hour).unwrap());
        run.succeed().over().await;
        let row = rows_of(world, &store).await.remove(0);
        assert_eq!(row.last_tick, world.now().round(jiff::Unit::Hour).unwrap());
        world.counts("one job", runtime.client(), |counts| counts.completed == 1 && counts.live() == 0).await;
        let next = run_of(world, &mut again, 60 * SECOND).await;
        assert_eq!(next.context.tick().unwrap().duration_since(row.last_tick).as_secs(), 3_600);
        drop(next);
        assert!(runs.begun().is_none());
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_tick_is_skipped_while_the_last_job_still_runs() {
    on_every_store(async |world| {
        let (work, mut runs) = script("work");
        let runtime = start(world, work.every("10s")).await;
        let first = run_of(world, &mut runs, SECOND).await;
        let began = first.context.tick().unwrap();
        world
            .until("two ticks to pass", async || {
                world.clock.advance(SECOND);
                (world.now().duration_since(began).as_secs() >= 25).then_some(())
            })
            .await;
        first.succeed().over().await;
        world.counts("the first to end", runtime.client(), |counts| counts.completed == 1).await;
        let second = run_of(world, &mut runs, SECOND).await;
        let later = second.context.tick().unwrap().duration_since(began).as_secs();
        assert!(later >= 30 && later % 10 == 0, "{later}");
        drop(second);
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_schedule_can_be_switched_off_and_replaced_by_settings() {
    on_every_store(async |world| {
        let job = || closure("work", |_: JobContext| async {}).every("1h").run_on_start();
        let rows = async |path: &str, text: &str| {
            world.clock.advance(SECOND);
            let store = world.store().await;
            let runtime = world.builder(&store).option(path, text).register(job()).start().await.unwrap();
            let rows = rows_of(world, &store).await;
            stop(runtime).await;
            rows.into_iter().map(|row| (row.schedule.spec, row.schedule.zone)).collect::<Vec<_>>()
        };
        let row = |spec: &str, zone: &str| vec![(spec.to_owned(), zone.to_owned())];
        assert_eq!(rows("jobs.work.every", "5m").await, row("every 5m", "UTC"));
        assert_eq!(rows("jobs.work.cron", "0 2 * * *").await, row("cron 0 2 * * *", "UTC"));
        assert_eq!(rows("jobs.work.enabled", "true").await, row("every 1h", "UTC"));
        let client = world.client(&world.store().await);
        let before = client.counts().await.unwrap();
        assert_eq!(rows("jobs.work.enabled", "false").await, []);
        let after = client.counts().await.unwrap();
        assert_eq!(after.completed + after.live(), before.completed + before.live(), "it ran on start");
    })
    .await;
}

/// Switched off and on again by settings: what passed meanwhile was not missed, and what a person has done is as it was.
#[tokio::test]
async fn a_schedule_that_was_switched_off_catches_up_with_nothing() {
    on_every_store(async |world| {
        let started = async |enabled: &str| {
            world.clock.advance(SECOND);
            let job = closure("work", |_: JobContext| async {}).every("1h").run_on_start();
            let store = world.store().await;
            world.builder(&store).option("jobs.work.enabled", enabled).register(job).start().await.unwrap()
        };
        stop(started("true").await).await;
        let off = started("false").await;
        assert!(off.manifest().to_string().contains("switched off"), "{}", off.manifest());
        off.client().schedules().give_times("work", &Spec::daily_at(9, 0).unwrap(), &Zone::utc()).await.unwrap();
        let view = off.client().schedules().get("work").await.unwrap().unwrap();
        assert!(!view.record.schedule.enabled && view.record.retired_at.is_none() && view.next_ticks(1).is_empty(), "{view:?}");
        stop(off).await;
        world.clock.advance(3 * 86_400 * SECOND);
        let on = started("true").await;
        let since = world.now();
        let view = on.client().schedules().get("work").await.unwrap().unwrap();
        assert!(view.record.last_tick >= since && view.record.override_times.is_some(), "{view:?}");
        let filter = TickFilter { schedule: "work".to_owned(), ..TickFilter::default() };
        let ticks = on.client().schedules().ticks(filter).await.unwrap();
        let passed: Vec<_> = ticks.iter().filter(|tick| tick.cause == TickCause::Time).map(|tick| tick.outcome).collect();
        assert_eq!(passed, [TickOutcome::Skipped(Skip::Paused)], "{ticks:?}");
        stop(on).await;
    })
    .await;
}

#[tokio::test]
async fn settings_reach_each_schedule_by_its_key_and_all_by_their_zone() {
    on_every_store(async |world| {
        let greet = || {
            let greet = closure("greet", |_: JobContext| async {}).cron("0 8 * * *").key("morning");
            greet.also().cron("0 20 * * *").key("evening").tz("Asia/Tokyo").also().every("1h")
        };
        let rows = async |options: &[(&str, &str)]| {
            world.clock.advance(SECOND);
            let store = world.store().await;
            let builder = world.builder(&store).register(greet());
            let builder = options.iter().fold(builder, |builder, (path, text)| builder.option(path, text));
            let runtime = builder.start().await.unwrap();
            let rows = rows_of(world, &store).await;
            let said = runtime.manifest().to_string();
            stop(runtime).await;
            let shown = |row: ScheduleRecord| {
                let NewSchedule { key, spec, zone, .. } = row.schedule;
                if spec.starts_with("cron") { format!("{key}: {spec} ({zone})") } else { format!("{key}: {spec}") }
            };
            let rows: Vec<String> = rows.into_iter().map(shown).collect();
            for row in &rows {
                let row = row.strip_prefix("greet: ").unwrap_or(row);
                assert!(said.contains(row), "`{row}` is not in:\n{said}");
            }
            rows
        };
        let (hourly, evening) = ("greet: every 1h", "evening: cron 0 20 * * * (Asia/Tokyo)");
        assert_eq!(rows(&[]).await, [evening, hourly, "morning: cron 0 8 * * * (UTC)"]);
        assert_eq!(rows(&[("tz", "Europe/Berlin")]).await, [evening, hourly, "morning: cron 0 8 * * * (Europe/Berlin)"]);
        assert_eq!(
            rows(&[("schedule.morning.cron", "30 9 * * *"), ("schedule.evening.enabled", "false"), ("jobs.greet.every", "2h")])
                .await,
            ["greet: every 2h", "morning: cron 30 9 * * * (UTC)"]
        );
        assert_eq!(
            rows(&[("schedule.evening.tz", "UTC")]).await,
            ["evening: cron 0 20 * * * (UTC)", hourly, "morning: cron 0 8 * * * (UTC)"]
        );
        let none: [&str; 0] = [];
        assert_eq!(rows(&[("jobs.greet.enabled", "false"), ("schedule.evening.enabled", "true")]).await, none);
    })
    .await;
}

#[tokio::test]
async fn what_is_said_of_a_key_is_nearer_than_what_is_said_of_its_job() {
    on_every_store(async |world| {
        let store = world.store().await;
        let rows = async |options: &[(&str, &str)]| {
            world.clock.advance(SECOND);
            let job = closure("solo", |_: JobContext| async {}).cron("0 8 * * *").key("only");
            let builder =
                options.iter().fold(world.builder(&store).register(job), |builder, (path, text)| builder.option(path, text));
            let runtime = builder.start().await.unwrap();
            let rows = rows_of(world, &store).await;
            stop(runtime).await;
            rows.into_iter()
                .map(|row| format!("{} {} {}", row.schedule.key, row.schedule.spec, row.schedule.zone))
                .collect::<Vec<_>>()
        };
        let job = ("jobs.solo.cron", "0 9 * * *");
        assert_eq!(rows(&[job, ("jobs.solo.tz", "Asia/Tokyo")]).await, ["only cron 0 9 * * * Asia/Tokyo"]);
        assert_eq!(rows(&[job, ("schedule.only.cron", "0 10 * * *")]).await, ["only cron 0 10 * * * UTC"]);
        assert_eq!(
            rows(&[job, ("schedule.only.tz", "Asia/Tokyo"), ("tz", "Europe/Berlin")]).await,
            ["only cron 0 9 * * * Asia/Tokyo"]
        );
        assert_eq!(rows(&[job, ("schedule.only.enabled", "false")]).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn a_process_without_schedules_declares_and_fires_none() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).schedules(false).register(work.every("1s").run_on_start()).start().await.unwrap();
        for _ in 0..20 {
            world.clock.advance(SECOND);
        }
        enqueue(runtime.client(), "work").await;
        let run = runs.next().await;
        assert_eq!(run.context.tick(), None);
        run.succeed();
        assert_eq!((store.calls("fire"), rows_of(world, &store).await.len()), (0, 0));
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_job_that_runs_on_start_runs_at_each_start() {
    on_every_store(async |world| {
        for _ in 0..3 {
            world.clock.advance(SECOND);
            let (work, mut runs) = script("work");
            let runtime = start(world, work.run_on_start()).await;
            runs.next().await.succeed();
            world.counts("it to end", runtime.client(), |counts| counts.live() == 0).await;
            stop(runtime).await;
            assert!(runs.begun().is_none());
        }
    })
    .await;
}

#[tokio::test]
async fn once_is_once_over_all_restarts() {
    on_every_store(async |world| {
        for start_number in 0..3 {
            let store = world.store().await;
            let (work, mut runs) = script("work");
            let runtime = world.builder(&store).register(work.cron("@once")).start().await.unwrap();
            if start_number == 0 {
                runs.next().await.succeed();
                world.counts("it to end", runtime.client(), |counts| counts.completed == 1).await;
            }
            world.clock.advance(60 * SECOND);
            store.looked_for_jobs_at(&world.clock).await;
            stop(runtime).await;
            assert!(runs.begun().is_none(), "start {start_number}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_edit_is_no_misfire() {
    on_every_store(async |world| {
        let (work, _) = script("work");
        stop(start(world, work.every("1d")).await).await;
        world.clock.advance(5 * 3_600 * SECOND);
        // Hourly from now on: the hours before count for nothing.
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work.every("1h")).start().await.unwrap();
        let edited = world.now();
        let run = run_of(world, &mut runs, 60 * SECOND).await;
        assert!(run.context.tick().unwrap() > edited);
        drop(run);
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn after_an_edit_and_a_rollback_the_schedule_is_what_the_code_of_the_newest_start_says() {
    on_every_store(async |world| {
        let started = async |build: &'static str, every: &'static str| {
            // Whichever process takes a job of it, it ends at once.
            let job = closure("work", |_: JobContext| async {}).every(every);
            let store = world.store().await;
            let builder = world.builder(&store).build(build).register(job).lease(600 * SECOND).heartbeat(5 * SECOND);
            (builder.start().await.unwrap(), store)
        };
        let store = world.store().await;
        // The newest start declares; everyone fires what it declared, also the builds before it that still run.
        let mut runtimes = Vec::new();
        for (build, every, seconds) in [("1", "1h", 3_600), ("2", "10m", 600), ("1", "1h", 3_600)] {
            runtimes.push(started(build, every).await);
            let row = rows_of(world, &store).await.remove(0);
            assert_eq!((&*row.schedule.spec, row.schedule.build.as_deref()), (&*format!("every {every}"), Some(build)));
            let mut ticks = vec![row.last_tick];
            for _ in 0..2 {
                let before = ticks.last().copied();
                let next = async || Some(rows_of(world, &store).await.remove(0).last_tick).filter(|tick| Some(*tick) > before);
                let fired = world.until("a tick", async || {
                    let fired = next().await;
                    if fired.is_none() {
                        // Nobody loses his lease meanwhile: an earlier start would take over. Of two signs of life one is over.
                        let beats = || runtimes.iter().map(|(_, store)| store.calls("heartbeat"));
                        let before: Vec<u64> = beats().collect();
                        world.clock.advance(300 * SECOND);
                        let have_beaten = async || beats().zip(&before).all(|(now, before)| now > before + 1).then_some(());
                        world.pass("signs of life", SECOND, have_beaten).await;
                    }
                    fired
                });
                ticks.push(fired.await);
                world.counts("its job to end", runtimes[0].0.client(), |counts| counts.live() == 0).await;
            }
            assert_eq!(ticks[2].duration_since(ticks[1]).as_secs() % seconds, 0, "{build} {every}: {ticks:?}");
        }
        // Where all that started later are gone, the next newest says what the schedule is.
        for nth in [2, 0] {
            stop(runtimes.remove(nth).0).await;
        }
        let back = async || {
            let row = rows_of(world, &store).await.remove(0);
            (row.schedule.build.as_deref() == Some("2") && row.schedule.spec == "every 10m").then_some(())
        };
        world.pass("the build that runs to declare its own", SECOND, back).await;
        for (runtime, _) in runtimes {
            stop(runtime).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_failed_tick_is_retried_like_any_job() {
    on_every_store(async |world| {
        let (work, mut runs) = script("work");
        let backoff = jobs_core::Backoff::parse("fixed 1s").unwrap();
        let runtime = start(world, work.every("1h").backoff(backoff)).await;
        let run = run_of(world, &mut runs, 30 * SECOND).await;
        let (id, tick) = (run.context.id(), run.context.tick());
        run.fail("not yet");
        world.job_in(runtime.client(), id, State::Retryable).await;
        let again = run_of(world, &mut runs, SECOND).await;
        assert_eq!((again.context.id(), again.context.tick(), again.context.attempt()), (id, tick, 2));
        drop(again);
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_schedule_outlives_a_clock_that_is_set_back() {
    on_every_store(async |world| {
        let (work, mut runs) = script("work");
        let runtime = start(world, work.every("10s")).await;
        let first = run_of(world, &mut runs, SECOND).await;
        let tick = first.context.tick().unwrap();
        first.succeed().over().await;
        world.counts("it to end in the store", runtime.client(), |counts| counts.completed == 1).await;
        world.clock.set_wall(world.now() - Duration::from_secs(60));
        let second = run_of(world, &mut runs, SECOND).await;
        assert_eq!(second.context.tick().unwrap().duration_since(tick).as_secs(), 10, "a tick fired twice or was lost");
        drop(second);
        stop(runtime).await;
    })
    .await;
}

/// A clock that was wrong by hours and is put right leaves no schedule silent until then.
#[tokio::test]
async fn a_schedule_outlives_a_clock_that_was_hours_ahead() {
    on_every_store(async |world| {
        let (work, mut runs) = script("work");
        let right = world.now();
        world.clock.set_wall(right + 5 * 3_600 * SECOND);
        let runtime = start(world, work.every("10s")).await;
        let first = run_of(world, &mut runs, SECOND).await;
        assert!(first.context.tick().unwrap() > right + 5 * 3_600 * SECOND);
        first.succeed().over().await;
        world.counts("it to end in the store", runtime.client(), |counts| counts.completed == 1).await;
        world.clock.set_wall(right);
        // Not at once: the clock may be wrong now, and soon be put right.
        let second = run_of(world, &mut runs, 2 * SECOND).await;
        assert_eq!(second.context.schedule(), Some("work"));
        let late = second.context.tick().unwrap().duration_since(right).as_secs();
        assert!((600..1_800).contains(&late), "{late}");
        drop((second, runs));
        stop(runtime).await;
    })
    .await;
}
