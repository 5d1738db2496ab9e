//! A wall clock that jumps: that of the host for a file, that of the server for a database.

use std::time::Duration;

use jobs_core::{NewJob, State, When};
use tests::{Run, Script, World, enqueue, on_every_store, script, stop, try_enqueue};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Lets the clock go on by steps until a run begins.
async fn next_run(world: &World, runs: &mut Script, step: Duration) -> Run {
    world
        .until("a run", async || {
            world.clock.advance(step);
            runs.begun()
        })
        .await
}

/// Lets heartbeats pass: two of three minutes or a bit more. However late they are answered, no lease of ten minutes is lost to that.
async fn two_heartbeats(world: &World, calls: impl Fn() -> u64) {
    for _ in 0..2 {
        let before = calls();
        world.clock.advance(200 * SECOND);
        world.until("a heartbeat", async || (calls() > before).then_some(())).await;
    }
}

async fn delayed(client: &jobs_runtime::Client, delay: Duration) -> jobs_core::JobId {
    let mut job = NewJob::new("work", "{}");
    job.when = When::After(delay);
    try_enqueue(client, job).await.unwrap()
}

#[tokio::test]
async fn a_clock_that_is_set_back_costs_no_lease_and_no_job() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let client = runtime.client();
        let held = enqueue(client, "work").await;
        let run = runs.next().await;
        let waiting = delayed(client, 60 * SECOND).await;
        let due = client.job(waiting).await.unwrap().unwrap().run_at;
        world.clock.set_wall(world.now() - DAY);
        two_heartbeats(world, || store.calls("heartbeat")).await;
        assert!(!run.context.is_cancelled());
        run.succeed();
        assert_eq!(world.job_in(client, held, State::Completed).await.token, 1);
        // What comes now is not kept from running by what waits for the old time.
        let next = enqueue(client, "work").await;
        let run = next_run(world, &mut runs, SECOND).await;
        assert_eq!(run.context.id(), next);
        run.succeed();
        world.job_in(client, next, State::Completed).await;
        let job = client.job(waiting).await.unwrap().unwrap();
        assert_eq!((job.state, job.run_at), (State::Scheduled, due));
        assert_eq!(runtime.health().totals.leases_lost, 0);
        world.clock.set_wall(due);
        let run = next_run(world, &mut runs, SECOND).await;
        assert_eq!(run.context.id(), waiting);
        run.succeed();
        world.job_in(client, waiting, State::Completed).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_hosts_clock_that_jumps_forward_costs_no_lease_and_what_is_due_runs() {
    for world in [World::in_memory(), World::in_file()] {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let judge = world.store().await;
        let (same, mut others) = script("work");
        let other = world.builder(&judge).concurrency(1).register(same).start().await.unwrap();
        let client = runtime.client();
        let held = enqueue(client, "work").await;
        let run = tokio::select! {
            run = runs.next() => run,
            run = others.next() => run,
        };
        let waiting = delayed(client, DAY / 2).await;
        world.clock.set_wall(world.now() + DAY);
        two_heartbeats(&world, || judge.calls("heartbeat").min(store.calls("heartbeat"))).await;
        assert!(!run.context.is_cancelled());
        let due = world
            .until("what is due to run", async || {
                world.clock.advance(SECOND);
                runs.begun().or_else(|| others.begun())
            })
            .await;
        assert_eq!(due.context.id(), waiting);
        due.succeed();
        run.succeed();
        for id in [held, waiting] {
            assert_eq!(world.job_in(client, id, State::Completed).await.token, 1);
        }
        assert_eq!([&runtime, &other].map(|runtime| runtime.health().totals.leases_lost), [0, 0]);
        stop(runtime).await;
        stop(other).await;
    }
}

#[tokio::test]
async fn a_servers_clock_that_jumps_forward_ends_leases_and_yet_each_job_completes_once() {
    let Some(world) = World::in_postgres() else { return };
    let store = world.store().await;
    let (work, mut runs) = script("work");
    let runtime = world.builder(&store).register(work).start().await.unwrap();
    let client = runtime.client();
    let id = enqueue(client, "work").await;
    let first = runs.next().await;
    world.clock.set_wall(world.now() + DAY);
    let second = next_run(&world, &mut runs, SECOND).await;
    assert_eq!((second.context.id(), second.context.attempt()), (id, 1));
    assert!(first.context.is_cancelled(), "it was not asked to stop");
    first.succeed();
    second.succeed();
    let job = world.job_in(client, id, State::Completed).await;
    assert_eq!((job.failures, job.crashes), (0, 0));
    world.until("all to be well", async || runtime.health().is_well().then_some(())).await;
    assert_eq!((runtime.health().totals.leases_lost, runtime.health().totals.completed), (1, 1));
    stop(runtime).await;
    world.clean_up().await;
}

#[tokio::test]
async fn of_the_ticks_that_a_clock_jumps_over_the_latest_fires_once() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work.every("1h")).start().await.unwrap();
        let first = next_run(world, &mut runs, 30 * SECOND).await;
        first.succeed().over().await;
        world.counts("the first to end", runtime.client(), |counts| counts.completed == 1).await;
        world.clock.set_wall(world.now() + DAY);
        let second = next_run(world, &mut runs, 30 * SECOND).await;
        let tick = second.context.tick().unwrap();
        assert!(world.now().duration_since(tick).as_secs() < 3_600, "{tick} at {}", world.now());
        second.succeed().over().await;
        world.counts("no other job", runtime.client(), |counts| counts.live() == 0).await;
        let third = next_run(world, &mut runs, 30 * SECOND).await;
        assert_eq!(third.context.tick().unwrap().duration_since(tick).as_secs(), 3_600);
        drop(third);
        stop(runtime).await;
    })
    .await;
}
