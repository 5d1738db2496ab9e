//! Outcomes: what follows on each, and what the fence of the token holds off.

use std::time::Duration;

use jobs_core::State;
use jobs_core::record::{ClaimedJob, KEPT_ERRORS};
use jobs_core::store::{CompletionAnswer, Decision, Retention};

use super::Subject;
use super::world::{FROZEN, MAIL, SECOND, Skills, World, done, fail, ids, job, many, park, retry, together};

/// All the decisions there are.
fn every_decision() -> [Decision; 7] {
    let cancel = Decision::Cancel { reason: "late".to_owned() };
    [done(), retry(SECOND), fail(), Decision::Snooze { after: SECOND }, cancel, Decision::HandBack, park("9")]
}

/// Output, note and times of a job that ended well.
pub async fn a_completed_job_keeps_its_output(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    let run = worker.claim_one().await;
    let began = world.wall();
    let mut outcome =
        worker.outcome(&run, Decision::Complete { output: Some("[1, 2]".to_owned()), note: Some("slow".to_owned()) });
    world.advance(3 * SECOND);
    outcome.decision = Decision::Complete { output: Some("[1, 2]".to_owned()), note: Some("slow".to_owned()) };
    assert_eq!(worker.complete(vec![outcome]).await, [CompletionAnswer::Applied]);
    let seen = world.process().await.record(id).await;
    assert_eq!((seen.state, seen.output.as_deref(), seen.error.as_deref()), (State::Completed, Some("[1, 2]"), Some("slow")));
    assert_eq!((seen.started_at, seen.finished_at), (Some(began), Some(began + 3 * SECOND)));
    assert_eq!((seen.payload, seen.failures, seen.token), (job(MAIL).payload, 0, 1));
}

/// The wait of a retry is stored with the job: other processes keep to it, also after the first has gone.
pub async fn a_retry_waits_as_told(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    worker.settle(&worker.claim_one().await, retry(60 * SECOND)).await;
    let due = world.wall() + 60 * SECOND;
    let seen = worker.record(id).await;
    assert_eq!((seen.state, seen.failures, seen.run_at, seen.error.as_deref()), (State::Retryable, 1, due, Some("no route")));
    world.kill(worker).await;

    let next = world.worker(&[MAIL]).await;
    world.pass(59 * SECOND, &[&next]).await;
    assert!(next.claim_on_probation(10).await.is_empty(), "a second too early");
    world.advance(SECOND);
    let jobs = next.claim(10).await;
    assert_eq!((ids(&jobs), jobs[0].failures), (vec![id], 1), "an attempt is one more than the failures");
}

/// The newest ten failures stay with the job, each with its attempt, its time and its text.
pub async fn the_last_errors_are_kept_with_attempt_and_time(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    let mut expected = Vec::new();
    for attempt in 1..=13 {
        world.pass(SECOND, &[&worker]).await;
        let run = worker.claim_one().await;
        assert_eq!(run.failures + 1, attempt);
        let error = format!("failure {attempt}");
        expected.push((attempt, world.wall().as_microsecond(), error.clone()));
        let decision = if attempt < 13 { Decision::Retry { error, after: Duration::ZERO } } else { Decision::Fail { error } };
        worker.settle(&run, decision).await;
    }
    let seen = worker.record(id).await;
    let kept: Vec<_> = seen.errors.into_iter().map(|error| (error.attempt, error.at, error.error)).collect();
    assert_eq!(kept, expected[13 - KEPT_ERRORS..]);
    assert_eq!((seen.failures, seen.error.as_deref()), (13, Some("failure 13")));
}

/// A job that ended badly is kept for a person, with what it carried.
pub async fn a_failed_job_is_kept_with_its_error(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    worker.settle(&worker.claim_one().await, fail()).await;
    let seen = worker.record(id).await;
    assert_eq!((seen.state, seen.error.as_deref(), seen.failures), (State::Failed, Some("broken"), 1));
    assert_eq!((seen.errors.len(), seen.payload), (1, job(MAIL).payload));
    assert!(worker.claim_on_probation(10).await.is_empty(), "it does not run again");
}

