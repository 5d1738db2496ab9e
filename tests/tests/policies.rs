//! What becomes of ticks: those that were missed, those that come while the last run is not over, and those at a full hour.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::State;
use jobs_core::schedule::{Misfire, Moment, Overlap};
use jobs_core::store::{NewSchedule, Skip, TickFilter, TickOutcome};
use jobs_runtime::{Client, ClosureJob, JobContext, NewJob, Runtime, closure};
use tests::{Run, Script, Step, World, finished, on_every_store, script, stop};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

async fn start(world: &World, job: ClosureJob) -> Runtime {
    let store = world.store().await;
    world.builder(&store).register(job).start().await.unwrap()
}

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

/// The accounts of a schedule, the oldest first.
async fn accounts(client: &Client, key: &str) -> Vec<(Timestamp, TickOutcome, u32)> {
    let filter = TickFilter { schedule: key.to_owned(), ..TickFilter::default() };
    let mut ticks = client.schedules().ticks(filter).await.unwrap();
    ticks.reverse();
    ticks.into_iter().map(|tick| (tick.instant, tick.outcome, tick.missed)).collect()
}

/// L6: all were down for three hours over five ticks, at 30, 60, 90, 120 and 150 minutes. The next one is 10 minutes away.
#[tokio::test]
async fn ticks_missed_in_a_deploy_follow_their_policy() {
    on_every_store(async |world| {
        for (policy, fired, passed_over) in [
            ("once", vec![150], vec![]),
            ("skip", vec![], vec![150]),
            ("all", vec![30, 60, 90, 120, 150], vec![]),
            ("all 2", vec![120, 150], vec![90]),
        ] {
            let key = policy.replace(' ', "-");
            let job = || {
                let job = closure("work", |_: JobContext| async {}).every("30m").key(key.clone());
                job.misfire(Misfire::parse(policy).unwrap()).overlap(Overlap::Allow)
            };
            // From a full half hour on.
            let rest = 1_800 - u64::try_from(world.now().as_second().rem_euclid(1_800)).unwrap();
            world.clock.advance(Duration::from_secs(rest));
            world.clock.set_wall(Timestamp::from_second(world.now().as_second()).unwrap());
            stop(start(world, job()).await).await;
            let down = world.now();
            let before = finished(&world.client(&world.store().await)).await.len();
            world.clock.advance(170 * MINUTE);
            let runtime = start(world, job()).await;
            let wanted = fired.len() + passed_over.len();
            world.until("the accounts", async || (accounts(runtime.client(), &key).await.len() >= wanted).then_some(())).await;
            world
                .until("the jobs", async || (finished(runtime.client()).await.len() >= before + fired.len()).then_some(()))
                .await;
            let seen = accounts(runtime.client(), &key).await;
            let of = |outcome| {
                let ticks = seen.iter().filter(move |(_, found, _)| *found == outcome);
                ticks.map(|(tick, ..)| tick.duration_since(down).as_mins()).collect::<Vec<_>>()
            };
            assert_eq!(of(TickOutcome::Fired), fired, "{policy}");
            assert_eq!(of(TickOutcome::Skipped(Skip::Misfire)), passed_over, "{policy}");
            let all: u32 = seen.iter().map(|(_, _, missed)| missed + 1).sum();
            assert_eq!((all, seen.len()), (5, wanted), "{policy}: every tick is accounted for");
            stop(runtime).await;
        }
    })
    .await;
}

#[tokio::test]
async fn queued_ticks_run_one_after_the_other() {
    on_every_store(async |world| {
        let (work, mut runs) = script("work");
        let runtime = start(world, work.every("10s").overlap(Overlap::Queue)).await;
        // Another process, which may be the one that fires or the one that runs.
        let (other, mut others) = script("work");
        let second = start(world, other.every("10s").overlap(Overlap::Queue)).await;
        let mut either = async |what: &str| {
            world
                .until(what, async || {
                    let run = runs.begun().or_else(|| others.begun());
                    if run.is_none() {
                        world.clock.advance(SECOND);
                    }
                    run
                })
                .await
        };
        let first = either("the first run").await;
        let began = first.context.tick().unwrap();
        let queued = async || {
            let views = runtime.client().schedules().list().await.unwrap();
            views[0].record.queued.len()
        };
        world.pass("three ticks that wait", SECOND, async || (queued().await >= 3).then_some(())).await;
        let mut last = began;
        let mut run = first;
        for _ in 0..3 {
            run.succeed().over().await;
            run = either("the one that waits").await;
            let tick = run.context.tick().unwrap();
            assert_eq!(tick.duration_since(last).as_secs(), 10, "in order, and none is left out");
            last = tick;
        }
        // What waits still shall not begin while the end is waited for.
        runtime.client().schedules().pause("work").await.unwrap();
        run.succeed().over().await;
        drop((runs, others));
        stop(runtime).await;
        stop(second).await;
    })
    .await;
}

