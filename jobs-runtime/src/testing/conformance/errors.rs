//! The border: a closed store says so, and a call that is dropped half-way leaves nothing half-done.

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use jobs_core::store::{
    ClaimRequest, Completion, CompletionAnswer, JobFilter, Retention, ScheduleChange, ScheduleFilter, StoreFuture, TickFilter,
};
use jobs_core::{State, StoreError, WorkerId};

use super::Subject;
use super::world::{MAIL, Process, SECOND, Skills, World, done, job, many};

fn says_closed<T: Debug>(call: &str, answer: &Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Closed)), "{call} on a closed store answers {answer:?}");
}

/// Each call on a handle that was closed answers that it is closed.
pub async fn a_closed_store_says_so(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    let (store, now) = (&worker.store, worker.now());
    store.close().await.expect("the store closes");
    let keep = Duration::ZERO;
    says_closed("enqueue", &store.enqueue(now, many(MAIL, 1)).await);
    says_closed("heartbeat", &store.heartbeat(now, worker.id).await);
    says_closed("rescue", &store.rescue(now, worker.id).await);
    says_closed("leave", &store.leave(now, worker.id).await);
    says_closed("abandon", &store.abandon(now, Vec::new()).await);
    says_closed("claim", &store.claim(now, worker.request(1)).await);
    says_closed("complete", &store.complete(now, Vec::new()).await);
    says_closed("reconcile", &store.reconcile(now, worker.id, Vec::new()).await);
    says_closed("cancellations", &store.cancellations(worker.id).await);
    says_closed("change_schedules", &store.change_schedules(now, ScheduleChange::Pause { keys: Vec::new() }).await);
    says_closed("schedules", &store.schedules(now, ScheduleFilter::default()).await);
    says_closed("ticks", &store.ticks(TickFilter::default()).await);
    says_closed("fire", &store.fire(now, Vec::new()).await);
    says_closed("job", &store.job(id).await);
    says_closed("job_named", &store.job_named("a".to_owned()).await);
    says_closed("jobs", &store.jobs(JobFilter::default()).await);
    says_closed("counts", &store.counts().await);
    says_closed("cancel", &store.cancel(now, vec![id], String::new()).await);
    says_closed("requeue", &store.requeue(now, vec![id]).await);
    says_closed("pause", &store.pause(now, vec!["low".to_owned()]).await);
    says_closed("resume", &store.resume(vec!["low".to_owned()]).await);
    says_closed("paused", &store.paused().await);
    says_closed("prune", &store.prune(now, Retention { completed: keep, cancelled: keep, failed: keep }).await);
    says_closed("unserved", &store.unserved(now).await);
    says_closed("workers", &store.workers().await);
}

/// One process closes its handle: the others and the data do not notice.
pub async fn closing_one_handle_leaves_the_others(subject: &dyn Subject) {
    let world = World::new(subject);
    let (one, two) = (world.process().await, world.worker(&[MAIL]).await);
    let id = one.put(job(MAIL)).await;
    one.store.close().await.expect("the store closes");
    assert_eq!(two.claim_one().await.id, id);
    assert_eq!(world.process().await.state(id).await, State::Running);
}

/// Polls a call some times and drops it, whether it is done or not.
async fn drop_half_way<T>(call: StoreFuture<'_, T>, polls: usize) {
    let mut call = pin!(call);
    for _ in 0..polls {
        let ready = call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        if ready {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Sees that a store has done with whatever was under way: it answers one more call of every sort, each of which changes nothing in the end.
async fn settled(process: &Process) {
    let nobody = WorkerId::from_bytes(*process.new_id().as_bytes());
    let request = ClaimRequest { worker: nobody, kinds: Arc::default(), queues: Vec::new(), limit: 1, probation: false };
    assert!(process.store.claim(process.now(), request).await.expect("the store answers a claim").lost);
    let outcome = Completion {
        id: process.new_id(),
        seq: i64::MAX,
        token: 1,
        started_at: process.now().wall,
        decision: done(),
        followers: Vec::new(),
    };
    let answers = process.store.complete(process.now(), vec![outcome]).await.expect("the store takes outcomes");
    assert_eq!(answers, [CompletionAnswer::Stale]);
    let id = process.put(job("settled")).await;
    process.cancel(id).await;
    process.prune(365 * 24 * 3600 * SECOND).await;
}

/// An enqueue is dropped after any number of polls: all of its jobs are there, or none.
pub async fn a_dropped_enqueue_stored_all_or_nothing(subject: &dyn Subject) {
    let world = World::new(subject);
    let client = world.process().await;
    let mut before = 0;
    for polls in 0..6 {
        let mut batch = many(MAIL, 300);
        for job in &mut batch {
            job.id = Some(client.new_id());
        }
        drop_half_way(client.store.enqueue(client.now(), batch), polls).await;
        settled(&client).await;
        let stored = client.counts().await.available - before;
        assert!(stored == 0 || stored == 300, "{polls} polls stored {stored} of 300");
        before += stored;
    }
}

/// A claim is dropped after any number of polls: what it took is held by its worker and comes back with it, and nothing is lost.
pub async fn a_dropped_claim_loses_nothing(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.enqueue(many(MAIL, 50)).await;
    for polls in 0..6 {
        let worker = process.worker(&Skills::new(&[MAIL])).await;
        drop_half_way(worker.store.claim(worker.now(), worker.request(20)), polls).await;
        settled(&process).await;
        let listed = process.store.workers().await.expect("a list of workers");
        let held = listed.iter().find(|listed| listed.id == worker.id).expect("it is listed").held;
        let counts = process.counts().await;
        assert!(held == 0 || held == 20, "{polls} polls took {held} of 20");
        assert_eq!((counts.running, counts.available), (held, 50 - held), "{polls} polls");
        worker.leave().await;
        assert_eq!(process.counts().await.available, 50, "{polls} polls");
    }
}

/// Outcomes are dropped after any number of polls: all of the batch is recorded, or none.
pub async fn a_dropped_batch_of_outcomes_counts_wholly_or_not(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    for polls in 0..6 {
        worker.enqueue(many(MAIL, 100)).await;
        let runs = worker.claim(100).await;
        let before = worker.counts().await.completed;
        let outcomes = runs.iter().map(|run| worker.outcome(run, done())).collect();
        drop_half_way(worker.store.complete(worker.now(), outcomes), polls).await;
        settled(&worker).await;
        let counts = worker.counts().await;
        let recorded = counts.completed - before;
        assert!(recorded == 0 || recorded == 100, "{polls} polls recorded {recorded} of 100");
        assert_eq!(counts.running, 100 - recorded);
        worker.complete(runs.iter().map(|run| worker.outcome(run, done())).collect()).await;
        assert_eq!(worker.counts().await.running, 0, "what was not recorded still can be");
    }
}
