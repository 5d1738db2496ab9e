//! Ticks: each one once, whoever tries and whenever they wake.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jobs_core::State;
use jobs_core::job::TickId;
use jobs_core::schedule::Overlap;
use jobs_core::store::{Deal, Fire, Fired, Occasion, Skip, TickCause, TickFilter, TickOutcome};

use super::Subject;
use super::world::{REPORT, SECOND, World, done, fired, schedule, together};

/// The job of a tick bears its schedule and instant, and the tick is accounted for with it.
pub async fn a_tick_makes_its_job(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[REPORT]).await;
    worker.declare(vec![schedule("a")]).await;
    let began = world.wall();
    assert_eq!(worker.last_tick("a").await, began, "a new schedule counts from now");
    world.advance(10 * SECOND);
    let Fired::Job(id) = worker.fire("a", Some(began), began + 10 * SECOND).await else { panic!("the tick is free") };
    let seen = worker.record(id).await;
    assert_eq!((seen.schedule.as_deref(), seen.tick, seen.state), (Some("a"), Some(began + 10 * SECOND), State::Available));
    let run = worker.claim_one().await;
    assert_eq!((run.id, run.tick), (id, Some(TickId { schedule: "a".to_owned(), instant: began + 10 * SECOND })));
    assert_eq!(worker.last_tick("a").await, began + 10 * SECOND);
}

/// Eight processes fire ten thousand ticks as fast as they can: each tick is accounted for by just one of them.
pub async fn each_tick_is_fired_once_by_eight_processes(subject: &dyn Subject) {
    const SCHEDULES: usize = 100;
    const TICKS: u32 = 100;
    let world = World::new(subject);
    let began = world.wall();
    let first = world.process().await;
    first.declare((0..SCHEDULES).map(|nth| schedule(&format!("s{nth:03}"))).collect()).await;
    world.advance(TICKS * 10 * SECOND);
    let end = began + TICKS * 10 * SECOND;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let process = world.process().await;
        tasks.push(async move {
            let mut fired = Vec::new();
            loop {
                let due = process.schedules().await.into_iter().filter(|found| found.last_tick < end);
                let ticks: Vec<Fire> = due
                    .map(|found| process.tick(&found.schedule.key, Some(found.last_tick), found.last_tick + 10 * SECOND))
                    .collect();
                if ticks.is_empty() {
                    return fired;
                }
                let names: Vec<(String, Timestamp)> = ticks.iter().map(|tick| (tick.key.clone(), tick.tick)).collect();
                let answers = process.fire_all(ticks).await;
                let jobs =
                    answers.iter().filter_map(|answer| if let Fired::Job(id) = answer { Some(*id) } else { None }).collect();
                process.store.cancel(process.now(), jobs, "seen".to_owned()).await.expect("the store cancels");
                fired.extend(names.into_iter().zip(answers).filter(|(_, answer)| *answer != Fired::Lost));
            }
        });
    }
    let mut times: BTreeMap<(String, Timestamp), u32> = BTreeMap::new();
    let mut jobs = 0;
    for (tick, answer) in together(tasks).await.into_iter().flatten() {
        *times.entry(tick).or_default() += 1;
        jobs += u64::from(matches!(answer, Fired::Job(_)));
    }
    assert_eq!(times.len(), SCHEDULES * TICKS as usize, "each tick is accounted for");
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "fired more than once: {twice:?}");
    let counts = first.counts().await;
    assert_eq!(counts.live() + counts.cancelled, jobs, "there are as many jobs as answers that say so");
}

/// A scheduler is stopped for a minute and wakes with what it knew: nothing that was fired meanwhile is fired again.
pub async fn a_scheduler_that_wakes_fires_nothing_again(subject: &dyn Subject) {
    let world = World::new(subject);
    let (awake, asleep) = (world.process().await, world.process().await);
    awake.declare(vec![schedule("a")]).await;
    let known = asleep.last_tick("a").await;
    let mut last = known;
    for _ in 0..6 {
        world.advance(10 * SECOND);
        awake.fire_and_end("a", last, last + 10 * SECOND).await;
        last += 10 * SECOND;
    }
    for nth in 1..=7 {
        assert_eq!(asleep.fire("a", Some(known), known + nth * 10 * SECOND).await, Fired::Lost, "tick {nth}");
    }
    assert_eq!((asleep.last_tick("a").await, asleep.counts().await.cancelled), (last, 6));
}

