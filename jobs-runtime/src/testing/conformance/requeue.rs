//! Requeue: a person lets a job run again, with a clean slate but the old token.

use std::time::Duration;

use jobs_core::State;
use jobs_core::store::{CompletionAnswer, Decision};

use super::Subject;
use super::world::{MAIL, SECOND, World, done, fail, job, retry};

/// From each end: available at once, failures, crashes, output and error gone, the token kept, and an old answer still void.
pub async fn a_requeue_keeps_the_token_and_clears_the_rest(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let output = Decision::Complete { output: Some("1".to_owned()), note: Some("slow".to_owned()) };
    for decision in [output, fail(), Decision::Cancel { reason: "no".to_owned() }] {
        let id = worker.put(job(MAIL)).await;
        worker.settle(&worker.claim_one().await, retry(Duration::ZERO)).await;
        let run = worker.claim_one().await;
        worker.settle(&run, decision.clone()).await;
        world.advance(SECOND);
        assert!(worker.requeue(id).await, "{decision:?}");
        let seen = worker.record(id).await;
        assert_eq!((seen.state, seen.token, seen.failures, seen.crashes), (State::Available, 2, 0, 0));
        assert_eq!((seen.output, seen.error, seen.finished_at, seen.errors.len()), (None, None, None, 0));
        assert_eq!((seen.payload, seen.run_at), (job(MAIL).payload, world.wall()));
        assert_eq!(worker.end(&run, done()).await, CompletionAnswer::Stale, "its old run is over");
        let again = worker.claim_one().await;
        assert_eq!((again.id, again.token, again.failures), (id, 3, 0));
        worker.settle(&again, done()).await;
        assert_eq!(worker.counts().await.live(), 0, "and it is one job all the while");
    }
}

/// What waits, runs or is unknown is left as it is.
pub async fn only_what_has_ended_is_requeued(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let running = worker.put(job(MAIL)).await;
    worker.claim_one().await;
    let available = worker.put(job(MAIL)).await;
    for id in [running, available, worker.new_id()] {
        let before = worker.find(id).await;
        assert!(!worker.requeue(id).await);
        assert_eq!(worker.find(id).await, before);
    }
}

/// While another live job bears its name, a job stays where it is.
pub async fn a_job_whose_name_is_taken_is_not_requeued(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let mut named = job(MAIL);
    named.name = Some("nightly".to_owned());
    let first = worker.put(named.clone()).await;
    worker.settle(&worker.claim_one().await, fail()).await;
    let second = worker.put(named).await;
    assert!(!worker.requeue(first).await);
    assert_eq!(worker.state(first).await, State::Failed);
    worker.cancel(second).await;
    assert!(worker.requeue(first).await, "when the name is free");
    assert_eq!(worker.store.job_named("nightly".to_owned()).await.expect("a look-up").map(|job| job.id), Some(first));
}

/// A job whose contents are pruned has nothing to run with.
pub async fn an_emptied_job_is_not_requeued(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    worker.settle(&worker.claim_one().await, done()).await;
    world.advance(SECOND);
    worker.prune(Duration::ZERO).await;
    assert!(!worker.requeue(id).await);
    assert!(worker.claim_on_probation(10).await.is_empty());
}
