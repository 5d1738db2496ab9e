//! Enqueue: all or nothing, durable for others to see, and a repeat never makes a second run.

use std::time::Duration;

use jobs_core::store::REPEAT_WINDOW;
use jobs_core::{State, StoreError, When};

use super::Subject;
use super::world::{MAIL, SECOND, World, done, fail, job, many, together};

/// A payload that a careless store would change: big numbers, order, spaces, quotes, other scripts, escapes.
const ODD: &str = r#"{"n": 18446744073709551615, "b":1.0,  "a":"it's \"so\" \\ \u0000 %_ ?1 💥", "z":[null, -0.1e-7]}"#;

/// Every part of a job reaches whoever looks at it, and whoever runs it, in another process.
pub async fn a_job_reaches_another_process_as_it_was(subject: &dyn Subject) {
    let world = World::new(subject);
    let client = world.process().await;
    let worker = world.worker(&[MAIL]).await;
    let mut new = job(MAIL);
    ODD.clone_into(&mut new.payload);
    new.priority = -7;
    new.name = Some("welcome:1".to_owned());
    new.retries = Some(4);
    new.timeout = Some(90 * SECOND);
    new.tags = vec!["a".into(), "b/c".into()];
    let metadata = serde_json::json!({"trace": "00-ab", "n": 3});
    new.metadata = metadata.as_object().cloned();
    new.tenant = Some("acme".to_owned());
    new.user = Some("ann".to_owned());
    let id = client.put(new).await;

    let seen = worker.record(id).await;
    assert_eq!((&*seen.kind, &*seen.queue, seen.priority, seen.state), (MAIL, "default", -7, State::Available));
    assert_eq!((&*seen.payload, seen.name.as_deref(), seen.retries), (ODD, Some("welcome:1"), Some(4)));
    assert_eq!(
        (seen.tags, seen.tenant.as_deref(), seen.user.as_deref()),
        (vec!["a".to_owned(), "b/c".to_owned()], Some("acme"), Some("ann"))
    );
    assert_eq!((seen.created_at, seen.run_at, seen.token, seen.failures, seen.crashes), (world.wall(), world.wall(), 0, 0, 0));
    let parse =
        |text: Option<String>| text.map(|text| serde_json::from_str::<serde_json::Value>(&text).expect("metadata is JSON"));
    assert_eq!(parse(seen.metadata), Some(metadata.clone()));

    let run = worker.claim_one().await;
    assert_eq!((run.id, &*run.kind, &*run.queue, run.priority, run.token), (id, MAIL, "default", -7, 1));
    assert_eq!(
        (&*run.payload, run.name.as_deref(), run.retries, run.timeout),
        (ODD, Some("welcome:1"), Some(4), Some(90 * SECOND))
    );
    assert_eq!((run.tenant.as_deref(), run.user.as_deref()), (Some("acme"), Some("ann")));
    assert_eq!((run.created_at, run.run_at, run.failures, run.crashes), (world.wall(), world.wall(), 0, 0));
    assert_eq!(parse(run.tags), Some(serde_json::json!(["a", "b/c"])));
    assert_eq!(parse(run.metadata), Some(metadata));
}

/// One job without an id in the middle of a batch: the call is refused and nothing of it is stored.
pub async fn a_batch_with_a_refused_job_stores_nothing(subject: &dyn Subject) {
    let world = World::new(subject);
    let client = world.process().await;
    let mut batch = many(MAIL, 3);
    batch[0].id = Some(client.new_id());
    batch[2].id = Some(client.new_id());
    let answer = client.store.enqueue(client.now(), batch.clone()).await;
    assert!(matches!(answer, Err(StoreError::Refused { .. })), "a job without an id is refused: {answer:?}");
    assert_eq!(client.counts().await.live(), 0, "nothing of a refused batch is stored");
    batch.remove(1);
    assert!(client.enqueue(batch).await.iter().all(|answer| answer.created), "the others are welcome by themselves");
}

/// An empty batch is answered like any other.
pub async fn an_empty_batch_is_no_error(subject: &dyn Subject) {
    let world = World::new(subject);
    assert!(world.process().await.enqueue(Vec::new()).await.is_empty());
}

