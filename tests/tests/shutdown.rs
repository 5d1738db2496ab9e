//! The end of a runtime: in four steps, in a hurry, or without any warning.

use std::time::Duration;

use jobs_core::{JobContext, State};
use jobs_runtime::closure;
use tests::{Fault, Step, World, bounded, enqueue, enqueue_many, on_every_store, script, stop};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_job_that_ends_while_the_runtime_drains_is_recorded() {
    on_every_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let id = enqueue(&client, "work").await;
        let run = runs.next().await;
        let stopping = tokio::spawn(stop(runtime));
        tokio::task::yield_now().await;
        run.succeed();
        bounded("the shutdown", stopping).await.unwrap();
        assert_eq!(client.job(id).await.unwrap().unwrap().state, State::Completed);
        assert!(client.store().workers().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_job_enqueued_while_the_runtime_drains_is_left_to_others() {
    on_every_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        enqueue(&client, "work").await;
        let run = runs.next().await;
        let context = run.context.clone();
        run.play(Step::SucceedWhenStopped);
        let stopping = tokio::spawn(stop(runtime));
        world
            .until("the third step", async || {
                world.clock.advance(SECOND);
                context.is_cancelled().then_some(())
            })
            .await;
        let late = enqueue(&client, "work").await;
        bounded("the shutdown", stopping).await.unwrap();
        assert_eq!(client.job(late).await.unwrap().unwrap().state, State::Available);
        assert!(runs.begun().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_job_that_does_not_end_is_asked_then_dropped_and_handed_back_with_no_attempt_used() {
    on_every_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).drain(20 * SECOND).grace(5 * SECOND).register(work.retries(0)).start().await.unwrap();
        let id = enqueue(&client, "work").await;
        let run = runs.next().await;
        let context = run.context.clone();
        let mut run = run.play(Step::Hang);
        let began = world.now();
        let stopping = tokio::spawn(stop(runtime));
        let mut asked = None;
        world
            .until("the job to be dropped", async || {
                world.clock.advance(SECOND);
                asked = asked.or_else(|| context.is_cancelled().then(|| world.now()));
                run.is_over().then_some(())
            })
            .await;
        assert!(asked.unwrap().duration_since(began).as_secs() >= 20, "asked before the drain was over");
        assert!(world.now().duration_since(asked.unwrap()).as_secs() >= 4, "dropped before the grace was over");
        bounded("the shutdown", stopping).await.unwrap();
        let job = client.job(id).await.unwrap().unwrap();
        assert_eq!((job.state, job.failures, job.crashes, job.token), (State::Available, 0, 0, 1));
    })
    .await;
}

#[tokio::test]
async fn a_job_that_fails_because_it_was_asked_to_stop_is_handed_back() {
    on_every_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).drain(Duration::ZERO).register(work.retries(0)).start().await.unwrap();
        let id = enqueue(&client, "work").await;
        runs.next().await.play(Step::FailWhenStopped);
        stop(runtime).await;
        let job = client.job(id).await.unwrap().unwrap();
        assert_eq!((job.state, job.failures), (State::Available, 0));
    })
    .await;
}

#[tokio::test]
async fn jobs_fetched_ahead_are_handed_back() {
    on_every_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).concurrency(1).register(work).start().await.unwrap();
        enqueue(&client, "work").await;
        runs.next().await.succeed().over().await;
        enqueue_many(&client, "work", 30).await;
        let run = runs.next().await;
        world.until("jobs to be fetched ahead", async || (runtime.health().fetched_ahead > 0).then_some(())).await;
        let stopping = tokio::spawn(stop(runtime));
        world.counts("what waits to be handed back", &client, |counts| counts.available == 29).await;
        run.succeed();
        bounded("the shutdown", stopping).await.unwrap();
        let counts = client.counts().await.unwrap();
        assert_eq!((counts.available, counts.completed), (29, 2));
        assert!(runs.begun().is_none());
    })
    .await;
}

#[tokio::test]
async fn dropping_the_runtime_stops_it_at_once() {
    on_every_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).drain(60 * SECOND).grace(60 * SECOND).register(work).start().await.unwrap();
        let id = enqueue(&client, "work").await;
        let run = runs.next().await.play(Step::Hang);
        drop(runtime);
        run.over().await;
        let job = world.job_in(&client, id, State::Available).await;
        assert_eq!((job.failures, job.crashes), (0, 0));
        world.until("the worker to leave", async || client.store().workers().await.unwrap().is_empty().then_some(())).await;
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_that_is_given_up_goes_on_in_a_hurry() {
    on_every_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).drain(60 * SECOND).register(work).start().await.unwrap();
        let id = enqueue(&client, "work").await;
        let run = runs.next().await.play(Step::Hang);
        let stopping = tokio::spawn(stop(runtime));
        tokio::task::yield_now().await;
        stopping.abort();
        run.over().await;
        world.job_in(&client, id, State::Available).await;
    })
    .await;
}

