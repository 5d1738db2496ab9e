//! How attempts end, and what is recorded of them.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use jobs_core::{Backoff, JobEntry, NewJob, State, Verdict, When};
use jobs_runtime::{BoxError, IntoJob, job};
use serde_json::json;
use tests::{Fault, Step, enqueue, on_every_store, script, stop, try_enqueue};

const MINUTE: Duration = Duration::from_secs(60);
const MILLISECOND: Duration = Duration::from_millis(1);

fn backoff(text: &str) -> Backoff {
    Backoff::parse(text).expect("a backoff")
}

#[derive(Debug)]
struct Outer(std::num::ParseIntError);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the page could not be read")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[tokio::test]
async fn the_output_of_a_job_is_kept() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let client = runtime.client();
        let id = enqueue(client, "work").await;
        runs.next().await.play(Step::Succeed(json!({ "pages": 3 })));
        let job = world.job_in(client, id, State::Completed).await;
        assert_eq!((job.failures, job.error, job.finished_at), (0, None, Some(job.created_at)));
        assert_eq!(client.output::<serde_json::Value>(id).await.unwrap(), Some(json!({ "pages": 3 })));
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn an_output_that_is_too_large_is_named_and_not_kept() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).option("output_limit", "16B").register(work).start().await.unwrap();
        let client = runtime.client();
        for (length, kept) in [(14, true), (15, false)] {
            let id = enqueue(client, "work").await;
            runs.next().await.play(Step::Succeed(json!("x".repeat(length))));
            let job = world.job_in(client, id, State::Completed).await;
            assert_eq!(job.output.is_some(), kept);
            let note = (!kept).then(|| "its output of 17 bytes is not kept: the limit is 16".to_owned());
            assert_eq!(job.error, note);
        }
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn an_error_is_kept_with_its_causes() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work.retries(0)).start().await.unwrap();
        let client = runtime.client();
        let id = enqueue(client, "work").await;
        runs.next().await.play(Step::Fail(Box::new(Outer("x".parse::<i32>().unwrap_err()))));
        let job = world.job_in(client, id, State::Failed).await;
        let text = "the page could not be read: invalid digit found in string";
        assert_eq!(job.error.as_deref(), Some(text));
        assert_eq!(job.errors.iter().map(|error| (error.attempt, &*error.error)).collect::<Vec<_>>(), [(1, text)]);
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_job_that_fails_waits_as_its_backoff_says() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let work = work.retries(2).backoff(backoff("1m, 2m"));
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let client = runtime.client();
        let id = enqueue(client, "work").await;
        for (attempt, wait) in [(1, MINUTE), (2, 2 * MINUTE)] {
            let run = runs.next().await;
            assert_eq!((run.context.attempt(), run.context.is_last_attempt()), (attempt, false));
            run.fail("not yet");
            let job = world.job_in(client, id, State::Retryable).await;
            assert_eq!(job.run_at, world.now() + wait);

            world.clock.advance(wait.saturating_sub(MILLISECOND));
            store.looked_for_jobs_at(&world.clock).await;
            assert_eq!(client.job(id).await.unwrap().unwrap().state, State::Retryable, "it runs too early");
            world.clock.advance(MILLISECOND);
        }
        let run = runs.next().await;
        assert_eq!((run.context.attempt(), run.context.is_last_attempt()), (3, true));
        run.fail("never");
        let job = world.job_in(client, id, State::Failed).await;
        let errors: Vec<&str> = job.errors.iter().map(|error| &*error.error).collect();
        assert_eq!((job.failures, job.error.as_deref(), &errors[..]), (3, Some("never"), &["not yet", "not yet", "never"][..]));
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_wait_for_the_next_attempt_outlives_the_process() {
    on_every_store(async |world| {
        let entry = || {
            let (work, runs) = script("work");
            (work.retries(3).backoff(backoff("1m")), runs)
        };
        let store = world.store().await;
        let (work, mut runs) = entry();
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let id = enqueue(runtime.client(), "work").await;
        runs.next().await.fail("not yet");
        let before = world.job_in(runtime.client(), id, State::Retryable).await;
        stop(runtime).await;

        let store = world.store().await;
        let (work, mut runs) = entry();
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let after = runtime.client().job(id).await.unwrap().unwrap();
        assert_eq!((after.state, after.run_at, after.failures), (State::Retryable, before.run_at, 1));
        world.clock.advance(MINUTE);
        let run = runs.next().await;
        assert_eq!(run.context.attempt(), 2);
        run.succeed();
        world.job_in(runtime.client(), id, State::Completed).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn without_retries_the_first_failure_is_the_last() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work.retries(5)).start().await.unwrap();
        let client = runtime.client();
        let mut job = NewJob::new("work", "{}");
        job.retries = Some(0);
        let id = try_enqueue(client, job).await.unwrap();
        let run = runs.next().await;
        assert!(run.context.is_last_attempt());
        run.fail("no");
        assert_eq!(world.job_in(client, id, State::Failed).await.failures, 1);
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_verdict_decides_what_follows() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let work = work.retries(1).backoff(backoff("1m"));
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let client = runtime.client();
        let now = world.now();

        let id = enqueue(client, "work").await;
        runs.next().await.decide(Verdict::discard("gone"));
        let job = world.job_in(client, id, State::Failed).await;
        assert_eq!((job.failures, job.error.as_deref()), (1, Some("gone")));

        let id = enqueue(client, "work").await;
        runs.next().await.decide(Verdict::cancel("no longer wanted"));
        let job = world.job_in(client, id, State::Cancelled).await;
        assert_eq!((job.failures, job.error.as_deref()), (0, Some("no longer wanted")));

        let id = enqueue(client, "work").await;
        runs.next().await.decide(Verdict::retry_in(5 * MINUTE, "too many"));
        let job = world.job_in(client, id, State::Retryable).await;
        assert_eq!((job.failures, job.run_at), (1, now + 5 * MINUTE));

        world.clock.advance(2 * MINUTE);
        world.clock.advance(2 * MINUTE);
        world.clock.advance(MINUTE);
        runs.next().await.decide(Verdict::retry_in(MINUTE, "used up"));
        assert_eq!(world.job_in(client, id, State::Failed).await.failures, 2);
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_snooze_uses_no_attempt_and_the_token_grows() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work.retries(0)).start().await.unwrap();
        let client = runtime.client();
        let id = enqueue(client, "work").await;
        for snoozes in 1..=3 {
            let run = runs.next().await;
            assert_eq!(run.context.attempt(), 1);
            run.decide(Verdict::snooze(MINUTE));
            let job = world.job_in(client, id, State::Scheduled).await;
            assert_eq!((job.snoozes, job.failures, job.token), (snoozes, 0, i64::from(snoozes)));
            world.clock.advance(MINUTE);
        }
        runs.next().await.succeed();
        assert_eq!(world.job_in(client, id, State::Completed).await.token, 4);
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_retry_at_once_runs_at_once() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let client = runtime.client();
        let id = enqueue(client, "work").await;
        runs.next().await.decide(Verdict::retry_in(Duration::ZERO, "again"));
        runs.next().await.decide(Verdict::snooze(Duration::ZERO));
        runs.next().await.succeed();
        world.job_in(client, id, State::Completed).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_delayed_job_runs_at_its_time_and_not_before() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let client = runtime.client();
        let mut job = NewJob::new("work", "{}");
        job.when = When::After(MINUTE);
        let id = try_enqueue(client, job).await.unwrap();
        world.clock.advance(MINUTE.saturating_sub(MILLISECOND));
        store.looked_for_jobs_at(&world.clock).await;
        assert_eq!(client.job(id).await.unwrap().unwrap().state, State::Scheduled);
        world.clock.advance(MILLISECOND);
        runs.next().await.succeed();
        world.job_in(client, id, State::Completed).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_delayed_job_is_not_put_off_by_a_late_heartbeat() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let client = runtime.client();
        // With a job that runs, each heartbeat is followed by a look for cancellations.
        enqueue(client, "work").await;
        let busy = runs.next().await;
        store.fail("heartbeat", Fault::Late, 1);
        world.clock.advance(2 * MINUTE);
        world.clock.advance(2 * MINUTE);
        world.until("a heartbeat that has found nothing", async || store.is_late("heartbeat").then_some(())).await;
        let mut job = NewJob::new("work", "{}");
        job.when = When::After(MINUTE);
        let id = try_enqueue(client, job).await.unwrap();
        store.looked_for_jobs_at(&world.clock).await;
        let looked = store.calls("cancellations");
        store.deliver("heartbeat");
        world
            .until("what follows a heartbeat", async || {
                world.clock.advance(Duration::from_millis(1));
                (store.calls("cancellations") > looked).then_some(())
            })
            .await;
        world.clock.advance(MINUTE);
        runs.next().await.succeed();
        world.job_in(client, id, State::Completed).await;
        busy.succeed();
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn the_text_of_an_error_is_bounded_and_redacted() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let redact = |text: &str| {
            assert!(!text.contains("explode"), "no redaction for you");
            text.replace("hunter2", "***")
        };
        let runtime = world
            .builder(&store)
            .option("error_limit", "256B")
            .redact_errors(redact)
            .register(work.retries(0))
            .start()
            .await
            .unwrap();
        let client = runtime.client();
        let long = format!("{}{}", "hunter2", "ä".repeat(10_000));
        for (step, check) in [
            (Step::Fail("the password is hunter2".into()), "the password is ***"),
            (Step::PanicWith("panic with hunter2".to_owned()), "panicked: panic with ***"),
            (Step::Fail(Verdict::cancel("because of hunter2").into()), "because of ***"),
            (Step::Fail("explode with hunter2".into()), "the error's text is withheld: the redaction panicked"),
            (Step::Fail(long.into()), "***ä"),
        ] {
            let id = enqueue(client, "work").await;
            let state = if check.starts_with("because") { State::Cancelled } else { State::Failed };
            runs.next().await.play(step);
            let job = world.job_in(client, id, state).await;
            let error = job.error.unwrap();
            assert!(error.starts_with(check) && error.len() <= 256 + '…'.len_utf8(), "{error}");
            assert!(!serde_json::to_string(&job.errors).unwrap().contains("hunter2"));
        }
        stop(runtime).await;
    })
    .await;
}

