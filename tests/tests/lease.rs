//! The lease: kept while the process lives, given up before others may take it, and what happens while the store is in trouble.

use std::time::Duration;

use jobs_core::store::JobStore;
use jobs_core::{State, WorkerId};
use jobs_runtime::env::Clock;
use jobs_runtime::health::PartStatus;
use tests::{Fault, Run, Script, Step, Tap, World, bounded, enqueue, enqueue_many, on_every_store, script, stop};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_job_that_runs_ten_times_the_lease_runs_once() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let (same, mut others) = script("work");
        let judge = world.store().await;
        let other = world.builder(&judge).register(same).start().await.unwrap();
        let id = enqueue(runtime.client(), "work").await;
        let run = bounded("a run", async {
            tokio::select! {
                run = runs.next() => run,
                run = others.next() => run,
            }
        })
        .await;
        // Ten leases of ten minutes, with a beat every three or a bit more.
        for _ in 0..30 {
            world.clock.advance(200 * SECOND);
            // A beat that was only sent could be given up when the clock moves on.
            let both = async || {
                let now = world.clock.now().wall;
                let workers = runtime.client().store().workers().await.unwrap();
                (workers.len() == 2 && workers.iter().all(|worker| worker.renewed_at >= now)).then_some(())
            };
            world.until("both to beat", both).await;
        }
        assert!(!run.context.is_cancelled());
        run.succeed();
        let job = world.job_in(runtime.client(), id, State::Completed).await;
        assert_eq!((job.token, job.crashes), (1, 0));
        let lost = [&runtime, &other].map(|runtime| runtime.health().totals.leases_lost);
        assert_eq!((lost, runs.begun().is_none() && others.begun().is_none()), ([0, 0], true));
        stop(runtime).await;
        stop(other).await;
    })
    .await;
}

#[test]
fn heartbeats_go_on_while_jobs_block_every_thread() {
    let own = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    own.block_on(on_every_store(async |world| {
        let users = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let store = world.store().await;
        let client = World::client_in_real_time(&store);
        let (work, mut runs) = script("work");
        let builder = World::builder_in_real_time(&store).register(work);
        let runtime = users.spawn(builder.start()).await.unwrap().unwrap();
        let judge = world.store().await;
        let (same, mut others) = script("work");
        let ids = enqueue_many(&client, "work", 2).await;
        let mut release = Vec::new();
        for run in runs.take(2).await {
            let (end, until) = std::sync::mpsc::channel();
            release.push(end);
            run.play(Step::Block(until));
        }
        let other = World::builder_in_real_time(&judge).register(same).start().await.unwrap();
        // Longer than the lease.
        store.more_calls("heartbeat", 5).await;
        assert!(runtime.health().no_free_runtime_thread && !runtime.health().is_well());
        assert_eq!(runtime.health().totals.leases_lost, 0);
        assert!(others.begun().is_none(), "a blocked job runs twice");
        drop(release);
        for id in ids {
            assert_eq!(world.job_in(&client, id, State::Completed).await.token, 1);
        }
        world.until("a free thread", async || (!runtime.health().no_free_runtime_thread).then_some(())).await;
        stop(runtime).await;
        stop(other).await;
        users.shutdown_background();
    }));
}

#[tokio::test]
async fn a_process_without_its_store_gives_up_its_jobs_before_others_take_them() {
    on_every_store(async |world| {
        let tap = world.store().await;
        let (work, mut runs) = script("work");
        let cut_off = world.builder(&tap).register(work).start().await.unwrap();
        let client = world.client(&world.store().await);
        let id = enqueue(&client, "work").await;
        let run = runs.next().await;
        let (same, mut others) = script("work");
        let other = world.builder(&world.store().await).register(same).start().await.unwrap();
        let context = run.context.clone();
        let mut ending = run.play(Step::Hang);
        tap.freeze();
        let second: Run = world.pass("the job to run elsewhere", 5 * SECOND, async || others.begun()).await;
        assert!(context.is_cancelled() && ending.is_over(), "it ran in two places");
        assert!(!cut_off.health().is_well());
        assert_eq!((cut_off.health().worker, cut_off.health().totals.leases_lost), (None, 1));
        second.succeed();
        let job = world.job_in(&client, id, State::Completed).await;
        assert_eq!((job.failures, job.token), (0, 2));

        tap.thaw();
        world.pass("the process to begin anew", SECOND, async || cut_off.health().worker).await;
        stop(other).await;
        enqueue(&client, "work").await;
        runs.next().await.succeed();
        world.pass("all to be well", SECOND, async || cut_off.health().is_well().then_some(())).await;
        stop(cut_off).await;
    })
    .await;
}

