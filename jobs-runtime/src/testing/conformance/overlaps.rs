//! Overlaps: what becomes of a tick that comes while the last run of its schedule is not over.

use jobs_core::schedule::Overlap;
use jobs_core::store::{Fire, Fired, Occasion, ScheduleChange, Skip, TickOutcome};
use jobs_core::{JobId, State};

use super::Subject;
use super::world::{REPORT, SECOND, Worker, World, done, fired, retry, saved};

use jiff::Timestamp;

/// A worker with one schedule of this policy, and the time from which it counts.
async fn setting(world: &World<'_>, overlap: Overlap) -> (Worker, Timestamp) {
    let worker = world.worker(&[REPORT]).await;
    worker.save(vec![saved("a").overlap(overlap)]).await;
    (worker, world.wall())
}

impl Worker {
    /// Deals with the next tick of the schedule, ten seconds after the last.
    async fn next(&self, world: &World<'_>, overlap: Overlap) -> Fired {
        let last_tick = self.last_tick("a").await;
        let tick = last_tick + 10 * SECOND;
        if world.wall() < tick {
            world.advance(10 * SECOND);
            assert!(self.beat().await.alive);
        }
        let fire = self.occasion("a", Occasion::Time { last_tick, version: 1 }, tick);
        self.fire_one(Fire { overlap, ..fire }).await
    }

    /// Fires the tick that waits, if it may.
    async fn next_queued(&self) -> Fired {
        let record = self.schedule("a").await;
        let tick = *record.queued.first().expect("a tick waits");
        self.fire_one(self.occasion("a", Occasion::Queued { version: record.version }, tick)).await
    }

    async fn state_of(&self, id: JobId) -> State {
        self.record(id).await.state
    }
}

/// Allowed: each tick gets its job at once.
pub async fn allowed_ticks_run_beside_each_other(subject: &dyn Subject) {
    let world = World::new(subject);
    let (worker, _) = setting(&world, Overlap::Allow).await;
    for _ in 0..3 {
        fired(worker.next(&world, Overlap::Allow).await);
    }
    assert_eq!(worker.claim(10).await.len(), 3);
    assert_eq!(worker.outcomes("a").await, [TickOutcome::Fired; 3]);
}

/// Queued: each tick gets its job when the last run is over, in order, and none is lost.
pub async fn queued_ticks_follow_each_other(subject: &dyn Subject) {
    let world = World::new(subject);
    let (worker, began) = setting(&world, Overlap::Queue).await;
    let at = |nth: u32| began + nth * 10 * SECOND;
    fired(worker.next(&world, Overlap::Queue).await);
    let run = worker.claim_one().await;
    for _ in 0..2 {
        assert_eq!(worker.next(&world, Overlap::Queue).await, Fired::Queued);
    }
    assert_eq!(worker.next_queued().await, Fired::Queued, "the last run is not over");
    assert_eq!(worker.schedule("a").await.queued, [at(2), at(3)]);
    worker.settle(&run, retry(SECOND)).await;
    assert_eq!(worker.next_queued().await, Fired::Queued, "nor is one that will be tried again");
    world.advance(SECOND);
    let run = worker.claim_one().await;
    worker.settle(&run, done()).await;
    let second = fired(worker.next_queued().await);
    assert_eq!(worker.record(second).await.tick, Some(at(2)));
    assert_eq!(worker.next(&world, Overlap::Queue).await, Fired::Queued, "behind the one that waits");
    let run = worker.claim_one().await;
    worker.settle(&run, done()).await;
    fired(worker.next_queued().await);
    let accounts = worker.accounts("a").await;
    let told: Vec<_> = accounts.iter().map(|tick| (tick.instant, tick.outcome)).collect();
    let (ran, waits) = (TickOutcome::Fired, TickOutcome::Queued);
    assert_eq!(told, [(at(1), ran), (at(2), ran), (at(3), ran), (at(4), waits)]);
    assert_eq!(accounts[1].job, Some(second));
}