#[test]
fn when_the_users_runtime_ends_first_its_jobs_go_back_and_the_rest_is_not_kept() {
    let users = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let own = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    own.block_on(on_every_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let (work, mut runs) = script("work");
        let users = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let builder = world.builder(&store).concurrency(1).drain(60 * SECOND).grace(60 * SECOND).register(work);
        let runtime = users.spawn(builder.start()).await.unwrap().unwrap();
        enqueue(&client, "work").await;
        runs.next().await.succeed().over().await;
        enqueue_many(&client, "work", 30).await;
        let run = runs.next().await.play(Step::Hang);
        world.until("jobs to be fetched ahead", async || (runtime.health().fetched_ahead > 0).then_some(())).await;
        users.shutdown_background();
        run.over().await;
        // Nothing is held any more, although the runtime was not asked to stop.
        world.counts("all jobs to be handed back", &client, |counts| counts.available == 30).await;
        assert_eq!((runtime.health().running, runtime.health().fetched_ahead), (0, 0));
        stop(runtime).await;
    }));
    users.shutdown_background();
}

#[tokio::test]
async fn a_shutdown_ends_although_the_store_hangs() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).drain(SECOND).grace(SECOND).register(work).start().await.unwrap();
        enqueue(runtime.client(), "work").await;
        let run = runs.next().await;
        store.freeze();
        run.succeed().over().await;
        let began = world.now();
        let mut stopping = tokio::spawn(stop(runtime));
        loop {
            world.clock.advance(SECOND);
            if tokio::time::timeout(Duration::from_millis(5), &mut stopping).await.is_ok() {
                break;
            }
            assert!(world.now().duration_since(began).as_secs() < 300, "it takes too long");
        }
        store.thaw();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_blocks_its_thread_does_not_block_the_shutdown() {
    on_every_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let (work, mut runs) = script("work");
        let runtime =
            World::builder_in_real_time(&store).drain(Duration::ZERO).grace(Duration::ZERO).register(work).start().await.unwrap();
        let id = enqueue(&client, "work").await;
        let (release, until) = std::sync::mpsc::channel();
        runs.next().await.play(Step::Block(until));
        stop(runtime).await;
        let job = client.job(id).await.unwrap().unwrap();
        assert_eq!((job.state, job.crashes), (State::Available, 0));
        drop(release);
    })
    .await;
}

#[tokio::test]
async fn a_store_that_the_caller_opened_stays_open() {
    on_every_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let job = closure("work", |_: JobContext| async {});
        let runtime = world.builder(&store).register(job).start().await.unwrap();
        assert!(runtime.health().is_well());
        let id = enqueue(&client, "work").await;
        world.job_in(&client, id, State::Completed).await;
        stop(runtime).await;
        assert_eq!(client.job(id).await.unwrap().unwrap().state, State::Completed);
    })
    .await;
}

/// What runs without a lease is dropped, and what the store still holds for the worker that it was goes back at once.
#[tokio::test]
async fn a_shutdown_right_after_a_lost_lease_leaves_nothing_behind() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).drain(SECOND).grace(SECOND).register(work).start().await.unwrap();
        let client = runtime.client().clone();
        let id = enqueue(&client, "work").await;
        let run = runs.next().await;
        let context = run.context.clone();
        let mut ending = run.play(Step::Hang);
        store.fail("heartbeat", Fault::Error, usize::MAX);
        world.pass("the lease to be lost", 10 * SECOND, async || context.is_cancelled().then_some(())).await;
        // The keeper gives what runs a minute, and the shutdown a second.
        let stopping = tokio::spawn(runtime.shutdown());
        world.pass("the end of the shutdown", SECOND / 4, async || stopping.is_finished().then_some(())).await;
        assert!(ending.is_over());
        let job = world.job_in(&client, id, State::Available).await;
        assert_eq!((job.token, job.failures, job.crashes), (1, 0, 0));
        assert!(client.store().workers().await.unwrap().is_empty());
    })
    .await;
}