/// A job comes while the registration of a process has no answer yet: it runs elsewhere, and there alone.
async fn runs_elsewhere_alone(world: &World, tap: &Tap, here: &mut Script) {
    let client = world.client(&world.store().await);
    let id = enqueue(&client, "work").await;
    // Long enough for a heartbeat and a claim, and half of the lease.
    let later = world.clock.now().steady + 50 * SECOND;
    world.pass("some time", SECOND, async || (world.clock.now().steady >= later).then_some(())).await;
    let mine = here.begun();
    tap.freeze();
    let (same, mut others) = script("work");
    let other = world.builder(&world.store().await).heartbeat(10 * SECOND).register(same).start().await.unwrap();
    let elsewhere = world.pass("the job to run elsewhere", 2 * SECOND, async || others.begun()).await;
    assert!(mine.is_none_or(|run| run.context.is_cancelled()), "it runs in two places");
    elsewhere.succeed();
    let job = world.job_in(&client, id, State::Completed).await;
    assert_eq!((job.token, job.crashes), (1, 0));
    tap.thaw();
    stop(other).await;
}

/// A registration counts in the store before the process hears of it, and only then does it watch the deadline.
#[tokio::test]
async fn nothing_is_claimed_while_a_registration_has_no_answer() {
    on_every_store(async |world| {
        let tap = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&tap).lease(100 * SECOND).heartbeat(30 * SECOND).register(work).start().await.unwrap();
        tap.looked_for_jobs_at(&world.clock).await;
        // The lease is lost while the fetcher waits for an answer of its own.
        tap.fail("claim", Fault::Error, 1);
        tap.fail("reconcile", Fault::Late, 1);
        tap.fail("heartbeat", Fault::Error, usize::MAX);
        tap.fail("register", Fault::Late, 1);
        tap.signal_jobs();
        for call in ["reconcile", "register"] {
            world.pass("an answer to be late", SECOND, async || tap.is_late(call).then_some(())).await;
        }
        tap.deliver("reconcile");
        runs_elsewhere_alone(world, &tap, &mut runs).await;
        tap.mend("heartbeat");
        tap.deliver("register");
        enqueue(runtime.client(), "work").await;
        world.pass("the process to begin anew", SECOND, async || runs.begun()).await.succeed();
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn no_lease_is_renewed_while_its_registration_has_no_answer() {
    on_every_store(async |world| {
        let tap = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&tap).lease(100 * SECOND).heartbeat(30 * SECOND).register(work).start().await.unwrap();
        let store = runtime.client().store();
        // Somebody ends the worker while its heartbeat waits for the time of the next.
        let renewed = async || store.workers().await.unwrap().first().map(|worker| (worker.id, worker.renewed_at));
        let (worker, began) = renewed().await.unwrap();
        world.pass("a heartbeat", SECOND, async || renewed().await.filter(|(_, at)| *at > began)).await;
        store.leave(world.clock.now(), worker).await.unwrap();
        tap.fail("register", Fault::Late, 1);
        tap.signal_jobs();
        world.pass("a registration without an answer", SECOND, async || tap.is_late("register").then_some(())).await;
        let beats = tap.calls("heartbeat");
        runs_elsewhere_alone(world, &tap, &mut runs).await;
        assert_eq!(tap.calls("heartbeat"), beats);
        tap.deliver("register");
        enqueue(runtime.client(), "work").await;
        world.pass("the process to begin anew", SECOND, async || runs.begun()).await.succeed();
        stop(runtime).await;
    })
    .await;
}

/// What is handed back may begin elsewhere at once, so it must be gone here. What never goes is waited for within the lease.
#[test]
fn what_was_dropped_at_a_lost_lease_is_gone_before_it_is_handed_back() {
    let own = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    own.block_on(on_every_store(async |world| {
        let users = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let tap = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = users.spawn(world.builder(&tap).register(work).start()).await.unwrap().unwrap();
        let client = world.client(&world.store().await);
        let id = enqueue(&client, "work").await;
        let (dropping, dropped) = std::sync::mpsc::sync_channel(0);
        runs.next().await.play(Step::HangAndBlockInDrop(dropping));
        for call in ["heartbeat", "undisturbed"] {
            tap.fail(call, Fault::Error, usize::MAX);
        }
        let leaves = tap.calls("leave");
        world.pass("it to be handed back", 2 * SECOND, async || (tap.calls("leave") > leaves).then_some(())).await;
        // The lease of ten minutes is given up a fifth before its end: half of that is for those that stop, and half for those that go.
        assert!(world.clock.now().steady >= 600 * SECOND, "handed back at {:?}", world.clock.now().steady);
        assert!(dropped.try_recv().is_ok(), "it was never dropped");
        for call in ["heartbeat", "undisturbed"] {
            tap.mend(call);
        }
        world.pass("the job to run again", SECOND, async || runs.begun()).await.succeed();
        assert_eq!(world.job_in(&client, id, State::Completed).await.token, 2);
        stop(runtime).await;
        users.shutdown_background();
    }));
}

#[tokio::test]
async fn the_late_outcome_of_a_lost_lease_is_dropped_and_counted_and_its_crash_is_taken_back() {
    on_every_store(async |world| {
        let tap = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&tap).register(work).start().await.unwrap();
        let client = world.client(&world.store().await);
        let id = enqueue(&client, "work").await;
        let run = runs.next().await;
        let before = runtime.health().worker;
        tap.fail("complete", Fault::Hang, usize::MAX);
        tap.fail("heartbeat", Fault::Error, usize::MAX);
        run.succeed().over().await;
        world.pass("the lease to be lost", 10 * SECOND, async || (runtime.health().totals.leases_lost == 1).then_some(())).await;
        // Nobody else was there to judge: the same process begins anew and runs the job again.
        tap.mend("complete");
        tap.mend("heartbeat");
        let again = world.pass("the job to run again", SECOND, async || runs.begun()).await;
        let after = runtime.health().worker;
        assert!(after.is_some() && after != before, "{before:?} {after:?}");
        again.succeed();
        let job = world.job_in(&client, id, State::Completed).await;
        assert_eq!((job.crashes, job.failures), (0, 0));
        // The call that hangs is given up after its patience.
        let late = async || (runtime.health().totals.dropped == 1).then_some(());
        world.pass("the late outcome to be counted", 10 * SECOND, late).await;
        stop(runtime).await;
    })
    .await;
}

