//! Stop: a running job is asked, by way of its worker, and one that was asked does not run again.

use jobs_core::record::ClaimedJob;
use jobs_core::store::{CancelAnswer, Decision, JobFilter};
use jobs_core::{JobId, State};

use super::Subject;
use super::lease::half_freed;
use super::world::{KILLED, MAIL, SECOND, Worker, World, done, fail, held, job, many, park, retry};

/// Enqueues a job, claims it and asks it to stop.
async fn asked_to_stop(worker: &Worker) -> (JobId, ClaimedJob) {
    let id = worker.put(job(MAIL)).await;
    let run = worker.claim_one().await;
    assert_eq!(worker.cancel(id).await, CancelAnswer::Requested);
    (id, run)
}

/// Sees that a job has ended because somebody asked for it.
async fn is_stopped(worker: &Worker, id: JobId, because: &str) {
    let seen = worker.record(id).await;
    assert_eq!((seen.state, seen.error.as_deref()), (State::Cancelled, Some("not wanted")), "{because}");
}

/// A running job is asked to stop, and goes on until its worker says how it ended.
pub async fn a_running_job_is_asked_to_stop(subject: &dyn Subject) {
    let world = World::new(subject);
    let (worker, other) = (world.worker(&[MAIL]).await, world.worker(&[MAIL]).await);
    worker.enqueue(many(MAIL, 2)).await;
    let runs = worker.claim(10).await;
    assert!(worker.cancellations().await.is_empty());
    for _ in 0..2 {
        assert_eq!(other.cancel(runs[0].id).await, CancelAnswer::Requested);
        let seen = worker.record(runs[0].id).await;
        assert_eq!((seen.state, seen.cancel_requested), (State::Running, true));
        assert_eq!(worker.cancellations().await, [runs[0].id], "its worker hears of it");
        assert!(other.cancellations().await.is_empty(), "and no other");
    }
    worker.settle(&runs[0], Decision::Cancel { reason: "stopped".to_owned() }).await;
    assert!(worker.cancellations().await.is_empty());
    assert_eq!(worker.state(runs[0].id).await, State::Cancelled);
}

/// A request to stop wakes those who listen to this process's store.
pub async fn a_request_to_stop_wakes_those_who_listen(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    worker.claim_one().await;
    let before = worker.store.signal().listen().borrow().commands;
    let mut listener = worker.store.signal().listen();
    worker.cancel(id).await;
    let heard = tokio::time::timeout(30 * SECOND, listener.wait_for(|changes| changes.commands > before)).await;
    assert!(heard.is_ok_and(|heard| heard.is_ok()), "nobody heard of it");
}

/// A worker that stops gives back a job that somebody had asked to stop: it ends.
pub async fn a_hand_back_of_a_job_asked_to_stop_ends_it(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let (id, run) = asked_to_stop(&worker).await;
    worker.settle(&run, Decision::HandBack).await;
    is_stopped(&worker, id, "handed back").await;
}

/// Nor does it wait for another attempt, for a later time, or for another build.
pub async fn a_job_asked_to_stop_waits_for_no_other_run(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    for decision in [retry(SECOND), Decision::Snooze { after: SECOND }, park("1")] {
        let (id, run) = asked_to_stop(&worker).await;
        worker.settle(&run, decision.clone()).await;
        is_stopped(&worker, id, &format!("{decision:?}")).await;
    }
}

/// Whoever is woken by a request to stop finds it: the signal does not run ahead of what it tells.
pub async fn who_hears_of_a_request_to_stop_sees_it(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    for _ in 0..20 {
        let id = worker.put(job(MAIL)).await;
        let run = worker.claim_one().await;
        let mut changes = worker.store.signal().listen();
        let commands = changes.borrow_and_update().commands;
        let hears = async {
            while changes.borrow_and_update().commands == commands {
                changes.changed().await.expect("the store is open");
            }
            worker.cancellations().await
        };
        let asks = worker.cancel(id);
        let (found, asked) = tokio::join!(hears, asks);
        assert_eq!((found, asked), (vec![id], CancelAnswer::Requested));
        worker.settle(&run, done()).await;
    }
}

/// A job that was asked to stop ends when its worker leaves.
pub async fn leaving_ends_a_job_that_was_asked_to_stop(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    worker.claim_one().await;
    assert_eq!(worker.cancel(id).await, CancelAnswer::Requested);
    worker.leave().await;
    let seen = worker.record(id).await;
    assert_eq!((seen.state, seen.error.as_deref()), (State::Cancelled, Some("not wanted")));
}

/// Somebody asked a job to stop, and its worker died: it ends, and does not run again.
pub async fn a_job_asked_to_stop_ends_with_its_worker(subject: &dyn Subject) {
    let world = World::new(subject);
    let (doomed, alive) = (world.worker(&[MAIL]).await, world.worker(&[MAIL]).await);
    let id = doomed.put(job(MAIL)).await;
    doomed.claim_one().await;
    assert_eq!(alive.cancel(id).await, CancelAnswer::Requested);
    world.kill(doomed).await;
    world.pass(KILLED, &[&alive]).await;
    assert_eq!(alive.state(id).await, State::Cancelled);
    assert!(alive.claim_on_probation(10).await.is_empty());
}

/// Somebody asked jobs to stop whose worker had lost its lease, and which nobody had freed yet: handed back by it, they end.
pub async fn a_job_asked_to_stop_ends_when_a_lost_worker_hands_it_back(subject: &dyn Subject) {
    let world = World::new(subject);
    let (lost, runs, alive) = half_freed(&world).await;
    let left = alive.all(JobFilter { state: Some(State::Running), ..JobFilter::default() }).await;
    for job in &left {
        assert_eq!(alive.cancel(job.id).await, CancelAnswer::Requested);
    }
    lost.leave().await;
    lost.store.abandon(lost.now(), runs.iter().map(held).collect()).await.expect("the store takes crashes back");
    for job in &left {
        is_stopped(&alive, job.id, "nobody had freed it").await;
    }
    let counts = alive.counts().await;
    assert_eq!((counts.running, counts.available), (0, (runs.len() - left.len()) as u64));
}

/// A job that ends by itself before the request reaches it ends as it ended.
pub async fn a_job_asked_to_stop_may_still_end_by_itself(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    for (decision, state) in [(done(), State::Completed), (fail(), State::Failed)] {
        let (id, run) = asked_to_stop(&worker).await;
        worker.settle(&run, decision).await;
        assert_eq!(worker.state(id).await, state);
    }
}

/// A job that was asked to stop and then requeued is no longer asked to stop.
pub async fn a_requeue_forgets_a_request_to_stop(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    let run = worker.claim_one().await;
    worker.cancel(id).await;
    worker.settle(&run, Decision::HandBack).await;
    assert!(worker.requeue(id).await);
    let run = worker.claim_one().await;
    assert!(!worker.record(id).await.cancel_requested && worker.cancellations().await.is_empty());
    worker.settle(&run, Decision::HandBack).await;
    assert_eq!(worker.state(id).await, State::Available);
}
