//! Claim: the right jobs in the right order, each to one worker, and nobody's in the way of another's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jobs_core::store::{ClaimRequest, QueueDemand};
use jobs_core::{JobId, NewJob, State, When};

use super::Subject;
use super::world::{MAIL, SECOND, Skills, Worker, World, ids, job, many, together};

/// Enqueues a job of these parts, due `due` seconds from now.
async fn put(worker: &Worker, queue: &'static str, kind: &str, priority: i16, due: u32) -> JobId {
    let mut new = job(kind);
    new.queue = queue.into();
    new.priority = priority;
    new.when = When::After(due * SECOND);
    worker.put(new).await
}

/// Jobs of several queues, kinds, priorities and times, enqueued out of order; answers their ids in the order of claims.
async fn mixture(world: &World<'_>, worker: &Worker) -> Vec<JobId> {
    let mut order = BTreeMap::new();
    let mut nth = 0;
    for (priority, due) in [(5, 1), (0, 9), (-3, 4), (0, 2), (5, 0), (-3, 4), (0, 2), (7, 1)] {
        for (queue, kind) in [("low", "b"), ("high", "a"), ("low", "a"), ("high", "b")] {
            nth += 1;
            order.insert((priority, due, nth), put(worker, queue, kind, priority, due).await);
        }
    }
    world.advance(10 * SECOND);
    order.into_values().collect()
}

/// By priority, then by the time due, then by the order of enqueue, across queues and kinds.
pub async fn jobs_are_claimed_by_priority_then_time_then_order(subject: &dyn Subject) {
    let world = World::new(subject);
    let skills = Skills::new(&["a", "b"]).queues(&["high", "low"]);
    let worker = world.process().await.worker(&skills).await;
    let order = mixture(&world, &worker).await;
    assert_eq!(ids(&worker.claim(100).await), order);
}

/// A small claim takes the first of all queues, and the next claim goes on from there.
pub async fn a_limit_takes_the_first_of_all_queues(subject: &dyn Subject) {
    let world = World::new(subject);
    let skills = Skills::new(&["a", "b"]).queues(&["high", "low"]);
    let worker = world.process().await.worker(&skills).await;
    let order = mixture(&world, &worker).await;
    let mut claimed = Vec::new();
    loop {
        let jobs = worker.claim(5).await;
        assert!(jobs.len() <= 5, "five were asked for, {} came", jobs.len());
        if jobs.is_empty() {
            break;
        }
        claimed.extend(ids(&jobs));
    }
    assert_eq!(claimed, order);
}

/// No more than asked for from each queue, and none from a queue that was not named.
pub async fn limits_hold_for_each_queue(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let mut wanted = Vec::new();
    for nth in 0..4 {
        for (queue, limit) in [("one", 1), ("three", 3), ("none", 0), ("unnamed", 0)] {
            let id = put(&worker, queue, MAIL, 0, 0).await;
            wanted.extend((nth < limit).then_some(id));
        }
    }
    let queues = [("one", 1), ("three", 3), ("none", 0)].map(|(queue, limit)| QueueDemand { queue: queue.into(), limit });
    let claim = worker.try_claim(ClaimRequest { queues: queues.to_vec(), ..worker.request(100) }).await;
    assert_eq!(ids(&claim.jobs), wanted);
}

/// A wish for nothing is answered with nothing.
pub async fn an_empty_wish_gets_nothing(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    let wishes = [
        ClaimRequest { limit: 0, ..worker.request(1) },
        ClaimRequest { queues: Vec::new(), ..worker.request(1) },
        ClaimRequest { kinds: Arc::default(), ..worker.request(1) },
    ];
    for wish in wishes {
        let claim = worker.try_claim(wish.clone()).await;
        assert!(claim.jobs.is_empty() && !claim.lost, "{wish:?}");
    }
    assert_eq!(worker.record(id).await.token, 0);
}

/// Not a millisecond early, and not late.
pub async fn a_scheduled_job_starts_at_its_time_and_not_before(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = put(&worker, "default", MAIL, 0, 10).await;
    let due = world.wall() + 10 * SECOND;
    for wait in [Duration::ZERO, Duration::from_millis(9_999)] {
        world.pass(wait, &[&worker]).await;
        let claim = worker.try_claim(worker.request(10)).await;
        assert!(claim.jobs.is_empty(), "{wait:?} is too early");
        assert_eq!(claim.next_due, Some(due), "the claim says when to come again");
        assert_eq!(worker.beat().await.next_due, Some(due), "and so does the beat");
    }
    world.advance(Duration::from_millis(1));
    let claim = worker.try_claim(worker.request(10)).await;
    assert_eq!(ids(&claim.jobs), [id]);
    assert_eq!((claim.jobs[0].run_at, claim.next_due), (due, None));
}