/// No tick at or before the last one is fired, whatever its process expects.
pub async fn the_last_tick_only_grows(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a")]).await;
    let began = world.wall();
    let last = began + 60 * SECOND;
    world.advance(60 * SECOND);
    process.fire_and_end("a", began, last).await;
    for (expected, tick) in [(last, began), (last, last), (last, last - SECOND), (began, last + SECOND)] {
        assert_eq!(process.fire("a", Some(expected), tick).await, Fired::Lost);
        assert_eq!(process.last_tick("a").await, last);
    }
}

/// A tick whose predecessor's job is still live is recorded as skipped; when that has ended, the next one fires.
pub async fn a_tick_is_skipped_while_the_last_job_lives(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[REPORT]).await;
    worker.declare(vec![schedule("a"), schedule("b")]).await;
    let began = world.wall();
    let at = |nth: u32| began + nth * 10 * SECOND;
    for _ in 0..4 {
        world.advance(10 * SECOND);
        worker.beat().await;
    }
    assert!(matches!(worker.fire("a", Some(at(0)), at(1)).await, Fired::Job(_)));
    assert_eq!(worker.fire("a", Some(at(1)), at(2)).await, Fired::Skipped(Skip::Overlap), "while it waits");
    let run = worker.claim_one().await;
    assert_eq!(worker.fire("a", Some(at(2)), at(3)).await, Fired::Skipped(Skip::Overlap), "while it runs");
    assert_eq!(worker.last_tick("a").await, at(3), "a skipped tick is done with");
    assert!(matches!(worker.fire("b", Some(at(0)), at(1)).await, Fired::Job(_)), "another schedule is not held up");
    worker.settle(&run, done()).await;
    assert!(matches!(worker.fire("a", Some(at(3)), at(4)).await, Fired::Job(_)));
}

/// A run on start is beside the schedule's times: the next tick comes as if it had not been.
pub async fn a_run_on_start_leaves_the_last_tick(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a")]).await;
    let began = world.wall();
    world.advance(3 * SECOND);
    let Fired::Job(id) = process.fire("a", None, world.wall()).await else { panic!("it runs on start") };
    assert_eq!(process.last_tick("a").await, began);
    process.cancel(id).await;
    world.advance(7 * SECOND);
    process.fire_and_end("a", began, began + 10 * SECOND).await;
}

/// A run on start at the very instant of a tick: that instant gets one job, and the schedule goes on.
pub async fn a_run_on_start_at_a_ticks_instant_stops_nothing(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a")]).await;
    let began = world.wall();
    let tick = began + 10 * SECOND;
    world.advance(10 * SECOND);
    let Fired::Job(id) = process.fire("a", None, tick).await else { panic!("it runs on start") };
    process.cancel(id).await;
    let fired = process.fire("a", Some(began), tick).await;
    assert!(!matches!(fired, Fired::Job(_)), "at most one job for a tick");
    assert_eq!(process.last_tick("a").await, tick, "the tick is done with");
    world.advance(10 * SECOND);
    process.fire_and_end("a", tick, tick + 10 * SECOND).await;
}

/// A tick and its job are one: where the job cannot be stored, the tick is not done with.
pub async fn a_tick_without_its_job_is_not_done(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a")]).await;
    let began = world.wall();
    world.advance(10 * SECOND);
    let mut bad = process.tick("a", Some(began), began + 10 * SECOND);
    if let Deal::Job(job) = &mut bad.deal {
        job.id = None;
    }
    assert!(process.store.fire(process.now(), vec![bad]).await.is_err(), "a job without an id is refused");
    assert_eq!(process.last_tick("a").await, began);
    process.fire_and_end("a", began, began + 10 * SECOND).await;
}

/// A tick whose time has not come by the store's clock is not fired, whatever its process believes, and the clock is told.
pub async fn a_tick_is_not_fired_before_its_time(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a")]).await;
    let began = world.wall();
    world.advance(9 * SECOND);
    let now = world.wall();
    assert_eq!(process.fire("a", Some(began), began + 10 * SECOND).await, Fired::Early(now));
    assert_eq!((process.last_tick("a").await, process.accounts("a").await), (began, Vec::new()));
    world.advance(SECOND);
    process.fire_and_end("a", began, began + 10 * SECOND).await;
}