/// A snooze waits as told, is counted as such, and uses no attempt.
pub async fn a_snooze_uses_no_attempt(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    for snoozes in 1..=3 {
        worker.settle(&worker.claim_one().await, Decision::Snooze { after: 10 * SECOND }).await;
        let seen = worker.record(id).await;
        assert_eq!((seen.state, seen.snoozes, seen.failures), (State::Scheduled, snoozes, 0));
        assert_eq!((seen.run_at, seen.errors.len()), (world.wall() + 10 * SECOND, 0));
        world.pass(9 * SECOND, &[&worker]).await;
        assert!(worker.claim(10).await.is_empty(), "a second too early");
        world.advance(SECOND);
    }
    assert_eq!(worker.claim_one().await.token, 4);
}

/// A job that decides that it is not wanted.
pub async fn a_job_may_end_as_cancelled(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    worker.settle(&worker.claim_one().await, Decision::Cancel { reason: "no such user".to_owned() }).await;
    let seen = worker.record(id).await;
    assert_eq!((seen.state, seen.error.as_deref(), seen.failures), (State::Cancelled, Some("no such user"), 0));
}

/// A job that is handed back stands where it stood, before those that came after it.
pub async fn a_hand_back_uses_no_attempt_and_keeps_its_turn(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let first = worker.put(job(MAIL)).await;
    let before = worker.record(first).await;
    let run = worker.claim_one().await;
    world.advance(SECOND);
    let second = worker.put(job(MAIL)).await;
    worker.settle(&run, Decision::HandBack).await;
    let seen = worker.record(first).await;
    assert_eq!((seen.state, seen.failures, seen.crashes, seen.snoozes), (State::Available, 0, 0, 0));
    assert_eq!((seen.run_at, seen.payload), (before.run_at, before.payload));
    assert_eq!(ids(&worker.claim(10).await), [first, second]);
}

/// Through hand-back, snooze, retry, rescue, park and requeue: each claim adds 1, and nothing takes any away.
pub async fn the_token_only_grows(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    let mut token = 0;
    for decision in [Decision::HandBack, Decision::Snooze { after: SECOND }, retry(SECOND)] {
        let run = worker.claim_one().await;
        token += 1;
        assert_eq!(run.token, token);
        worker.settle(&run, decision.clone()).await;
        assert_eq!(worker.record(id).await.token, token, "after {decision:?}");
        world.pass(SECOND, &[&worker]).await;
    }
    let frozen = world.worker(&[MAIL]).await;
    assert_eq!(frozen.claim_one().await.token, 4);
    world.pass(FROZEN, &[&worker]).await;
    assert_eq!(worker.record(id).await.token, 4, "after a rescue");
    let run = worker.claim_one().await;
    assert_eq!(run.token, 5);
    worker.settle(&run, park("1")).await;
    let newer = world.process().await.worker(&Skills::new(&[MAIL]).shape("2")).await;
    let run = newer.claim_one().await;
    assert_eq!(run.token, 6, "after a park");
    newer.settle(&run, done()).await;
    assert!(newer.requeue(id).await);
    assert_eq!(newer.record(id).await.token, 6, "after a requeue");
    assert_eq!(newer.claim_one().await.token, 7);
}

/// Every decision, under every token but the newest, and on a job that no longer runs.
pub async fn an_old_token_changes_nothing(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    let old = worker.claim_one().await;
    worker.settle(&old, Decision::HandBack).await;
    let held_off = async |run: &ClaimedJob, token: i64, when: &str| {
        let before = worker.record(id).await;
        for decision in every_decision() {
            let answer = worker.end(&ClaimedJob { token, ..run.clone() }, decision.clone()).await;
            assert_eq!(answer, CompletionAnswer::Stale, "{when}, token {token}: {decision:?}");
        }
        assert_eq!(worker.record(id).await, before, "{when}, token {token}");
    };
    held_off(&old, 1, "available").await;
    let run = worker.claim_one().await;
    for token in [0, 1, 3] {
        held_off(&run, token, "running").await;
    }
    worker.settle(&run, retry(SECOND)).await;
    held_off(&run, 2, "retryable").await;
    world.advance(SECOND);
    let run = worker.claim_one().await;
    worker.settle(&run, done()).await;
    for token in [1, 2, 4] {
        held_off(&run, token, "completed").await;
    }
}

