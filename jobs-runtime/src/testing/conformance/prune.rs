//! Prune: finished jobs go when their time has come and not before, a bite at a time, and never their identity too early.

use std::time::Duration;

use jobs_core::State;
use jobs_core::store::{BITE, JobFilter, REPEAT_WINDOW, Retention};

use super::Subject;
use super::world::{MAIL, SECOND, World, done, fail, job, many};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Completed, cancelled and failed jobs each go by their own age.
pub async fn each_end_has_its_own_retention(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    worker.enqueue(many(MAIL, 3)).await;
    let runs = worker.claim(10).await;
    worker.settle(&runs[0], done()).await;
    worker.settle(&runs[1], jobs_core::store::Decision::Cancel { reason: "no".to_owned() }).await;
    worker.settle(&runs[2], fail()).await;
    let retention = Retention { completed: 2 * DAY, cancelled: 3 * DAY, failed: 4 * DAY };
    for left in [3, 2, 1, 0] {
        world.advance(DAY);
        world.advance(SECOND);
        worker.store.prune(worker.now(), retention).await.expect("the store prunes");
        let found = worker.all(JobFilter { finished: true, ..JobFilter::default() }).await;
        let kept: Vec<_> = found.iter().map(|job| job.id).collect();
        let expected: Vec<_> = runs[3 - left..].iter().map(|run| run.id).collect();
        assert_eq!(kept, expected);
        let counts = worker.counts().await;
        assert_eq!(counts.completed + counts.cancelled + counts.failed, left as u64);
    }
}

/// What is younger than its retention keeps everything, and live jobs are never pruned however old.
pub async fn nothing_younger_than_its_time_goes(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let old = worker.put(job(MAIL)).await;
    worker.settle(&worker.claim_one().await, done()).await;
    let live = worker.put(job("other")).await;
    world.advance(3 * DAY);
    let worker = world.worker(&[MAIL]).await;
    let young = worker.put(job(MAIL)).await;
    worker.settle(&worker.claim_one().await, done()).await;
    world.advance(2 * DAY);
    let before = [worker.record(young).await, worker.record(live).await];
    assert_eq!(worker.prune(4 * DAY).await, 1);
    assert_eq!(worker.find(old).await, None);
    assert_eq!([worker.record(young).await, worker.record(live).await], before);
}

/// Each call does a bite at most, and one that does less is the last.
pub async fn pruning_goes_in_bites(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let count = 2 * BITE + 300;
    worker.enqueue(many(MAIL, count)).await;
    let runs = worker.claim(count).await;
    assert_eq!(runs.len(), count);
    worker.complete(runs.iter().map(|run| worker.outcome(run, done())).collect()).await;
    let keep = 2 * DAY;
    let retention = Retention { completed: keep, cancelled: keep, failed: keep };
    world.advance(keep + SECOND);
    for expected in [BITE, BITE, 300, 0] {
        assert_eq!(worker.store.prune(worker.now(), retention).await.expect("the store prunes"), expected);
    }
    assert_eq!(worker.counts().await, jobs_core::Counts::default());
}

/// Within the repeat window a job loses what it carried, in bites too, and keeps its identity, its token and how it ended.
pub async fn within_the_window_a_job_is_only_emptied(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    let output = jobs_core::store::Decision::Complete { output: Some(r#""secret""#.to_owned()), note: None };
    worker.settle(&worker.claim_one().await, output).await;
    world.advance(SECOND);
    assert_eq!(worker.prune(Duration::ZERO).await, 1);
    assert_eq!(worker.prune(Duration::ZERO).await, 0, "once is enough");
    if let Some(seen) = worker.find(id).await {
        assert_eq!((seen.state, seen.token, &*seen.payload, seen.output), (State::Completed, 1, "", None));
    }
    world.advance(REPEAT_WINDOW);
    assert_eq!(worker.prune(Duration::ZERO).await, 1, "after the window it goes");
    assert_eq!(worker.find(id).await, None);
    assert_eq!(worker.counts().await.completed, 0);
}
