//! Queues that are paused: nothing of them begins, in no process, until they are resumed.

use std::collections::BTreeSet;
use std::time::Duration;

use jobs_core::{NewJob, State, StoreError};
use jobs_runtime::Client;
use tests::{Fault, World, enqueue, enqueue_many, on_every_store, script, stop, try_enqueue};

const SECOND: Duration = Duration::from_secs(1);

/// How the clock goes on while something is waited for.
const STEP: Duration = Duration::from_millis(20);

async fn enqueue_low(client: &Client) -> jobs_core::JobId {
    let mut job = NewJob::new("work", "{}");
    job.queue = "low".into();
    try_enqueue(client, job).await.unwrap()
}

#[tokio::test]
async fn a_paused_queue_rests_while_the_others_work() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).queue("low", 4).register(work).start().await.unwrap();
        let client = runtime.client();
        assert!(client.pause_queue("low").await.unwrap());
        assert!(!client.pause_queue("low").await.unwrap(), "it is paused already");
        let waits = enqueue_low(client).await;
        for _ in 0..3 {
            let id = enqueue(client, "work").await;
            let run = runs.next().await;
            assert_eq!(run.context.id(), id);
            run.succeed();
        }
        assert_eq!(client.job(waits).await.unwrap().unwrap().state, State::Available);
        // A process that is idle when the news comes hears of it at its heartbeat.
        world.pass("health to tell", 10 * SECOND, async || (runtime.health().paused == ["low".into()]).then_some(())).await;
        assert_eq!(client.paused_queues().await.unwrap().len(), 1);
        assert!(client.resume_queue("low").await.unwrap());
        let run = world.pass("it to run", STEP, async || runs.begun()).await;
        assert_eq!(run.context.id(), waits);
        run.succeed();
        world.pass("health to tell", STEP, async || runtime.health().paused.is_empty().then_some(())).await;
        assert!(!client.resume_queue("low").await.unwrap(), "it is not paused");
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_pause_outlives_the_process_and_holds_for_those_that_start_later() {
    on_every_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        client.pause_queue("default").await.unwrap();
        let id = enqueue(&client, "work").await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&world.store().await).register(work).start().await.unwrap();
        world.pass("the process to hear of it", STEP, async || (!runtime.health().paused.is_empty()).then_some(())).await;
        assert_eq!(client.job(id).await.unwrap().unwrap().state, State::Available);
        assert!(runs.begun().is_none(), "it ran");
        client.resume_queue("default").await.unwrap();
        world.pass("it to run", STEP, async || runs.begun()).await.succeed();
        world.job_in(&client, id, State::Completed).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn what_was_fetched_ahead_goes_back_unused_and_what_runs_goes_on() {
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
        let paused_at = world.now();
        client.pause_queue("default").await.unwrap();
        let gone_back = async || (client.counts().await.unwrap().available == 19).then_some(());
        world.pass("the others to go back", STEP, gone_back).await;
        // Later they would go back anyway, because the first one is long.
        assert!(world.now().duration_since(paused_at) < jiff::SignedDuration::from_millis(250), "not because of the pause");
        assert_eq!(runtime.health().fetched_ahead, 0);
        let running = first.context.id();
        first.succeed();
        world.job_in(client, running, State::Completed).await;
        assert!(runs.begun().is_none(), "another one ran");
        client.resume_queue("default").await.unwrap();
        let mut ran = BTreeSet::from([running]);
        for _ in 0..19 {
            let run = world.pass("the others to run", STEP, async || runs.begun()).await;
            assert_eq!(run.context.attempt(), 1, "no attempt was used");
            ran.insert(run.context.id());
            run.succeed();
        }
        assert_eq!(ran, ids.into_iter().collect());
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_claim_brings_after_the_news_of_a_pause_goes_back() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let client = runtime.client();
        enqueue(client, "work").await;
        let busy = runs.next().await;
        store.fail("claim", Fault::Late, 1);
        enqueue(client, "work").await;
        world.until("the claim to be under way", async || store.is_late("claim").then_some(())).await;
        client.pause_queue("default").await.unwrap();
        world.pass("the pause to be heard of", STEP, async || (!runtime.health().paused.is_empty()).then_some(())).await;
        store.deliver("claim");
        world.pass("the job to go back", STEP, async || (client.counts().await.unwrap().available == 1).then_some(())).await;
        assert!(runs.begun().is_none(), "it ran");
        client.resume_queue("default").await.unwrap();
        world.pass("it to run", STEP, async || runs.begun()).await.succeed();
        busy.succeed();
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_pause_and_a_resume_reach_another_process_within_a_second() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let builder = World::builder_in_real_time(&store).lease(60 * SECOND).heartbeat(20 * SECOND);
        let runtime = builder.queue("low", 4).register(work).start().await.unwrap();
        // A process that has nothing to do waits for its next heartbeat.
        enqueue(runtime.client(), "work").await;
        let busy = runs.next().await;
        let other = World::client_in_real_time(&world.store().await);
        for _ in 0..3 {
            other.pause_queue("low").await.unwrap();
            let heard = world.until("it to be paused", async || (!runtime.health().paused.is_empty()).then_some(()));
            assert!(tokio::time::timeout(SECOND, heard).await.is_ok(), "a pause was not heard of within a second");
            let waits = enqueue_low(&other).await;
            // Another queue's job, enqueued later, has been claimed.
            enqueue(&other, "work").await;
            let run = runs.next().await;
            assert_ne!(run.context.id(), waits);
            run.succeed();
            other.resume_queue("low").await.unwrap();
            let run = tokio::time::timeout(SECOND, runs.next()).await;
            run.expect("a resume was not heard of within a second").succeed();
        }
        busy.succeed();
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_look_at_what_is_paused_that_fails_is_made_again() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let client = runtime.client();
        enqueue(client, "work").await;
        let busy = runs.next().await;
        for _ in 0..2 {
            let began = world.now();
            store.fail("paused", Fault::Error, 3);
            client.pause_queue("default").await.unwrap();
            let heard = async || (!runtime.health().paused.is_empty()).then_some(());
            world.pass("the pause to be found", STEP, heard).await;
            enqueue(client, "work").await;
            store.fail("paused", Fault::Error, 3);
            client.resume_queue("default").await.unwrap();
            world.pass("the resume to be found", STEP, async || runs.begun()).await.succeed();
            let took = world.now().duration_since(began);
            assert!(took < jiff::SignedDuration::from_secs(60), "not before a heartbeat: {took:#}");
        }
        busy.succeed();
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn an_idle_process_finds_a_pause_at_its_heartbeat() {
    on_every_store(async |world| {
        let store = world.store().await;
        let runtime = world.builder(&store).register(script("work").0).start().await.unwrap();
        world.pass("what was paused at the start", STEP, async || (store.calls("paused") > 0).then_some(())).await;
        let looked = store.calls("paused");
        for _ in 0..10 {
            store.signal_commands();
            world.clock.advance(SECOND);
            store.more_calls("schedules", 0).await;
        }
        assert_eq!(store.calls("paused"), looked, "news alone is no reason to ask");
        runtime.client().pause_queue("default").await.unwrap();
        world.pass("a heartbeat", 10 * SECOND, async || (!runtime.health().paused.is_empty()).then_some(())).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_name_that_no_queue_can_have_is_refused() {
    on_every_store(async |world| {
        let client = world.client(&world.store().await);
        for name in ["", "a b", "low\0"] {
            for refused in [client.pause_queue(name).await, client.resume_queue(name).await] {
                let Err(StoreError::Refused { message, .. }) = refused else { panic!("{name:?} was taken") };
                assert!(message.contains("queue name"), "{message}");
            }
        }
        assert!(client.paused_queues().await.unwrap().is_empty());
    })
    .await;
}