/// The answer to an outcome was lost and the outcome is sent again: it is known, and nothing changes.
pub async fn a_repeated_outcome_is_told_from_a_stale_one(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let id = worker.put(job(MAIL)).await;
    let run = worker.claim_one().await;
    let all = [done(), done(), retry(SECOND), fail(), Decision::HandBack];
    let answers = worker.complete(all.into_iter().map(|decision| worker.outcome(&run, decision)).collect()).await;
    assert_eq!(answers[0], CompletionAnswer::Applied, "in one batch");
    assert!(answers[1..].iter().all(|answer| *answer == CompletionAnswer::Repeated), "in one batch: {answers:?}");
    assert_eq!(worker.state(id).await, State::Completed, "in one batch");
    let before = worker.record(id).await;
    for decision in [done(), fail(), retry(SECOND), Decision::HandBack] {
        assert_eq!(worker.end(&run, decision).await, CompletionAnswer::Repeated);
    }
    assert_eq!(worker.record(id).await, before);
    let keep = Duration::ZERO;
    world.advance(SECOND);
    let retention = Retention { completed: keep, cancelled: keep, failed: keep };
    worker.store.prune(worker.now(), retention).await.expect("the store prunes");
    assert_eq!(worker.end(&run, done()).await, CompletionAnswer::Repeated, "also once its contents are pruned");
    let strange = ClaimedJob { id: worker.new_id(), ..run };
    assert_eq!(worker.end(&strange, done()).await, CompletionAnswer::Stale, "of a job that nobody knows");
}

/// Stale, unknown, unending and odd outcomes in a batch: each is answered in its place, and the good ones count.
pub async fn one_bad_outcome_spoils_no_other(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    worker.enqueue(many(MAIL, 6)).await;
    let runs = worker.claim(10).await;
    let complete = |output: &str| Decision::Complete { output: Some(output.to_owned()), note: None };
    let outcomes = vec![
        worker.outcome(&ClaimedJob { token: 7, ..runs[0].clone() }, done()),
        worker.outcome(&runs[1], done()),
        worker.outcome(&ClaimedJob { id: worker.new_id(), ..runs[2].clone() }, fail()),
        worker.outcome(&runs[2], retry(Duration::MAX)),
        worker.outcome(&runs[3], complete("{no json, \0 and 💥")),
        worker.outcome(&runs[4], Decision::Fail { error: "'\0\u{202e} 💥".repeat(5_000) }),
        worker.outcome(&runs[5], retry(SECOND)),
        worker.outcome(&runs[1], done()),
    ];
    let answers = worker.complete(outcomes).await;
    let good = [&answers[1], &answers[5 + 1]];
    assert_eq!(good, [&CompletionAnswer::Applied; 2], "the good ones count: {answers:?}");
    assert_eq!([&answers[0], &answers[2]], [&CompletionAnswer::Stale; 2]);
    assert_eq!(answers[7], CompletionAnswer::Repeated);
    for (run, answer) in runs[2..5].iter().zip(&answers[3..6]) {
        let runs_on = worker.state(run.id).await == State::Running;
        let refused = matches!(answer, CompletionAnswer::Refused(reason) if !reason.is_empty());
        assert!(*answer == CompletionAnswer::Applied || refused, "{answer:?}");
        assert_eq!(runs_on, refused, "a refused outcome leaves the job running: {answer:?}");
    }
    let states = [worker.state(runs[0].id).await, worker.state(runs[1].id).await, worker.state(runs[5].id).await];
    assert_eq!(states, [State::Running, State::Completed, State::Retryable]);
}

/// Eight processes send the outcome of one job at the same time: it is recorded once.
pub async fn racing_outcomes_are_recorded_once(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    for _ in 0..5 {
        let id = worker.put(job(MAIL)).await;
        let run = worker.claim_one().await;
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let (process, run) = (world.process().await, run.clone());
            tasks.push(async move { process.end(&run, fail()).await });
        }
        let answers = together(tasks).await;
        let applied = answers.iter().filter(|answer| **answer == CompletionAnswer::Applied).count();
        let repeated = answers.iter().filter(|answer| **answer == CompletionAnswer::Repeated).count();
        assert_eq!((applied, repeated), (1, 7), "{answers:?}");
        assert_eq!(worker.record(id).await.failures, 1);
    }
}
