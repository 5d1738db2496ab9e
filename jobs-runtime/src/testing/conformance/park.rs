//! Parking: what nobody here can run waits untouched, is reported, and comes back when somebody can.

use jobs_core::record::{Unserved, UnservedCause};
use jobs_core::store::{BITE, CancelAnswer};
use jobs_core::{JobId, State};

use super::Subject;
use super::world::{KILLED, MAIL, SECOND, Skills, Worker, World, done, ids, job, many, park};

/// Enqueues a job and parks it with this worker and this shape.
async fn parked(worker: &Worker, shape: &str) -> JobId {
    let id = worker.put(job(MAIL)).await;
    worker.settle(&worker.claim_one().await, park(shape)).await;
    id
}

/// A worker that knows the kind with this shape of arguments.
async fn shaped(world: &World<'_>, shape: &str) -> Worker {
    world.process().await.worker(&Skills::new(&[MAIL]).shape(shape)).await
}

/// Arguments that do not decode: the payload stays, no attempt is used, and others run on.
pub async fn a_parked_job_keeps_its_payload_and_its_attempts(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = shaped(&world, "1").await;
    let id = parked(&worker, "1").await;
    let seen = worker.record(id).await;
    assert_eq!((seen.state, seen.payload), (State::Parked, job(MAIL).payload));
    assert_eq!((seen.error.as_deref(), seen.failures, seen.crashes), (Some("no such field"), 0, 0));
    let other = worker.put(job(MAIL)).await;
    assert_eq!(ids(&worker.claim_on_probation(10).await), [other]);
}

/// Neither the worker that parked it nor another of the same build gets it again.
pub async fn a_parked_job_is_not_freed_by_the_same_shape(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = shaped(&world, "1").await;
    let id = parked(&worker, "1").await;
    let twin = shaped(&world, "1").await;
    world.pass(10 * SECOND, &[&worker, &twin]).await;
    assert!(twin.claim(10).await.is_empty());
    assert_eq!(twin.state(id).await, State::Parked);
}

/// A new build starts: what the old one could not decode is free.
pub async fn a_worker_of_another_shape_frees_a_parked_job(subject: &dyn Subject) {
    let world = World::new(subject);
    let old = shaped(&world, "1").await;
    let id = parked(&old, "1").await;
    let new = shaped(&world, "2").await;
    assert_eq!(new.state(id).await, State::Available);
    let run = new.claim_one().await;
    assert_eq!((run.id, run.failures, run.crashes), (id, 0, 0));
    new.settle(&run, done()).await;
}

/// Two builds failed to decode it: it waits for a third.
pub async fn a_job_remembers_every_shape_that_parked_it(subject: &dyn Subject) {
    let world = World::new(subject);
    let first = shaped(&world, "1").await;
    let id = parked(&first, "1").await;
    let second = shaped(&world, "2").await;
    second.settle(&second.claim_one().await, park("2")).await;
    for shape in ["1", "2"] {
        let known = shaped(&world, shape).await;
        assert_eq!(known.state(id).await, State::Parked, "shape {shape} has failed before");
    }
    let third = shaped(&world, "3").await;
    assert_eq!(third.claim_one().await.id, id);
}

/// In a rolling deploy the old build parks what the new one, which lives already, can run: it does not wait for another start.
pub async fn a_live_worker_of_another_shape_gets_a_parked_job(subject: &dyn Subject) {
    let world = World::new(subject);
    let (old, new) = (shaped(&world, "1").await, shaped(&world, "2").await);
    let id = parked(&old, "1").await;
    world.pass(10 * SECOND, &[&old, &new]).await;
    assert_eq!(ids(&new.claim(10).await), [id]);
}

/// A parked job can be cancelled, and a person can free it.
pub async fn a_person_may_free_or_cancel_a_parked_job(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = shaped(&world, "1").await;
    let freed = parked(&worker, "1").await;
    assert!(worker.requeue(freed).await);
    let run = worker.claim_one().await;
    assert_eq!((run.id, run.token), (freed, 2));
    worker.settle(&run, done()).await;
    let cancelled = parked(&worker, "1").await;
    assert_eq!(worker.cancel(cancelled).await, CancelAnswer::Cancelled);
    assert_eq!(worker.state(cancelled).await, State::Cancelled);
}