/// Others may end a worker that does not know it yet, where the clock of a server jumps or a process is frozen while its outcome is on its way.
#[tokio::test]
async fn a_late_outcome_takes_back_the_crash_that_was_counted_for_its_worker() {
    let world = World::in_memory();
    let tap = world.store().await;
    let (work, mut runs) = script("work");
    let runtime = world.builder(&tap).register(work).start().await.unwrap();
    let id = enqueue(runtime.client(), "work").await;
    let run = runs.next().await;
    // Nobody asks anything by which the process would learn of its end.
    tap.fail("claim", Fault::Hang, usize::MAX);
    tap.fail("abandon", Fault::Error, 1);
    let mut later = world.clock.now();
    later.steady += 1_000 * SECOND;
    let rescue = world.store().await.rescue(later, WorkerId::from_parts(1, [1; 10])).await.unwrap();
    assert_eq!((rescue.workers, rescue.freed), (1, 1));
    run.succeed().over().await;
    let taken_back = async || runtime.client().job(id).await.unwrap().filter(|job| job.crashes == 0);
    let job = world.pass("the crash to be taken back", Duration::from_millis(50), taken_back).await;
    assert_eq!((job.state, job.token, job.failures), (State::Available, 1, 0));
    world.until("it to be counted as late", async || (runtime.health().totals.stale == 1).then_some(())).await;
    assert_eq!(runtime.health().totals.leases_lost, 0, "it still does not know");
    stop(runtime).await;
}