/// The run is over and its successor waits still: a tick that comes now does not go first.
pub async fn a_tick_does_not_overtake_one_that_waits(subject: &dyn Subject) {
    let world = World::new(subject);
    let (worker, began) = setting(&world, Overlap::Queue).await;
    fired(worker.next(&world, Overlap::Queue).await);
    worker.next(&world, Overlap::Queue).await;
    let run = worker.claim_one().await;
    worker.settle(&run, done()).await;
    assert_eq!(worker.next(&world, Overlap::Queue).await, Fired::Queued);
    assert_eq!(worker.schedule("a").await.queued, [began + 20 * SECOND, began + 30 * SECOND]);
    let stale = worker.occasion("a", Occasion::Queued { version: 1 }, began + 30 * SECOND);
    assert_eq!(worker.fire_one(stale).await, Fired::Lost, "only the first of them is fired");
}

/// Only so many wait; those that come then are skipped.
pub async fn only_so_many_ticks_wait(subject: &dyn Subject) {
    let world = World::new(subject);
    let (worker, _) = setting(&world, Overlap::Queue).await;
    fired(worker.next(&world, Overlap::Queue).await);
    for _ in 0..Overlap::MOST_QUEUED {
        assert_eq!(worker.next(&world, Overlap::Queue).await, Fired::Queued);
    }
    assert_eq!(worker.next(&world, Overlap::Queue).await, Fired::Skipped(Skip::Overlap));
    assert_eq!(worker.schedule("a").await.queued.len(), Overlap::MOST_QUEUED);
}

/// Cancel: a run is asked to stop, and the tick gets its job when that is over; a tick that waits gives way to a later one.
pub async fn a_run_is_cancelled_for_the_next_tick(subject: &dyn Subject) {
    let world = World::new(subject);
    let (worker, began) = setting(&world, Overlap::Cancel).await;
    let at = |nth: u32| began + nth * 10 * SECOND;
    let first = fired(worker.next(&world, Overlap::Cancel).await);
    let run = worker.claim_one().await;
    assert_eq!(worker.next(&world, Overlap::Cancel).await, Fired::Queued);
    assert_eq!(worker.cancellations().await, [first]);
    assert_eq!(worker.next(&world, Overlap::Cancel).await, Fired::Queued);
    assert_eq!(worker.schedule("a").await.queued, [at(3)], "the later one alone");
    assert_eq!(worker.state_of(first).await, State::Running, "it is asked, not killed");
    worker.settle(&run, done()).await;
    fired(worker.next_queued().await);
    let (ran, replaced) = (TickOutcome::Fired, TickOutcome::Skipped(Skip::Replaced));
    assert_eq!(worker.outcomes("a").await, [ran, replaced, ran]);
}

/// Cancel: a run that only waits is cancelled, and the tick gets its job at once.
pub async fn a_job_that_waits_is_cancelled_for_the_next_tick(subject: &dyn Subject) {
    let world = World::new(subject);
    let (worker, _) = setting(&world, Overlap::Cancel).await;
    let first = fired(worker.next(&world, Overlap::Cancel).await);
    let second = fired(worker.next(&world, Overlap::Cancel).await);
    assert_eq!((worker.state_of(first).await, worker.state_of(second).await), (State::Cancelled, State::Available));
    assert_eq!(worker.counts().await.live(), 1);
}

/// What waits belongs to its schedule: while that is paused it waits, and when that is removed it is accounted for.
pub async fn a_tick_that_waits_goes_with_its_schedule(subject: &dyn Subject) {
    let world = World::new(subject);
    let (worker, _) = setting(&world, Overlap::Queue).await;
    fired(worker.next(&world, Overlap::Queue).await);
    worker.next(&world, Overlap::Queue).await;
    let run = worker.claim_one().await;
    worker.settle(&run, done()).await;
    let before = worker.schedule("a").await;
    worker.change(ScheduleChange::Pause { keys: vec!["a".to_owned()] }).await;
    let tick = worker.occasion("a", Occasion::Queued { version: before.version }, before.queued[0]);
    assert_eq!(worker.fire_one(tick).await, Fired::Lost, "it was paused meanwhile");
    worker.change(ScheduleChange::Remove { keys: vec!["a".to_owned()] }).await;
    assert_eq!(worker.outcomes("a").await, [TickOutcome::Fired, TickOutcome::Skipped(Skip::Removed)]);
    assert_eq!(worker.counts().await.live(), 0);
}