/// A beat tells whether anything waits.
pub async fn a_beat_tells_what_waits(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let beat = worker.beat().await;
    assert!(beat.alive && !beat.rescue && !beat.waiting && beat.next_due.is_none(), "{beat:?}");
    worker.put(job(MAIL)).await;
    assert!(worker.beat().await.waiting);
    worker.claim_one().await;
    assert!(!worker.beat().await.waiting);
}

/// A claim takes only what it asks for, and leaves the rest as it was.
pub async fn other_kinds_and_queues_are_left_untouched(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let strange = put(&worker, "default", "strange", -9, 0).await;
    let elsewhere = put(&worker, "elsewhere", MAIL, -9, 0).await;
    let own = put(&worker, "default", MAIL, 0, 0).await;
    let before = [worker.record(strange).await, worker.record(elsewhere).await];
    assert_eq!(ids(&worker.claim(10).await), [own]);
    assert_eq!([worker.record(strange).await, worker.record(elsewhere).await], before);
}

/// Thousands of more urgent jobs of a kind that nobody knows stand before a worker's own.
pub async fn a_foreign_kind_is_not_in_the_way(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let urgent = |mut new: NewJob| {
        new.priority = -9;
        new
    };
    for _ in 0..5 {
        worker.enqueue(many("strange", 1_000).into_iter().map(urgent).collect()).await;
    }
    let own: Vec<JobId> = worker.enqueue(many(MAIL, 3)).await.into_iter().map(|answer| answer.id).collect();
    assert_eq!(ids(&worker.claim(10).await), own);
    assert_eq!(worker.counts().await.available, 5_000);
}

/// A kind that was renamed is claimed under the name with which it was stored.
pub async fn an_alias_is_claimed_as_it_was_stored(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&["send_mail", MAIL]).await;
    let old = worker.put(job(MAIL)).await;
    let new = worker.put(job("send_mail")).await;
    let jobs = worker.claim(10).await;
    let claimed: Vec<(JobId, &str)> = jobs.iter().map(|job| (job.id, &*job.kind)).collect();
    assert_eq!(claimed, [(old, MAIL), (new, "send_mail")]);
}

/// A claim adds 1 to the token, makes the job run, and records no failure.
pub async fn a_claim_adds_one_to_the_token_and_no_failure(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    let run = worker.claim_one().await;
    assert_eq!((run.token, run.failures, run.crashes), (1, 0, 0));
    let seen = worker.record(id).await;
    assert_eq!((seen.state, seen.token, seen.failures, seen.snoozes), (State::Running, 1, 0, 0));
    assert!(worker.claim_on_probation(10).await.is_empty(), "a running job is not handed out again");
}

/// Eight workers in eight processes empty a queue together.
pub async fn racing_workers_get_each_job_once(subject: &dyn Subject) {
    let world = World::new(subject);
    let client = world.process().await;
    client.enqueue(many(MAIL, 400)).await;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let worker = world.worker(&[MAIL]).await;
        tasks.push(async move {
            let mut claimed = Vec::new();
            loop {
                let jobs = worker.claim(7).await;
                if jobs.is_empty() {
                    return claimed;
                }
                claimed.extend(jobs);
            }
        });
    }
    let claimed: Vec<_> = together(tasks).await.into_iter().flatten().collect();
    let different: BTreeSet<JobId> = claimed.iter().map(|job| job.id).collect();
    assert_eq!((claimed.len(), different.len()), (400, 400));
    assert!(claimed.iter().all(|job| job.token == 1));
    assert_eq!(client.counts().await.running, 400);
}

/// Who was never registered, or has left, gets nothing and is told so.
pub async fn a_worker_without_a_lease_gets_nothing(subject: &dyn Subject) {
    let world = World::new(subject);
    let (known, gone) = (world.worker(&[MAIL]).await, world.worker(&[MAIL]).await);
    let id = known.put(job(MAIL)).await;
    gone.leave().await;
    let (millis, chance) = (1, [9; 10]);
    let unknown = ClaimRequest { worker: jobs_core::WorkerId::from_parts(millis, chance), ..known.request(10) };
    for request in [unknown, gone.request(10)] {
        let claim = known.try_claim(request).await;
        assert!(claim.lost && claim.jobs.is_empty(), "{claim:?}");
    }
    let seen = known.record(id).await;
    assert_eq!((seen.state, seen.token), (State::Available, 0));
}