#[tokio::test]
async fn the_last_run_is_stopped_for_the_next_tick() {
    on_every_store(async |world| {
        let (work, mut runs) = script("work");
        let runtime = start(world, work.every("10s").overlap(Overlap::Cancel).retries(0)).await;
        let first = run_of(world, &mut runs, SECOND).await;
        let (id, tick) = (first.context.id(), first.context.tick().unwrap());
        let ending = first.play(Step::FailWhenStopped);
        let second = run_of(world, &mut runs, SECOND).await;
        ending.over().await;
        world.job_in(runtime.client(), id, State::Cancelled).await;
        assert!(second.context.tick().unwrap() > tick);
        assert_eq!(accounts(runtime.client(), "work").await[0], (tick, TickOutcome::Fired, 0));
        runtime.client().schedules().pause("work").await.unwrap();
        second.succeed().over().await;
        drop(runs);
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn allowed_ticks_run_beside_each_other() {
    on_every_store(async |world| {
        let (work, mut runs) = script("work");
        let runtime = start(world, work.every("10s").overlap(Overlap::Allow)).await;
        let one = run_of(world, &mut runs, SECOND).await;
        let two = run_of(world, &mut runs, SECOND).await;
        assert_eq!(two.context.tick().unwrap().duration_since(one.context.tick().unwrap()).as_secs(), 10);
        drop((one, two));
        drop(runs);
        stop(runtime).await;
    })
    .await;
}

/// L23: a hundred schedules of one full hour do not begin at once.
#[tokio::test]
async fn jitter_spreads_what_is_due_at_one_hour() {
    on_every_store(async |world| {
        let job = closure("work", |_: JobContext| async {});
        let runtime = start(world, job).await;
        let jitter = 5 * MINUTE;
        let schedule = |nth: usize| {
            let schedule = NewSchedule::new(format!("s{nth}"), NewJob::new("work", "{}")).unwrap();
            schedule.cron("@hourly").jitter(jitter)
        };
        runtime.client().schedules().save_all((0..100).map(schedule).collect()).await.unwrap();
        world.pass("all of them", 10 * SECOND, async || (finished(runtime.client()).await.len() >= 100).then_some(())).await;
        let done = finished(runtime.client()).await;
        let delays: Vec<Duration> = done
            .iter()
            .map(|job| {
                let late = job.run_at.duration_since(job.tick.unwrap());
                assert_eq!(job.tick.unwrap().as_second() % 3_600, 0);
                assert!(job.started_at.unwrap() >= job.run_at, "not before it is due");
                Duration::try_from(late).unwrap()
            })
            .collect();
        let distinct: BTreeSet<&Duration> = delays.iter().collect();
        assert!(delays.iter().all(|delay| *delay < jitter) && distinct.len() > 90, "{delays:?}");
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_schedule_ticks_between_its_beginning_and_its_end() {
    on_every_store(async |world| {
        let at = |after: Duration| Moment::parse(&(world.now() + after).to_string()).unwrap();
        let job = closure("work", |_: JobContext| async {}).every("1m").starts(at(5 * MINUTE)).ends(at(10 * MINUTE));
        let (starts, ends) = (world.now() + 5 * MINUTE, world.now() + 10 * MINUTE);
        let runtime = start(world, job).await;
        world
            .pass("its end", 10 * SECOND, async || {
                let seen = accounts(runtime.client(), "work").await;
                seen.last().is_some_and(|(_, outcome, _)| *outcome == TickOutcome::Skipped(Skip::Ended)).then_some(())
            })
            .await;
        let seen = accounts(runtime.client(), "work").await;
        let fired: Vec<Timestamp> =
            seen.iter().filter(|(_, outcome, _)| *outcome == TickOutcome::Fired).map(|(tick, ..)| *tick).collect();
        assert_eq!(fired.len(), 5, "{seen:?}");
        assert!(fired.iter().all(|tick| *tick >= starts && *tick < ends), "{fired:?}");
        let view = runtime.client().schedules().get("work").await.unwrap().unwrap();
        assert_eq!(view.next_ticks(3), []);
        stop(runtime).await;
    })
    .await;
}
