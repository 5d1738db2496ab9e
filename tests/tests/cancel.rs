//! Jobs that are stopped before they end: by somebody's wish, or because their time is up.

use std::time::Duration;

use jobs_core::{NewJob, State};
use jobs_runtime::CancelAnswer;
use serde_json::json;
use tests::{Step, World, bounded, enqueue, enqueue_many, on_every_store, script, stop, try_enqueue};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).concurrency(1).register(work).start().await.unwrap();
        let client = runtime.client();
        enqueue(client, "work").await;
        let busy = runs.next().await;
        let id = enqueue(client, "work").await;
        assert_eq!(client.cancel(id).await.unwrap(), CancelAnswer::Cancelled);
        assert_eq!(client.cancel(id).await.unwrap(), CancelAnswer::Finished);
        let job = client.job(id).await.unwrap().unwrap();
        assert_eq!((job.state, job.error.as_deref()), (State::Cancelled, Some("cancelled on request")));
        busy.succeed();
        stop(runtime).await;
        assert!(runs.begun().is_none(), "it ran");
    })
    .await;
}

#[tokio::test]
async fn a_running_job_that_stops_when_it_is_cancelled_ends_as_cancelled() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let client = runtime.client();
        let id = enqueue(client, "work").await;
        let run = runs.next().await;
        let context = run.context.clone();
        run.play(Step::FailWhenStopped);
        assert_eq!(client.cancel(id).await.unwrap(), CancelAnswer::Requested);
        world.asked_to_stop(&context).await;
        let job = world.job_in(client, id, State::Cancelled).await;
        assert_eq!(job.failures, 0);
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_job_that_ends_well_has_ended_well() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let client = runtime.client();
        let id = enqueue(client, "work").await;
        let run = runs.next().await;
        let context = run.context.clone();
        run.play(Step::SucceedWhenStopped);
        client.cancel(id).await.unwrap();
        world.asked_to_stop(&context).await;
        world.job_in(client, id, State::Completed).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_job_that_does_not_stop_is_dropped_after_the_grace() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).cancel_grace(7 * SECOND).register(work).start().await.unwrap();
        let client = runtime.client();
        let id = enqueue(client, "work").await;
        let run = runs.next().await;
        let context = run.context.clone();
        let run = run.play(Step::Hang);
        client.cancel(id).await.unwrap();
        world.asked_to_stop(&context).await;
        assert_eq!(client.job(id).await.unwrap().unwrap().state, State::Running);
        world.clock.advance(7 * SECOND);
        run.over().await;
        world.job_in(client, id, State::Cancelled).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_job_is_cancelled_by_its_name() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let client = runtime.client();
        let mut job = NewJob::new("work", "{}");
        job.name = Some("nightly".to_owned());
        let id = try_enqueue(client, job).await.unwrap();
        let run = runs.next().await;
        let context = run.context.clone();
        run.play(Step::FailWhenStopped);
        assert_eq!(client.cancel_named("daily").await.unwrap(), CancelAnswer::Unknown);
        assert_eq!(client.cancel_named("nightly").await.unwrap(), CancelAnswer::Requested);
        world.asked_to_stop(&context).await;
        world.job_in(client, id, State::Cancelled).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_cancellation_reaches_a_running_job_of_another_process_within_a_second() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime =
            World::builder_in_real_time(&store).lease(30 * SECOND).heartbeat(10 * SECOND).register(work).start().await.unwrap();
        let id = enqueue(runtime.client(), "work").await;
        let run = runs.next().await;
        let other = World::client_in_real_time(&world.store().await);
        other.cancel(id).await.unwrap();
        let asked = tokio::time::timeout(SECOND, run.context.cancelled()).await;
        assert!(asked.is_ok(), "it was not asked to stop within a second");
        drop(run);
        world.job_in(runtime.client(), id, State::Completed).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_job_fetched_ahead_can_be_cancelled_and_never_runs() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).concurrency(1).register(work).start().await.unwrap();
        let client = runtime.client();
        // Jobs that take no time at all are fetched ahead.
        enqueue(client, "work").await;
        runs.next().await.succeed().over().await;
        let ids = enqueue_many(client, "work", 20).await;
        let first = runs.next().await;
        world.until("jobs to be fetched ahead", async || (runtime.health().fetched_ahead > 0).then_some(())).await;
        let ahead = async || {
            let mut running = Vec::new();
            for id in &ids {
                let job = client.job(*id).await.unwrap().unwrap();
                if job.state == State::Running && job.id != first.context.id() {
                    running.push(job.id);
                }
            }
            running.pop()
        };
        let id = ahead().await.expect("one was fetched ahead");
        assert_eq!(client.cancel(id).await.unwrap(), CancelAnswer::Requested);
        world
            .until("the job to be cancelled", async || {
                world.clock.advance(Duration::from_millis(10));
                client.job(id).await.unwrap().filter(|job| job.state == State::Cancelled)
            })
            .await;
        first.succeed();
        for _ in 0..18 {
            let run = runs.next().await;
            assert_ne!(run.context.id(), id);
            run.succeed();
        }
        world.counts("all others to run", client, |counts| counts.completed == 20).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_job_whose_time_is_up_is_asked_to_stop_and_dropped_after_the_grace() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let work = work.timeout(20 * SECOND).retries(0);
        let runtime = world.builder(&store).cancel_grace(5 * SECOND).register(work).start().await.unwrap();
        let client = runtime.client();
        for (step, error) in [
            (Step::Hang, "timed out after 20s: did not stop when it was asked to, and was dropped"),
            (Step::FailWhenStopped, "timed out after 20s: stopped"),
        ] {
            let stops = matches!(step, Step::FailWhenStopped);
            let id = enqueue(client, "work").await;
            let run = runs.next().await;
            let context = run.context.clone();
            assert_eq!(context.timeout(), Some(20 * SECOND));
            let run = run.play(step);
            world.clock.advance(Duration::from_millis(19_999));
            assert!(!context.is_cancelled(), "it was asked too early");
            world.clock.advance(Duration::from_millis(1));
            bounded("the job to be asked to stop", context.cancelled()).await;
            if !stops {
                assert_eq!(client.job(id).await.unwrap().unwrap().state, State::Running);
                world.clock.advance(5 * SECOND);
            }
            run.over().await;
            let job = world.job_in(client, id, State::Failed).await;
            assert_eq!((job.error.as_deref(), job.failures), (Some(error), 1));
        }
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_job_that_ends_well_within_the_grace_is_completed() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).timeout(SECOND).register(work).start().await.unwrap();
        let client = runtime.client();
        let id = enqueue(client, "work").await;
        runs.next().await.play(Step::SucceedWhenStopped);
        world.clock.advance(SECOND);
        let job = world.job_in(client, id, State::Completed).await;
        assert_eq!(job.output.as_deref(), Some(&*json!("stopped").to_string()));
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_jobs_own_timeout_is_stronger_than_that_of_its_kind() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work.timeout(20 * SECOND).retries(0)).start().await.unwrap();
        let mut job = NewJob::new("work", "{}");
        job.timeout = Some(SECOND);
        let id = try_enqueue(runtime.client(), job).await.unwrap();
        runs.next().await.play(Step::FailWhenStopped);
        world.clock.advance(SECOND);
        world.job_in(runtime.client(), id, State::Failed).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn the_grace_of_a_cancelled_job_is_not_cut_short_by_its_timeout() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let work = work.timeout(60 * SECOND);
        let runtime = world.builder(&store).cancel_grace(30 * SECOND).register(work).start().await.unwrap();
        let client = runtime.client();
        let id = enqueue(client, "work").await;
        let run = runs.next().await;
        let context = run.context.clone();
        let mut run = run.play(Step::Hang);
        world.clock.advance(50 * SECOND);
        client.cancel(id).await.unwrap();
        world.asked_to_stop(&context).await;
        world.clock.advance(15 * SECOND);
        // A second job's timeout shows that the first one's has been dealt with.
        let mut job = NewJob::new("work", "{}");
        job.timeout = Some(SECOND);
        try_enqueue(client, job).await.unwrap();
        let second = runs.next().await;
        world.clock.advance(SECOND);
        bounded("the second job to be asked to stop", second.context.cancelled()).await;
        drop(second);
        assert!(!run.is_over(), "it was dropped before its grace was over");
        world.clock.advance(15 * SECOND);
        run.over().await;
        world.job_in(client, id, State::Cancelled).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_timeout_is_kept_while_the_store_does_not_answer() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work.timeout(60 * SECOND)).start().await.unwrap();
        let client = runtime.client();
        enqueue(client, "work").await;
        let run = runs.next().await;
        let other = enqueue(client, "work").await;
        let second = runs.next().await;
        let looked = store.calls("cancellations");
        store.freeze();
        // Somebody's wish makes the engine ask a store that is silent.
        store.signal_commands();
        world
            .until("the question", async || {
                world.clock.advance(Duration::from_millis(100));
                (store.calls("cancellations") > looked).then_some(())
            })
            .await;
        world.clock.advance(60 * SECOND);
        bounded("the job to be asked to stop", run.context.cancelled()).await;
        store.thaw();
        drop((run, second));
        world
            .until("the other to end", async || {
                world.clock.advance(SECOND);
                client.job(other).await.unwrap().filter(|job| job.state != State::Running)
            })
            .await;
        stop(runtime).await;
    })
    .await;
}
