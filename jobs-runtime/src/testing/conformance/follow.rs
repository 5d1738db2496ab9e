//! Followers: jobs that are stored with the outcome of another, in the same transaction, and the chains that they come from.

use std::time::Duration;

use jobs_core::chain::Link;
use jobs_core::store::{Completion, CompletionAnswer, Decision, JobFilter};
use jobs_core::{JobId, NewJob, State, When};

use super::Subject;
use super::world::{FROZEN, MAIL, Process, SECOND, Skills, World, done, fail, ids, job, park, retry, together};

/// A job that follows on `parent`, of the same kind as everything else here.
fn follower(process: &Process, parent: JobId) -> NewJob {
    let mut follower = NewJob::new(MAIL, r#"{"report":[1, 2.50]}"#);
    follower.id = Some(process.new_id());
    follower.parent = Some(parent);
    follower.tenant = Some("acme".to_owned());
    follower
}

/// A chain of two links, the second with all that one may carry.
fn chain() -> Vec<Link> {
    let link = |json: serde_json::Value| serde_json::from_value(json).expect("a link");
    vec![
        link(serde_json::json!({"kind": MAIL, "argument": "report"})),
        link(serde_json::json!({
            "kind": MAIL, "queue": "low", "priority": -5, "delay": 60_000, "retries": 0, "timeout": 500, "tags": ["a \"b\""],
            "metadata": {"big": u64::MAX}
        })),
    ]
}

fn with_chain(mut job: NewJob, chain: Vec<Link>) -> NewJob {
    job.chain = chain;
    job
}

fn followed_by(outcome: Completion, followers: Vec<NewJob>) -> Completion {
    Completion { followers, ..outcome }
}

fn followers_of(parent: JobId) -> [JobFilter; 2] {
    [false, true].map(|finished| JobFilter { parent: Some(parent), finished, ..JobFilter::default() })
}

/// It is there when the outcome is, whole, ready to run, and known as what follows.
pub async fn a_follower_is_stored_with_the_outcome(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    let run = worker.claim_one().await;
    let mut next = follower(&worker, id);
    next.chain = chain();
    let mut later = follower(&worker, id);
    later.when = When::After(60 * SECOND);
    let outcome = followed_by(worker.outcome(&run, done()), vec![next.clone(), later.clone()]);
    assert_eq!(worker.complete(vec![outcome]).await, [CompletionAnswer::Applied]);
    let (next_id, later_id) = (next.id.expect("it has one"), later.id.expect("it has one"));
    let other = world.process().await;
    assert_eq!(other.state(id).await, State::Completed);
    let seen = other.record(next_id).await;
    assert_eq!((seen.state, seen.parent, seen.tenant.as_deref()), (State::Available, Some(id), Some("acme")));
    assert_eq!((seen.payload, seen.chain), (next.payload, chain()));
    let seen = other.record(later_id).await;
    assert_eq!((seen.state, seen.run_at), (State::Scheduled, world.wall() + 60 * SECOND));
    let [live, finished] = followers_of(id);
    assert_eq!(other.all(live).await.len(), 2);
    assert!(other.all(finished.clone()).await.is_empty());
    let run = worker.claim_one().await;
    assert_eq!((run.id, run.tenant.as_deref()), (next_id, Some("acme")));
    worker.settle(&run, done()).await;
    assert_eq!(other.all(finished).await.iter().map(|job| job.id).collect::<Vec<_>>(), [next_id]);
}

/// Whoever waits for jobs hears of it.
pub async fn a_follower_wakes_those_who_listen(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    let run = worker.claim_one().await;
    let before = worker.store.signal().listen().borrow().jobs;
    let mut listener = worker.store.signal().listen();
    let outcome = followed_by(worker.outcome(&run, done()), vec![follower(&worker, id)]);
    assert_eq!(worker.complete(vec![outcome]).await, [CompletionAnswer::Applied]);
    let heard = tokio::time::timeout(30 * SECOND, listener.wait_for(|changes| changes.jobs > before)).await;
    assert!(heard.is_ok_and(|heard| heard.is_ok()), "nobody heard of it");
}

/// Stale, unknown and repeated outcomes, and an outcome that the store refuses.
pub async fn an_outcome_that_does_not_count_stores_no_follower(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    let run = worker.claim_one().await;
    let stale = |token| {
        let outcome = Completion { token, ..worker.outcome(&run, done()) };
        followed_by(outcome, vec![follower(&worker, id)])
    };
    let unknown = followed_by(Completion { id: worker.new_id(), ..worker.outcome(&run, done()) }, vec![follower(&worker, id)]);
    let answers = worker.complete(vec![stale(0), stale(2), unknown]).await;
    assert!(answers.iter().all(|answer| *answer == CompletionAnswer::Stale), "{answers:?}");
    let mut nameless = follower(&worker, id);
    nameless.id = None;
    let refused = followed_by(worker.outcome(&run, done()), vec![follower(&worker, id), nameless]);
    let mut late = refused.clone();
    late.token -= 1;
    assert_eq!(worker.complete(vec![late]).await, [CompletionAnswer::Stale], "the fence is asked first");
    let answers = worker.complete(vec![refused]).await;
    assert!(matches!(answers[0], CompletionAnswer::Refused(_)), "a follower without an id: {answers:?}");
    assert_eq!(worker.state(id).await, State::Running, "a refused outcome changes nothing");
    let first = followed_by(worker.outcome(&run, done()), vec![follower(&worker, id)]);
    let again = followed_by(worker.outcome(&run, done()), vec![follower(&worker, id)]);
    let answers = worker.complete(vec![first.clone(), again.clone()]).await;
    assert_eq!(answers, [CompletionAnswer::Applied, CompletionAnswer::Repeated]);
    assert_eq!(worker.complete(vec![first.clone(), again]).await, [CompletionAnswer::Repeated, CompletionAnswer::Repeated]);
    let [live, finished] = followers_of(id);
    let live = worker.all(live).await;
    assert_eq!(live.iter().map(|job| Some(job.id)).collect::<Vec<_>>(), [first.followers[0].id], "one follower, the first");
    assert!(worker.all(finished).await.is_empty());
}

/// Eight processes end one job at the same time, each with a follower of its own: one of them is stored.
pub async fn racing_outcomes_store_one_follower(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    for _ in 0..5 {
        let id = worker.put(job(MAIL)).await;
        let run = worker.claim_one().await;
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let process = world.process().await;
            let outcome = followed_by(worker.outcome(&run, done()), vec![follower(&worker, id)]);
            tasks.push(async move { process.complete(vec![outcome]).await.remove(0) });
        }
        let answers = together(tasks).await;
        assert_eq!(answers.iter().filter(|answer| **answer == CompletionAnswer::Applied).count(), 1, "{answers:?}");
        assert_eq!(worker.all(followers_of(id)[0].clone()).await.len(), 1);
        worker.settle(&worker.claim_one().await, done()).await;
    }
}

