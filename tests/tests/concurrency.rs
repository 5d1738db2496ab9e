//! How many jobs run at once, which of them first, and how many a process takes in advance.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jobs_core::{JobContext, NewJob, State, When};
use jobs_runtime::{BoxError, Enqueue, closure};
use tests::{Tap, World, bounded, enqueue, enqueue_many, on_every_store, script, stop};

const SECOND: Duration = Duration::from_secs(1);

/// The most that ran at once, and how many run.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    async fn through(self: Arc<Self>) -> Result<(), BoxError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

fn in_queue(queue: &'static str, number: usize) -> impl Iterator<Item = NewJob> + Send {
    (0..number).map(move |_| {
        let mut job = NewJob::new("gauged", "{}");
        job.queue = queue.into();
        job
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_limit_is_ever_exceeded() {
    on_every_store(async |world| {
        let store = world.store().await;
        let gauges: [Arc<Gauge>; 3] = std::array::from_fn(|_| Arc::default());
        let of_jobs = gauges.clone();
        let job = closure("gauged", move |context: JobContext| {
            let own = usize::from(context.queue() == "mail");
            let (all, own) = (Arc::clone(&of_jobs[2]), Arc::clone(&of_jobs[own]));
            async move {
                let (all, own) = tokio::join!(all.through(), own.through());
                all.and(own)
            }
        });
        let runtime = world.builder(&store).concurrency(6).queue("mail", 2).register(job).start().await.unwrap();
        for _ in 0..5 {
            runtime.client().enqueue_all(in_queue("mail", 100).chain(in_queue("default", 200))).await.unwrap();
        }
        world.counts("all jobs to end", runtime.client(), |counts| counts.completed == 1_500).await;
        let most = gauges.map(|gauge| gauge.most.load(Ordering::SeqCst));
        assert!(most[0] <= 6 && most[1] <= 2 && most[2] <= 6 && most[2] > 1, "{most:?}");
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn only_the_named_queues_are_served() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("gauged");
        let runtime = world.builder(&store).only_queues(["mail"]).register(work).start().await.unwrap();
        let client = runtime.client();
        let other = client.enqueue_all(in_queue("default", 1)).await.unwrap()[0];
        let mail = client.enqueue_all(in_queue("mail", 1)).await.unwrap()[0];
        let run = runs.next().await;
        assert_eq!(run.context.id(), mail);
        run.succeed();
        world.job_in(client, mail, State::Completed).await;
        assert_eq!(client.job(other).await.unwrap().unwrap().state, State::Available);
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn jobs_run_by_priority_then_by_time_then_as_they_came() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("gauged");
        let client = world.client(&store);
        let (now, early) = (world.now(), world.now() - SECOND);
        let job = |priority, at| {
            let mut job = NewJob::new("gauged", "{}");
            (job.priority, job.when) = (priority, When::At(at));
            job
        };
        let jobs = [job(0, now), job(0, now), job(5, early), job(-5, now), job(0, early)];
        let ids = client.enqueue_all(jobs).await.unwrap();
        let runtime = world.builder(&store).concurrency(1).register(work).start().await.unwrap();
        for expected in [3, 4, 0, 1, 2] {
            let run = runs.next().await;
            assert_eq!(run.context.id(), ids[expected]);
            run.succeed();
        }
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_free_slot_of_one_queue_is_used_while_another_queue_is_full() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("gauged");
        let runtime = world.builder(&store).concurrency(3).queue("mail", 1).register(work).start().await.unwrap();
        runtime.client().enqueue_all(in_queue("mail", 5).chain(in_queue("default", 5))).await.unwrap();
        let running = runs.take(3).await;
        let mut queues: Vec<&str> = running.iter().map(|run| run.context.queue()).collect();
        queues.sort_unstable();
        assert_eq!(queues, ["default", "default", "mail"]);
        drop(running);
        for _ in 0..7 {
            runs.next().await.succeed();
        }
        stop(runtime).await;
    })
    .await;
}

/// Lets a runtime learn that its jobs are short, so that it fetches ahead.
async fn teach(world: &World, store: &Arc<Tap>, runs: &mut tests::Script, client: &jobs_runtime::Client) {
    for _ in 0..3 {
        enqueue(client, "work").await;
        runs.next().await.succeed().over().await;
    }
    world.counts("the lessons to end", client, |counts| counts.live() == 0).await;
    store.looked_for_jobs_at(&world.clock).await;
}

#[tokio::test]
async fn what_was_fetched_ahead_goes_back_when_jobs_turn_out_to_be_long() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let one = world.builder(&store).concurrency(2).register(work).start().await.unwrap();
        teach(world, &store, &mut runs, one.client()).await;
        enqueue_many(one.client(), "work", 100).await;
        let long = runs.take(2).await;
        world.until("jobs to be fetched ahead", async || (one.health().fetched_ahead > 50).then_some(())).await;

        // None of the long jobs ends, and yet another process gets all others.
        let (work, mut other_runs) = script("work");
        let two = world.builder(&world.store().await).concurrency(2).register(work).start().await.unwrap();
        let others = async {
            for _ in 0..98 {
                other_runs.next().await.succeed();
            }
        };
        let time = async {
            world
                .until("the long jobs to be noticed", async || {
                    world.clock.advance(Duration::from_millis(50));
                    (one.health().fetched_ahead == 0).then_some(())
                })
                .await;
        };
        bounded("the other process to get the jobs", Box::pin(async { tokio::join!(others, time) })).await;
        drop(long);
        world.counts("all jobs to end", one.client(), |counts| counts.completed == 103).await;
        stop(one).await;
        stop(two).await;
    })
    .await;
}

#[tokio::test]
async fn a_steady_stream_of_jobs_does_not_keep_long_ones_from_being_noticed() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).concurrency(1).register(work).start().await.unwrap();
        teach(world, &store, &mut runs, runtime.client()).await;
        enqueue_many(runtime.client(), "work", 50).await;
        let long = runs.next().await;
        world.until("jobs to be fetched ahead", async || (runtime.health().fetched_ahead > 20).then_some(())).await;
        world
            .until("the long job to be noticed", async || {
                enqueue(runtime.client(), "work").await;
                world.clock.advance(Duration::from_millis(50));
                (runtime.health().fetched_ahead == 0).then_some(())
            })
            .await;
        drop((long, runs));
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_thousand_slots_drain_through_one_connection() {
    on_every_store(async |world| {
        let store = world.store().await;
        let job = closure("work", |_| async { tokio::task::yield_now().await });
        let runtime = world.builder(&store).concurrency(1_000).register(job).start().await.unwrap();
        enqueue_many(runtime.client(), "work", 5_000).await;
        world.counts("all jobs to end", runtime.client(), |counts| counts.completed == 5_000).await;
        stop(runtime).await;
    })
    .await;
}