/// The answer was lost and the call is repeated, while the job waits and while it runs, even with other contents.
pub async fn a_repeat_of_a_live_job_changes_nothing(subject: &dyn Subject) {
    let world = World::new(subject);
    let client = world.process().await;
    let worker = world.worker(&[MAIL]).await;
    let id = client.put(job(MAIL)).await;
    let mut repeat = job(MAIL);
    repeat.id = Some(id);
    r#"{"to":"bob"}"#.clone_into(&mut repeat.payload);
    for state in [State::Available, State::Running] {
        let answer = client.enqueue(vec![repeat.clone()]).await[0];
        assert_eq!((answer.id, answer.created), (id, false), "while {state}");
        let seen = client.record(id).await;
        assert_eq!((seen.state, &*seen.payload), (state, r#"{"to":"ann"}"#));
        assert_eq!(client.counts().await.live(), 1);
        assert_eq!(worker.claim(10).await.len(), usize::from(state == State::Available));
    }
}

/// The same after the job has completed, failed or been cancelled: it never runs a second time.
pub async fn a_repeat_after_the_end_never_runs_again(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    for end in [State::Completed, State::Failed, State::Cancelled] {
        let id = worker.put(job(MAIL)).await;
        match end {
            State::Completed => worker.settle(&worker.claim_one().await, done()).await,
            State::Failed => worker.settle(&worker.claim_one().await, fail()).await,
            _ => drop(worker.cancel(id).await),
        }
        let mut repeat = job(MAIL);
        repeat.id = Some(id);
        let answer = worker.enqueue(vec![job(MAIL), repeat]).await[1];
        assert_eq!((answer.id, answer.created), (id, false), "after it {end}");
        assert_eq!(worker.state(id).await, end);
        let neighbour = worker.claim_one().await;
        assert_ne!(neighbour.id, id, "only its neighbour of the batch runs");
        worker.settle(&neighbour, done()).await;
    }
}

/// No retention at all: contents go, but the id is remembered for the whole window.
pub async fn a_repeat_within_the_window_never_runs_again_though_pruned(subject: &dyn Subject) {
    let world = World::new(subject);
    let client = world.process().await;
    let worker = world.worker(&[MAIL]).await;
    let id = client.put(job(MAIL)).await;
    worker.settle(&worker.claim_one().await, done()).await;
    let mut repeat = job(MAIL);
    repeat.id = Some(id);
    for wait in [SECOND, REPEAT_WINDOW.saturating_sub(60 * SECOND)] {
        world.advance(wait);
        client.prune(Duration::ZERO).await;
        let answer = client.enqueue(vec![repeat.clone()]).await[0];
        assert_eq!((answer.id, answer.created), (id, false), "{wait:?} later");
        assert!(world.worker(&[MAIL]).await.claim(10).await.is_empty(), "it does not run again");
    }
}

/// When the window is over and the job is pruned, its id is like any other.
pub async fn after_the_window_an_id_may_run_again(subject: &dyn Subject) {
    let world = World::new(subject);
    let client = world.process().await;
    let worker = world.worker(&[MAIL]).await;
    let id = client.put(job(MAIL)).await;
    worker.settle(&worker.claim_one().await, done()).await;
    world.advance(SECOND);
    client.prune(Duration::ZERO).await;
    world.advance(REPEAT_WINDOW + SECOND);
    client.prune(Duration::ZERO).await;
    assert_eq!(client.find(id).await, None, "it is forgotten");
    let mut again = job(MAIL);
    again.id = Some(id);
    client.put(again).await;
    assert_eq!(world.worker(&[MAIL]).await.claim_one().await.id, id);
}

/// The same id twice in one call.
pub async fn one_id_twice_in_a_batch_is_one_job(subject: &dyn Subject) {
    let world = World::new(subject);
    let client = world.process().await;
    let mut new = job(MAIL);
    new.id = Some(client.new_id());
    let answers = client.enqueue(vec![new.clone(), new]).await;
    assert_eq!(answers[0].id, answers[1].id);
    assert_eq!([answers[0].created, answers[1].created], [true, false]);
    assert_eq!(client.counts().await.available, 1);
}

/// Eight processes send the same batch at the same time.
pub async fn racing_repeats_store_each_job_once(subject: &dyn Subject) {
    let world = World::new(subject);
    let client = world.process().await;
    let mut batch = many(MAIL, 20);
    for job in &mut batch {
        job.id = Some(client.new_id());
    }
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let (process, batch) = (world.process().await, batch.clone());
        tasks.push(async move { process.enqueue(batch).await });
    }
    let answers = together(tasks).await;
    let created = answers.iter().flatten().filter(|answer| answer.created).count();
    assert_eq!((created, client.counts().await.available), (20, 20));
}

/// A name is borne by one live job, whatever its state; the answer is that job's id.
pub async fn a_taken_name_answers_the_job_that_bears_it(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let mut named = job(MAIL);
    named.name = Some("nightly".to_owned());
    let mut later = named.clone();
    later.when = When::After(3600 * SECOND);
    let first = worker.put(later).await;
    let second = worker.enqueue(vec![job(MAIL), named.clone()]).await[1];
    assert_eq!((second.id, second.created), (first, false), "while it is scheduled");
    assert_eq!(worker.counts().await.live(), 2, "the neighbour in the batch is stored");
    assert_eq!(worker.cancel(first).await, jobs_core::store::CancelAnswer::Cancelled);

    let other = worker.put(named.clone()).await;
    assert_eq!(worker.claim(10).await.len(), 2);
    let third = worker.enqueue(vec![named]).await[0];
    assert_eq!((third.id, third.created), (other, false), "while it runs");
}

/// Once its job has ended, a name is free.
pub async fn a_name_is_free_again_when_its_job_has_ended(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let mut named = job(MAIL);
    named.name = Some("nightly".to_owned());
    let mut seen = Vec::new();
    for decision in [done(), fail(), jobs_core::store::Decision::Cancel { reason: "enough".to_owned() }] {
        seen.push(worker.put(named.clone()).await);
        worker.settle(&worker.claim_one().await, decision).await;
    }
    let last = worker.put(named.clone()).await;
    assert!(!seen.contains(&last));
    assert_eq!(worker.store.job_named("nightly".to_owned()).await.expect("a look-up").map(|job| job.id), Some(last));
    // One that is enqueued again keeps its own id, whoever bears its name now.
    named.id = Some(seen[0]);
    let again = worker.enqueue(vec![named]).await[0];
    assert_eq!((again.id, again.created), (seen[0], false));
}

/// Two jobs of one name in one call.
pub async fn two_jobs_of_one_name_in_a_batch_are_one(subject: &dyn Subject) {
    let world = World::new(subject);
    let client = world.process().await;
    let mut named = job(MAIL);
    named.name = Some("nightly".to_owned());
    let answers = client.enqueue(vec![named.clone(), named]).await;
    assert_eq!([answers[0].created, answers[1].created], [true, false]);
    assert_eq!(answers[1].id, answers[0].id, "the second is answered with the first");
    assert_eq!(client.counts().await.live(), 1);
}

/// Delays count from the call's time, instants are kept, an instant that has passed is due.
pub async fn a_job_is_due_when_it_says(subject: &dyn Subject) {
    let world = World::new(subject);
    let client = world.process().await;
    let at = |when| {
        let mut new = job(MAIL);
        new.when = when;
        new
    };
    let (now, hour) = (world.wall(), 3600 * SECOND);
    let cases = [
        (When::Now, now, State::Available),
        (When::After(Duration::ZERO), now, State::Available),
        (When::After(hour), now + hour, State::Scheduled),
        (When::At(now + hour), now + hour, State::Scheduled),
        (When::At(now), now, State::Available),
    ];
    for (when, due, state) in cases {
        let seen = client.record(client.put(at(when)).await).await;
        assert_eq!((seen.run_at, seen.state), (due, state), "{when:?}");
    }
    let passed = client.put(at(When::At(now - hour))).await;
    assert_eq!(client.state(passed).await, State::Available);
}

/// A delay beyond the end of the calendar waits for ever, and breaks nothing.
pub async fn a_delay_without_end_is_kept(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = world.worker(&[MAIL]).await;
    let mut new = job(MAIL);
    new.when = When::After(Duration::MAX);
    let id = worker.put(new).await;
    let other = worker.put(job(MAIL)).await;
    assert_eq!(worker.claim_one().await.id, other);
    assert_eq!(worker.state(id).await, State::Scheduled);
}

/// Whoever listens to this process's store hears of a job that it enqueued, and so does, in time, another process.
pub async fn an_enqueue_wakes_those_who_listen(subject: &dyn Subject) {
    let world = World::new(subject);
    let client = world.process().await;
    let other = world.process().await;
    let (mut here, mut there) = (client.store.signal().listen(), other.store.signal().listen());
    client.put(job(MAIL)).await;
    for (place, listener) in [("here", &mut here), ("in another process", &mut there)] {
        let heard = tokio::time::timeout(30 * SECOND, listener.wait_for(|changes| changes.jobs > 0)).await;
        assert!(heard.is_ok_and(|heard| heard.is_ok()), "nobody {place} heard of the job");
    }
}