/// A repeat of the follower's id, live or finished, is one job, as with every enqueue.
pub async fn a_follower_that_is_stored_already_is_left_alone(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let next = follower(&worker, worker.new_id());
    worker.enqueue(vec![next.clone()]).await;
    let run = worker.claim_one().await;
    worker.settle(&run, done()).await;
    let id = worker.put(job(MAIL)).await;
    let run = worker.claim_one().await;
    let outcome = followed_by(worker.outcome(&run, done()), vec![next]);
    assert_eq!(worker.complete(vec![outcome]).await, [CompletionAnswer::Applied]);
    assert_eq!(worker.state(id).await, State::Completed);
    assert!(worker.claim(10).await.is_empty(), "it ran before");
}

/// Failures may be followed too: by the hook that is run when attempts are used up.
pub async fn any_outcome_may_be_followed(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let cancel = Decision::Cancel { reason: "late".to_owned() };
    for decision in [fail(), cancel, retry(3600 * SECOND), Decision::Snooze { after: 3600 * SECOND }] {
        let id = worker.put(job(MAIL)).await;
        let run = worker.claim_one().await;
        let next = follower(&worker, id);
        let outcome = followed_by(worker.outcome(&run, decision.clone()), vec![next.clone()]);
        assert_eq!(worker.complete(vec![outcome]).await, [CompletionAnswer::Applied], "{decision:?}");
        let run = worker.claim_one().await;
        assert_eq!(Some(run.id), next.id, "{decision:?}");
        worker.settle(&run, done()).await;
    }
}

/// Through claim, retry, snooze, hand-back, park, rescue, failure, requeue and completion.
pub async fn a_chain_stays_with_its_job(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(with_chain(job(MAIL), chain())).await;
    let carried = async |when: &str| assert_eq!(worker.record(id).await.chain, chain(), "{when}");
    carried("available").await;
    for decision in [Decision::HandBack, retry(SECOND), Decision::Snooze { after: SECOND }] {
        let run = worker.claim_one().await;
        let read = jobs_core::chain::from_text(run.chain.as_deref()).expect("it can be read");
        assert_eq!(read, chain(), "who runs it is told");
        worker.settle(&run, decision).await;
        carried("waiting").await;
        world.pass(SECOND, &[&worker]).await;
    }
    let frozen = world.worker(&[MAIL]).await;
    frozen.claim_one().await;
    world.pass(FROZEN, &[&worker]).await;
    carried("rescued").await;
    worker.settle(&worker.claim_one().await, park("1")).await;
    carried("parked").await;
    let newer = world.process().await.worker(&Skills::new(&[MAIL]).shape("2")).await;
    newer.settle(&newer.claim_one().await, fail()).await;
    carried("failed").await;
    assert!(newer.requeue(id).await);
    carried("requeued").await;
    newer.settle(&newer.claim_one().await, done()).await;
    carried("completed").await;
    world.advance(SECOND);
    newer.prune(Duration::ZERO).await;
    assert!(newer.record(id).await.chain.is_empty(), "what it carried is pruned with its contents");
}

/// Each link carries the rest of the chain, and the last carries nothing.
pub async fn a_chain_runs_link_by_link(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let mut before = worker.put(with_chain(job(MAIL), chain())).await;
    for left in (0..3).rev() {
        let run = worker.claim_one().await;
        let mut rest = jobs_core::chain::from_text(run.chain.as_deref()).expect("it can be read");
        assert_eq!((run.id, rest.len()), (before, left));
        let mut followers = Vec::new();
        if left > 0 {
            rest.remove(0);
            followers.push(with_chain(follower(&worker, before), rest));
        }
        let ended = run.id;
        before = followers.first().and_then(|job| job.id).unwrap_or(before);
        assert_eq!(
            worker.complete(vec![followed_by(worker.outcome(&run, done()), followers)]).await,
            [CompletionAnswer::Applied]
        );
        assert_eq!(worker.state(ended).await, State::Completed);
    }
    assert!(ids(&worker.claim(10).await).is_empty());
}