#[tokio::test]
async fn a_store_that_fails_for_a_while_costs_no_lease_and_runs_no_job_twice() {
    on_every_store(async |world| {
        for (call, fault, times, tokens) in [
            ("claim", Fault::Error, 3, 1),
            ("claim", Fault::LoseAnswer, 1, 2),
            ("claim", Fault::Hang, 1, 1),
            ("claim", Fault::Panic, 2, 1),
            ("complete", Fault::Error, 3, 1),
            ("complete", Fault::LoseAnswer, 2, 1),
            ("complete", Fault::Hang, 1, 1),
            ("complete", Fault::Panic, 2, 1),
            ("heartbeat", Fault::Error, 2, 1),
            ("heartbeat", Fault::Hang, 1, 1),
            ("heartbeat", Fault::LoseAnswer, 1, 1),
            ("heartbeat", Fault::Panic, 1, 1),
            ("reconcile", Fault::Error, 1, 1),
            ("cancellations", Fault::Panic, 1, 1),
            ("schedules", Fault::Panic, 1, 1),
        ] {
            println!("{call} {fault:?}");
            let store = world.store().await;
            let (work, mut runs) = script("work");
            let builder = world.builder(&store).option("sqlite.busy_timeout", "30s");
            let runtime = builder.heartbeat(30 * SECOND).register(work).start().await.unwrap();
            let client = world.client(&store);
            store.looked_for_jobs_at(&world.clock).await;
            store.fail(call, fault, times);
            let beats = store.calls("heartbeat");
            let id = enqueue(&client, "work").await;
            let run = world.pass("the job to run", SECOND, async || runs.begun()).await;
            world.pass("two heartbeats", SECOND, async || (store.calls("heartbeat") > beats + 1).then_some(())).await;
            run.succeed();
            let job = world
                .pass("the job to end", SECOND, async || {
                    client.job(id).await.unwrap().filter(|job| job.state == State::Completed)
                })
                .await;
            assert_eq!((job.token, job.crashes, job.failures), (tokens, 0, 0));
            let health = world
                .pass("all to be well", SECOND, async || {
                    Some(runtime.health()).filter(|health| health.is_well() && health.totals.completed == 1)
                })
                .await;
            assert_eq!(health.totals.leases_lost, 0);
            assert!(runs.begun().is_none());
            store.mend(call);
            stop(runtime).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_heartbeat_without_an_answer_leaves_time_for_another() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        enqueue(runtime.client(), "work").await;
        let run = runs.next().await;
        let beats = store.calls("heartbeat");
        let failed = world.now();
        store.fail("heartbeat", Fault::Hang, 1);
        world.pass("two more heartbeats", 5 * SECOND, async || (store.calls("heartbeat") >= beats + 2).then_some(())).await;
        // The second was sent; that it was granted comes a little later.
        let granted = async || {
            let workers = runtime.client().store().workers().await.unwrap();
            workers.iter().any(|worker| worker.renewed_at > failed).then_some(())
        };
        world.until("the second to be granted", granted).await;
        world.clock.advance(60 * SECOND);
        store.looked_for_jobs_at(&world.clock).await;
        assert!(!run.context.is_cancelled());
        assert_eq!(runtime.health().totals.leases_lost, 0);
        run.succeed();
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_heartbeat_that_fails_is_made_again_long_before_the_next_is_due() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, _runs) = script("work");
        // Every three minutes.
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        store.fail("heartbeat", Fault::Error, 1);
        let beats = store.calls("heartbeat");
        world.pass("the heartbeat that fails", 5 * SECOND, async || (store.calls("heartbeat") > beats).then_some(())).await;
        let failed = world.clock.now().steady;
        world.pass("another heartbeat", SECOND, async || (store.calls("heartbeat") > beats + 1).then_some(())).await;
        let after = world.clock.now().steady.saturating_sub(failed);
        assert!(after < 60 * SECOND, "it came after {after:?}");
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_pruner_that_failed_once_is_well_again_long_before_its_next_round() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, _runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        let is = async |status| (runtime.health().parts["pruner"].status == status).then_some(());
        store.fail("prune", Fault::Error, 1);
        world.pass("the pruner to fail", 5 * SECOND, async || is(PartStatus::Failing).await).await;
        let failed = world.clock.now().steady;
        world.pass("the pruner to be well", SECOND / 5, async || is(PartStatus::Running).await).await;
        let after = world.clock.now().steady.saturating_sub(failed);
        assert!(after < 50 * SECOND, "it was well after {after:?}");
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_part_that_panics_is_started_anew_and_health_says_so() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        store.fail("claim", Fault::Panic, 1);
        enqueue(runtime.client(), "work").await;
        let seen = world
            .until("the panic to be shown", async || {
                let part = runtime.health().parts["fetcher"].clone();
                (part.restarts == 1).then_some(part)
            })
            .await;
        assert_eq!(seen.status, PartStatus::Failing);
        assert_eq!(seen.error.as_deref(), Some("panicked: the store panicked in `claim`"));
        assert!(!runtime.health().is_well());
        let run = world.pass("the job to run", SECOND, async || runs.begun()).await;
        run.succeed();
        world.pass("all to be well", SECOND, async || runtime.health().is_well().then_some(())).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn health_says_while_the_store_does_not_answer() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        store.looked_for_jobs_at(&world.clock).await;
        store.freeze();
        // The question for a job hangs.
        store.signal_jobs();
        world.pass("health to say so", 10 * SECOND, async || runtime.health().store_is_silent.then_some(())).await;
        assert!(!runtime.health().is_well());
        store.thaw();
        world.pass("all to be well", SECOND, async || runtime.health().is_well().then_some(())).await;
        enqueue(runtime.client(), "work").await;
        runs.next().await.succeed();
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_store_that_was_closed_is_not_well() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, _runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        jobs_core::store::JobStore::close(&*store).await.unwrap();
        store.signal_jobs();
        let fetcher = async || Some(runtime.health().parts["fetcher"].clone()).filter(|part| part.error.is_some());
        let seen = world.until("health to say so", fetcher).await;
        assert_eq!((seen.status, seen.error.as_deref()), (PartStatus::Failing, Some("the store is closed")));
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn the_outcomes_of_a_store_that_was_away_are_all_recorded() {
    on_every_store(async |world| {
        let store = world.store().await;
        let work = jobs_runtime::closure("work", |_| async {});
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        store.fail("complete", Fault::Error, 20);
        enqueue_many(runtime.client(), "work", 500).await;
        world
            .pass("all jobs to end", SECOND / 10, async || {
                (runtime.client().counts().await.unwrap().completed == 500).then_some(())
            })
            .await;
        stop(runtime).await;
    })
    .await;
}

/// A stranger that holds the write lock of the file for longer than the lease only delays.
#[tokio::test]
async fn a_foreign_writer_only_delays() {
    let world = World::in_file();
    let store = world.store().await;
    let client = World::client_in_real_time(&store);
    let (work, mut runs) = script("work");
    let runtime = World::builder_in_real_time(&store).register(work).start().await.unwrap();
    enqueue(&client, "work").await;
    let run = runs.next().await;
    let before: Option<WorkerId> = runtime.health().worker;
    let stranger = rusqlite::Connection::open(world.file()).unwrap();
    stranger.busy_timeout(10 * SECOND).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { enqueue(&client, "work").await }
    });
    // This is about real time: longer than the lease of three seconds.
    tokio::time::sleep(4 * SECOND).await;
    assert!(!run.context.is_cancelled(), "the running job was cancelled");
    stranger.execute_batch("COMMIT").unwrap();
    let next = bounded("the job that waited", waiting).await.unwrap();
    let second = runs.next().await;
    assert_eq!(second.context.id(), next);
    second.succeed();
    assert_eq!(world.job_in(&client, next, State::Completed).await.token, 1);
    store.more_calls("heartbeat", 2).await;
    assert!(!run.context.is_cancelled());
    assert_eq!((runtime.health().worker, runtime.health().totals.leases_lost), (before, 0));
    run.succeed();
    world.counts("all jobs to end", &client, |counts| counts.completed == 2).await;
    stop(runtime).await;
}

/// Idle, a process costs one transaction a heartbeat.
#[tokio::test]
async fn an_idle_process_asks_the_store_once_a_heartbeat() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (work, _runs) = script("work");
        let runtime = World::builder_in_real_time(&store).register(work).start().await.unwrap();
        store.more_calls("heartbeat", 1).await;
        let before = store.all_calls();
        store.more_calls("heartbeat", 3).await;
        let calls = store.all_calls() - before;
        assert!(calls <= 4, "{calls} calls in three heartbeats");
        stop(runtime).await;
    })
    .await;
}
