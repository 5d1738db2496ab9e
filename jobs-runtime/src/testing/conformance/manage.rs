//! Looking and cancelling: what a person sees is what there is, and what runs is asked before it is stopped.

use jobs_core::State;
use jobs_core::store::{CancelAnswer, Decision, JobFilter};

use super::Subject;
use super::world::{MAIL, SECOND, Worker, World, done, fail, job, many, park, retry};

/// Brings one job into each state that a store can show, oldest first.
async fn one_in_each_state(world: &World<'_>, worker: &Worker) -> Vec<(State, jobs_core::JobId)> {
    let mut jobs = Vec::new();
    let outcomes = [
        (State::Completed, done()),
        (State::Failed, fail()),
        (State::Cancelled, Decision::Cancel { reason: "no".to_owned() }),
        (State::Retryable, retry(3600 * SECOND)),
        (State::Scheduled, Decision::Snooze { after: 3600 * SECOND }),
        (State::Parked, park("1")),
    ];
    for (state, decision) in outcomes {
        let id = worker.put(job(MAIL)).await;
        worker.settle(&worker.claim_one().await, decision).await;
        jobs.push((state, id));
        world.advance(SECOND);
    }
    let id = worker.put(job(MAIL)).await;
    worker.claim_one().await;
    jobs.push((State::Running, id));
    jobs.push((State::Available, worker.put(job(MAIL)).await));
    jobs
}

/// A job that waits, for whatever, ends at once.
pub async fn a_waiting_job_is_cancelled_at_once(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    for (state, id) in one_in_each_state(&world, &worker).await {
        if state.is_finished() || state == State::Running {
            continue;
        }
        assert_eq!(worker.cancel(id).await, CancelAnswer::Cancelled, "{state}");
        let seen = worker.record(id).await;
        assert_eq!((seen.state, seen.error.as_deref()), (State::Cancelled, Some("not wanted")), "{state}");
        assert_eq!(seen.finished_at, Some(world.wall()));
    }
    world.advance(7200 * SECOND);
    assert!(world.worker(&[MAIL]).await.claim(10).await.is_empty(), "none of them runs");
}

/// What has ended stays as it ended, and what is unknown is said to be.
pub async fn cancelling_what_has_ended_changes_nothing(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    for (state, id) in one_in_each_state(&world, &worker).await {
        if state.is_finished() {
            let before = worker.record(id).await;
            assert_eq!(worker.cancel(id).await, CancelAnswer::Finished, "{state}");
            assert_eq!(worker.record(id).await, before);
        }
    }
    let unknown = worker.new_id();
    assert_eq!(worker.cancel(unknown).await, CancelAnswer::Unknown);
    assert_eq!(worker.find(unknown).await, None);
}

/// Many at once, each answered in its place.
pub async fn cancellations_are_answered_in_order(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let running = worker.put(job(MAIL)).await;
    worker.claim_one().await;
    let waiting = worker.put(job(MAIL)).await;
    let wanted = vec![worker.new_id(), waiting, running, waiting];
    let answers = worker.store.cancel(worker.now(), wanted, "no".to_owned()).await.expect("the store cancels");
    assert_eq!(answers, [CancelAnswer::Unknown, CancelAnswer::Cancelled, CancelAnswer::Requested, CancelAnswer::Finished]);
}

/// Counts are right in every state, after every move.
pub async fn counts_follow_every_state(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    assert_eq!(worker.counts().await, jobs_core::Counts::default());
    let jobs = one_in_each_state(&world, &worker).await;
    let counts = worker.counts().await;
    for (state, _) in &jobs {
        assert_eq!(counts.of(*state), 1, "{state}");
    }
    assert_eq!((counts.live(), counts.blocked), (5, 0));
    for (_, id) in &jobs {
        worker.requeue(*id).await;
        worker.cancel(*id).await;
    }
    let counts = worker.counts().await;
    assert_eq!((counts.running, counts.live(), counts.cancelled), (1, 1, 7));
    assert_eq!((counts.completed, counts.failed), (0, 0), "a requeued job is counted where it is");
}

/// By state, kind and queue, alone and together, among live and among finished jobs.
pub async fn filters_find_by_state_kind_and_queue(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let jobs = one_in_each_state(&world, &worker).await;
    for (state, id) in jobs {
        let filter = JobFilter { finished: state.is_finished(), state: Some(state), ..JobFilter::default() };
        let found: Vec<_> = worker.all(filter).await.into_iter().map(|job| (job.id, job.state)).collect();
        assert_eq!(found, [(id, state)]);
    }
    let mut ids = Vec::new();
    for (kind, queue) in [("x", "default"), ("x", "low"), ("y", "low")] {
        let mut new = job(kind);
        new.queue = queue.into();
        ids.push(worker.put(new).await);
    }
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (text("x"), None, &ids[..2]),
        (None, text("low"), &ids[1..]),
        (text("x"), text("low"), &ids[1..2]),
        (text("z"), None, &[]),
    ];
    for (kind, queue, expected) in cases {
        let filter = JobFilter { kind, queue, ..JobFilter::default() };
        let found: Vec<_> = worker.all(filter.clone()).await.into_iter().map(|job| job.id).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

/// Page after page, in the order of enqueue, each job once; no page is longer than a thousand.
pub async fn pages_follow_each_other_without_a_gap(subject: &dyn Subject) {
    let world = World::new(subject);
    let client = world.process().await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.extend(client.enqueue(many(MAIL, 400)).await.into_iter().map(|answer| answer.id));
    }
    for (limit, first) in [(7, 7), (1_000, 1_000), (0, 1_000), (5_000, 1_000)] {
        let filter = JobFilter { limit, ..JobFilter::default() };
        let page = client.store.jobs(filter.clone()).await.expect("a page");
        assert_eq!((page.jobs.len(), page.next.is_some()), (first, true), "limit {limit}");
        let found: Vec<_> = client.all(filter).await.into_iter().map(|job| job.id).collect();
        assert_eq!(found, expected, "limit {limit}");
    }
}

/// Finished jobs are listed in the order in which they ended.
pub async fn finished_jobs_come_in_order_of_their_end(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    worker.enqueue(many(MAIL, 6)).await;
    let runs = worker.claim(10).await;
    let mut expected = Vec::new();
    for nth in [3, 0, 5, 1] {
        worker.settle(&runs[nth], if nth == 5 { fail() } else { done() }).await;
        expected.push(runs[nth].id);
    }
    for limit in [0, 1, 3] {
        let filter = JobFilter { finished: true, limit, ..JobFilter::default() };
        let found: Vec<_> = worker.all(filter).await.into_iter().map(|job| job.id).collect();
        assert_eq!(found, expected, "limit {limit}");
    }
}

/// A name leads to its live job, and to none that has ended.
pub async fn a_live_job_is_found_by_its_name(subject: &dyn Subject) {
    let world = World::new(subject);
    let client = world.process().await;
    let mut named = job(MAIL);
    named.name = Some("nightly".to_owned());
    let id = client.put(named).await;
    let look = async |name: &str| client.store.job_named(name.to_owned()).await.expect("a look-up");
    assert_eq!(look("nightly").await, Some(client.record(id).await));
    assert_eq!(look("Nightly").await, None);
    client.cancel(id).await;
    assert_eq!(look("nightly").await, None);
}