/// A kind that no live worker knows is put aside whole: not failed, not deleted, not claimed.
pub async fn a_kind_that_nobody_knows_is_parked_untouched(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job("strange")).await;
    let before = worker.record(id).await;
    assert!(worker.beat().await.rescue, "the beat asks for it to be put aside");
    world.pass(10 * SECOND, &[&worker]).await;
    let seen = worker.record(id).await;
    assert_eq!((seen.state, seen.token, seen.failures, seen.crashes), (State::Parked, 0, 0, 0));
    assert_eq!((seen.payload, seen.run_at), (before.payload, before.run_at));
    assert!(seen.error.is_some_and(|error| !error.is_empty()), "it says why");
    assert!(!worker.beat().await.rescue, "and there is nothing left to do");
}

/// Thousands are put aside in bites, while the worker's own jobs run.
pub async fn unknown_kinds_are_parked_in_bites(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let count = 2 * BITE + 500;
    for _ in 0..5 {
        worker.enqueue(many("strange", count / 5)).await;
    }
    worker.enqueue(many(MAIL, 10)).await;
    assert!(worker.beat().await.rescue);
    let mut parked = 0;
    loop {
        let bite = worker.store.rescue(worker.now(), worker.id).await.expect("a rescue");
        parked += bite.parked;
        assert!(bite.parked <= BITE, "a bite is {BITE}, not {}", bite.parked);
        assert_eq!(bite.more, parked < count, "after {parked}");
        worker.claim(1).await;
        if !bite.more {
            break;
        }
    }
    let counts = worker.counts().await;
    assert_eq!((parked, counts.parked, counts.running + counts.available), (count, count as u64, 10));
}

/// A worker that knows the kind starts: its jobs come back, in their order.
pub async fn a_parked_kind_comes_back_when_a_worker_knows_it(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let jobs: Vec<JobId> = worker.enqueue(many("strange", 3)).await.into_iter().map(|answer| answer.id).collect();
    let other = worker.put(job("stranger")).await;
    world.pass(10 * SECOND, &[&worker]).await;
    assert_eq!(worker.counts().await.parked, 4);
    let newer = world.worker(&["strange"]).await;
    assert_eq!(ids(&newer.claim(10).await), jobs);
    assert_eq!(newer.state(other).await, State::Parked, "what it does not know stays");
}

/// The last worker that knew a kind leaves, or dies: what is left of the kind is put aside.
pub async fn a_kind_is_parked_when_its_last_worker_has_gone(subject: &dyn Subject) {
    let world = World::new(subject);
    let stays = world.worker(&[MAIL]).await;
    for killed in [false, true] {
        let goes = world.worker(&["strange"]).await;
        let id = stays.put(job("strange")).await;
        world.pass(10 * SECOND, &[&stays, &goes]).await;
        assert_eq!(stays.state(id).await, State::Available, "while somebody knows it");
        if killed {
            world.kill(goes).await;
        } else {
            goes.leave().await;
        }
        world.pass(KILLED, &[&stays]).await;
        assert_eq!(stays.state(id).await, State::Parked, "killed: {killed}");
    }
}

/// A kind that some worker knows under an alias is known.
pub async fn an_alias_is_a_known_kind(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&["send_mail", MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    world.pass(10 * SECOND, &[&worker]).await;
    assert_eq!(worker.state(id).await, State::Available);
    assert_eq!(worker.claim_one().await.id, id);
}

/// What nobody takes is reported with its kind, its queue and the reason, before and after it is put aside.
pub async fn unserved_jobs_are_reported(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let mut elsewhere = job(MAIL);
    elsewhere.queue = "elsewhere".into();
    worker.enqueue(vec![job("strange"), elsewhere, job(MAIL), job("strange")]).await;
    let report = async |worker: &Worker| {
        let mut unserved = worker.store.unserved(worker.now()).await.expect("a report");
        unserved.sort_by(|a, b| (&a.kind, &a.queue).cmp(&(&b.kind, &b.queue)));
        unserved
    };
    let expected = [(MAIL, "elsewhere", UnservedCause::Queue), ("strange", "default", UnservedCause::Kind)]
        .map(|(kind, queue, because)| Unserved { kind: kind.to_owned(), queue: queue.to_owned(), because });
    assert_eq!(report(&worker).await, expected);
    world.pass(10 * SECOND, &[&worker]).await;
    assert_eq!(report(&worker).await, expected, "parked or not");
    assert_eq!(worker.counts().await.parked, 2, "a queue that nobody serves is reported, but not parked");
    let helper = world.process().await.worker(&Skills::new(&[MAIL, "strange"]).queues(&["default", "elsewhere"])).await;
    assert_eq!(report(&helper).await, [], "once somebody takes them");
}