#[job(name = "measure")]
async fn measure(width: u32) -> Result<u32, BoxError> {
    Ok(width * 2)
}

#[tokio::test]
async fn arguments_that_do_not_decode_park_the_job_and_others_run_on() {
    on_every_store(async |world| {
        let store = world.store().await;
        let old = world.builder(&store).build("old").register(entry_of_measure()).start().await.unwrap();
        let client = old.client();
        let bad = try_enqueue(client, NewJob::new("measure", r#"{"width":"wide"}"#)).await.unwrap();
        let good = try_enqueue(client, measure::job(4).into_new_job().unwrap()).await.unwrap();
        world.job_in(client, good, State::Completed).await;
        let parked = world.job_in(client, bad, State::Parked).await;
        assert_eq!((&*parked.payload, parked.failures), (r#"{"width":"wide"}"#, 0));
        assert!(parked.error.unwrap().contains("width"));
        stop(old).await;

        // The same build knows that it cannot; another one may.
        let store = world.store().await;
        let old = world.builder(&store).build("old").register(entry_of_measure()).start().await.unwrap();
        assert_eq!(old.client().job(bad).await.unwrap().unwrap().state, State::Parked);
        stop(old).await;
        let store = world.store().await;
        let (work, mut runs) = script("measure");
        let new = world.builder(&store).build("new").register(work).start().await.unwrap();
        runs.next().await.succeed();
        let job = world.job_in(new.client(), bad, State::Completed).await;
        assert_eq!(job.failures, 0);
        stop(new).await;
    })
    .await;
}

#[tokio::test]
async fn what_an_old_build_cannot_decode_is_run_by_a_new_one_beside_it() {
    on_every_store(async |world| {
        let (work, mut runs) = script("measure");
        let newer = world.store().await;
        let new = world.builder(&newer).build("new").concurrency(1).register(work).start().await.unwrap();
        // The new one is busy while the old one takes the next job.
        enqueue(new.client(), "measure").await;
        let busy = runs.next().await;
        let older = world.store().await;
        let old = world.builder(&older).build("old").register(entry_of_measure()).start().await.unwrap();
        let id = enqueue(old.client(), "measure").await;
        world.until("the old build to put the job aside", async || (old.health().totals.parked == 1).then_some(())).await;
        busy.succeed();
        // A heartbeat finds it; the old build may be quicker and put it aside once more.
        let run = world
            .until("the new build to get the job", async || {
                world.clock.advance(MINUTE / 6);
                runs.begun()
            })
            .await;
        run.succeed();
        world.job_in(new.client(), id, State::Completed).await;
        stop(old).await;
        stop(new).await;
    })
    .await;
}

fn entry_of_measure() -> JobEntry {
    <measure as jobs_runtime::Job>::entry().clone()
}

#[tokio::test]
async fn a_job_stored_under_an_old_name_runs() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("send_mail");
        let mut entry = JobEntry::from(work);
        entry.aliases = Cow::Owned(vec![Cow::Borrowed("mail"), Cow::Borrowed("post")]);
        let runtime = world.builder(&store).register(entry).start().await.unwrap();
        for name in ["mail", "post", "send_mail"] {
            let id = enqueue(runtime.client(), name).await;
            let run = runs.next().await;
            assert_eq!(run.context.kind(), name);
            run.succeed();
            assert_eq!(world.job_in(runtime.client(), id, State::Completed).await.kind, name);
        }
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_kind_that_nobody_knows_is_left_alone() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("known");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let strange = enqueue(runtime.client(), "strange").await;
        let known = enqueue(runtime.client(), "known").await;
        runs.next().await.succeed();
        world.job_in(runtime.client(), known, State::Completed).await;
        let job = runtime.client().job(strange).await.unwrap().unwrap();
        assert!(matches!(job.state, State::Available | State::Parked) && job.token == 0, "{job:?}");
        stop(runtime).await;
    })
    .await;
}