/// Whoever knows an older row fires nothing: it may have been paused, or given other arguments.
pub async fn a_tick_of_an_older_row_is_lost(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a")]).await;
    let began = world.wall();
    world.advance(10 * SECOND);
    let mut changed = schedule("a");
    r#"{"n":2}"#.clone_into(&mut changed.job.payload);
    process.declare(vec![changed]).await;
    assert_eq!(process.fire("a", Some(began), began + 10 * SECOND).await, Fired::Lost, "version 1 is gone");
    let occasion = Occasion::Time { last_tick: began, version: 2 };
    fired(process.fire_one(process.occasion("a", occasion, began + 10 * SECOND)).await);
}

/// Once for each build, by whichever of its processes is first; a build that comes back has done so before.
pub async fn a_run_on_deployment_is_once_for_each_build(subject: &dyn Subject) {
    let world = World::new(subject);
    let (one, two) = (world.process().await, world.process().await);
    one.declare(vec![schedule("a")]).await;
    let began = world.wall();
    let mut ran = Vec::new();
    for (process, build) in [(&one, "1"), (&two, "1"), (&two, "2"), (&one, "1"), (&one, "2"), (&two, "3")] {
        world.advance(SECOND);
        let occasion = Occasion::Start { build: Some(build.to_owned()) };
        let answer = process.fire_one(process.occasion("a", occasion, world.wall())).await;
        if let Fired::Job(id) = answer {
            process.cancel(id).await;
            ran.push(build);
        } else {
            assert_eq!(answer, Fired::Lost);
        }
    }
    assert_eq!((ran, one.last_tick("a").await), (vec!["1", "2", "3"], began));
}

/// Every tick that was dealt with has an account: what became of it, how late, for how many it stands, and its job.
pub async fn every_tick_is_accounted_for(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a"), schedule("b")]).await;
    let began = world.wall();
    let at = |nth: u32| began + nth * 10 * SECOND;
    world.advance(33 * SECOND);
    let mut first = process.tick("a", Some(at(0)), at(3));
    first.missed = 2;
    let job = fired(process.fire_one(first).await);
    world.advance(10 * SECOND);
    let mut passed_over = process.tick("a", Some(at(3)), at(4));
    passed_over.deal = Deal::Skip(Skip::Misfire);
    assert_eq!(process.fire_one(passed_over).await, Fired::Skipped(Skip::Misfire));
    world.advance(10 * SECOND);
    assert_eq!(process.fire("a", Some(at(4)), at(5)).await, Fired::Skipped(Skip::Overlap));
    fired(process.fire("b", Some(at(0)), at(1)).await);

    let seen = process.accounts("a").await;
    let told: Vec<_> =
        seen.iter().map(|tick| (tick.instant, tick.since, tick.late_by(), tick.outcome, tick.missed, tick.job)).collect();
    let skipped = TickOutcome::Skipped;
    assert_eq!(
        told,
        [
            (at(3), at(0), 3 * SECOND, TickOutcome::Fired, 2, Some(job)),
            (at(4), at(3), 3 * SECOND, skipped(Skip::Misfire), 0, None),
            (at(5), at(4), 3 * SECOND, skipped(Skip::Overlap), 0, None),
        ]
    );
    assert_eq!(process.outcomes("b").await, [TickOutcome::Fired]);
    // Two beside its times.
    for (occasion, nth) in [(Occasion::Start { build: None }, 1), (Occasion::Request, 2)] {
        let mut beside = process.occasion("b", occasion, at(4) + nth * SECOND);
        beside.overlap = Overlap::Allow;
        fired(process.fire_one(beside).await);
    }
    let causes: Vec<_> = process.accounts("b").await.iter().map(|tick| (tick.cause, tick.since == tick.instant)).collect();
    assert_eq!(causes, [(TickCause::Time, false), (TickCause::Start, true), (TickCause::Request, true)]);
    assert_eq!(process.accounts("c").await, []);
    let page = |before, limit| TickFilter { schedule: "a".to_owned(), before, limit };
    let latest = process.store.ticks(page(None, 2)).await.expect("the store lists ticks");
    assert_eq!(latest.iter().map(|tick| tick.instant).collect::<Vec<_>>(), [at(5), at(4)], "the latest first");
    let rest = process.store.ticks(page(Some(at(4)), 2)).await.expect("the store lists ticks");
    assert_eq!(rest, seen[..1]);
}
