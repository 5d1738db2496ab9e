//! Jobs that panic: each costs one attempt, and neither its slot nor any loop.

use std::borrow::Cow;
use std::time::Duration;

use jobs_core::registry::{Handler, JobEntry, Location};
use jobs_core::{NewJob, State};
use jobs_runtime::{CancelAnswer, Enqueue};
use tests::{Step, enqueue, on_every_store, script, stop};

#[tokio::test]
async fn every_panic_costs_one_attempt_and_no_slot() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).concurrency(1).register(work.retries(0)).start().await.unwrap();
        let client = runtime.client();
        for (step, text) in [
            (Step::Panic, "panicked: a plain text"),
            (Step::PanicWith("a text with 7".to_owned()), "panicked: a text with 7"),
            (Step::PanicValue, "panicked: a value that is no text"),
            (Step::PanicInDrop, "panicked: a bomb in a drop"),
        ] {
            let id = enqueue(client, "work").await;
            runs.next().await.play(step);
            let job = world.job_in(client, id, State::Failed).await;
            assert_eq!((job.error.as_deref(), job.failures), (Some(text), 1));
        }
        let id = enqueue(client, "work").await;
        runs.next().await.play(Step::PanicInTask);
        assert!(world.job_in(client, id, State::Failed).await.error.unwrap().contains("a text in a task"));

        let id = enqueue(client, "work").await;
        runs.next().await.succeed();
        world.job_in(client, id, State::Completed).await;
        assert!(runtime.health().is_well() && runtime.health().parts.values().all(|part| part.restarts == 0));
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_panic_is_retried_like_any_failure() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let backoff = jobs_core::Backoff::parse("fixed 1m").unwrap();
        let runtime = world.builder(&store).register(work.retries(1).backoff(backoff)).start().await.unwrap();
        let id = enqueue(runtime.client(), "work").await;
        runs.next().await.play(Step::Panic);
        world.job_in(runtime.client(), id, State::Retryable).await;
        world.clock.advance(Duration::from_secs(60));
        runs.next().await.succeed();
        world.job_in(runtime.client(), id, State::Completed).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_panic_while_a_cancelled_job_is_dropped_is_caught() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).concurrency(1).register(work).start().await.unwrap();
        let client = runtime.client();
        let id = enqueue(client, "work").await;
        let run = runs.next().await;
        let context = run.context.clone();
        run.play(Step::HangAndPanicInDrop);
        assert_eq!(client.cancel(id).await.unwrap(), CancelAnswer::Requested);
        world.asked_to_stop(&context).await;
        world.clock.advance(Duration::from_secs(10));
        world.job_in(client, id, State::Cancelled).await;

        let id = enqueue(client, "work").await;
        runs.next().await.succeed();
        world.job_in(client, id, State::Completed).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_panic_while_arguments_are_decoded_is_a_failed_attempt() {
    on_every_store(async |world| {
        let handler = Handler::Fn(|call| {
            assert!(!call.payload.contains("bad"), "these arguments make me panic");
            Ok(Box::pin(async { Ok(None) }))
        });
        let location = Location { file: file!(), line: line!() };
        let mut entry = JobEntry::new(Cow::Borrowed("decode"), "", location, handler);
        entry.retries = Some(0);
        let store = world.store().await;
        let runtime = world.builder(&store).concurrency(1).register(entry).start().await.unwrap();
        let client = runtime.client();
        let bad = client.enqueue_one(NewJob::new("decode", r#"{"bad":1}"#)).await.unwrap();
        let good = client.enqueue_one(NewJob::new("decode", "{}")).await.unwrap();
        let job = world.job_in(client, bad, State::Failed).await;
        assert_eq!(job.error.as_deref(), Some("panicked: these arguments make me panic"));
        world.job_in(client, good, State::Completed).await;
        stop(runtime).await;
    })
    .await;
}
