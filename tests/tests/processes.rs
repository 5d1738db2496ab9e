//! Real processes on one file, or on one database: killed, frozen, aborted by a job, asked to stop by signals.

use std::time::Duration;

use jobs_core::State;
use jobs_runtime::Client;
use tests::process::Worker;
use tests::{PATIENCE, World, bounded, bounded_by, enqueue, enqueue_many, finished, on_every_shared_store};

const PROGRAM: &str = env!("CARGO_BIN_EXE_worker");

/// The shortest lease that there is.
const SHORT: [&str; 2] = ["lease=3s", "heartbeat=1s"];

/// Runs a test on each store that processes can share.
async fn on_each(test: impl AsyncFn(&World, Client)) {
    on_every_shared_store(async |world| test(world, World::client_in_real_time(&world.store().await)).await).await;
}

fn start(world: &World, options: &[&str]) -> Worker {
    Worker::start(PROGRAM, world.url(), options)
}

#[tokio::test]
async fn what_a_killed_process_held_runs_at_once_in_the_next() {
    let world = World::in_file();
    let client = World::client_in_real_time(&world.store().await);
    // Its lease is far longer than this test waits.
    let mut first = start(&world, &["lease=10m"]);
    let id = enqueue(&client, "hold").await;
    first.line("hold").await;
    first.kill().await;
    let mut second = start(&world, &["lease=10m"]);
    assert_eq!(second.line("hold").await, format!("{id} 1"));
    second.say("release");
    let job = world.job_in(&client, id, State::Completed).await;
    assert_eq!((job.crashes, job.failures, job.token), (1, 0, 2));
}

#[tokio::test]
async fn what_a_killed_process_held_runs_soon_in_one_that_lives() {
    on_each(async |world, client| {
        // On a server it is found when its lease has run out; on its own host long before.
        let options = [if world.is_in_file() { "lease=10m" } else { SHORT[0] }, SHORT[1]];
        let mut first = start(world, &options);
        let ids = enqueue_many(&client, "hold", 5).await;
        for _ in &ids {
            first.line("hold").await;
        }
        let mut second = start(world, &options);
        second.line("ready").await;
        first.kill().await;
        // On probation they run one by one.
        for _ in &ids {
            second.line("hold").await;
            second.say("release");
        }
        world.counts("all jobs to end", &client, |counts| counts.completed == 5).await;
    })
    .await;
}

#[tokio::test]
async fn a_job_that_kills_its_process_is_quarantined_and_its_neighbours_are_not() {
    on_each(async |world, client| {
        let options = [SHORT[0], SHORT[1], "concurrency=8"];
        let mut worker = start(world, &options);
        let neighbours = enqueue_many(&client, "hold", 7).await;
        for _ in &neighbours {
            worker.line("hold").await;
        }
        let guilty = enqueue(&client, "abort").await;
        enqueue_many(&client, "quick", 200).await;
        let mut deaths = 0;
        bounded_by(2 * PATIENCE, "the guilty to be found", async {
            let ended = async || client.counts().await.map(|counts| counts.completed + counts.failed).unwrap();
            while ended().await < 208 {
                // The last end of all, by quarantine, is said by nobody.
                let line = tokio::time::timeout(Duration::from_millis(100), worker.next()).await;
                match line {
                    Ok(Some(line)) if line.starts_with("hold") => worker.say("release"),
                    Ok(Some(_)) | Err(_) => {}
                    Ok(None) => {
                        deaths += 1;
                        worker = start(world, &options);
                    }
                }
            }
        })
        .await;
        // Once among its neighbours, which tells nothing, and three times alone.
        assert_eq!(deaths, 4);
        let job = client.job(guilty).await.unwrap().unwrap();
        assert_eq!((job.state, job.crashes, job.failures), (State::Failed, 4, 0));
        assert!(job.error.unwrap().starts_with("quarantined"));
        let others = finished(&client).await;
        assert!(others.iter().all(|job| job.id == guilty || job.state == State::Completed));
        assert_eq!(others.len(), 208);
    })
    .await;
}

#[tokio::test]
async fn a_panic_while_another_unwinds_ends_the_process_and_is_a_crash() {
    on_each(async |world, client| {
        let mut first = start(world, &SHORT);
        let id = enqueue(&client, "unwind").await;
        first.line("unwind").await;
        assert!(!first.ended().await.success());
        // One without the job that does it, so that it stands still where the crash has put it.
        let waits = async || client.job(id).await.unwrap().filter(|job| job.crashes == 1);
        let mut second = start(world, &[SHORT[0], SHORT[1], "only_queues=others"]);
        second.line("ready").await;
        let job = world.until("the crash to be counted", waits).await;
        assert_eq!((job.state, job.failures), (State::Available, 0));
    })
    .await;
}

#[tokio::test]
async fn processes_killed_again_and_again_lose_no_job_that_was_acknowledged() {
    on_each(async |world, client| {
        let mut acknowledged = Vec::new();
        for round in 0..6 {
            let (worker, storing) = (start(world, &SHORT), start(world, &["enqueue"]));
            // At another moment in each round, somewhere between two jobs.
            acknowledged.extend(worker.killed_while_it_runs(storing, 20 + 7 * round).await);
        }
        let mut last = start(world, &SHORT);
        last.line("ready").await;
        world.all_have_completed(&client, &acknowledged).await;
    })
    .await;
}

#[tokio::test]
async fn a_frozen_process_loses_its_jobs_and_its_late_answer_changes_nothing() {
    on_each(async |world, client| {
        let mut options = SHORT.to_vec();
        options.push("health");
        let mut frozen = start(world, &options);
        frozen.line("ready").await;
        let id = enqueue(&client, "hold").await;
        frozen.line("hold").await;
        frozen.signal("STOP");
        let mut other = start(world, &options);
        other.line("hold").await;
        // The first thing that it hears when it wakes is that its job may end well.
        frozen.say("release");
        frozen.signal("CONT");
        let lost = bounded("the frozen process to find that it has lost its lease", async {
            loop {
                frozen.say("health");
                let health = frozen.line("health").await;
                if !health.starts_with("lost=0") && !health.ends_with("late=0") {
                    return health;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        assert!(lost.ends_with("late=1"), "{lost}");
        let job = client.job(id).await.unwrap().unwrap();
        assert_eq!((job.state, job.token >= 2), (State::Running, true));
        other.say("release");
        let job = world.job_in(&client, id, State::Completed).await;
        assert_eq!((job.token >= 2, job.failures), (true, 0));
    })
    .await;
}

#[tokio::test]
async fn a_process_that_is_asked_to_stop_lets_its_job_end() {
    on_each(async |world, client| {
        let mut worker = start(world, &["shutdown.drain=1m"]);
        let id = enqueue(&client, "hold").await;
        worker.line("hold").await;
        worker.signal("TERM");
        // What comes now is left to others.
        let claims_ended = bounded("the process to take no more jobs", async {
            loop {
                let late = enqueue(&client, "quick").await;
                tokio::time::sleep(Duration::from_millis(50)).await;
                if client.job(late).await.unwrap().unwrap().state == State::Available {
                    return late;
                }
            }
        })
        .await;
        worker.say("release");
        assert!(worker.ended().await.success());
        assert_eq!(client.job(id).await.unwrap().unwrap().state, State::Completed);
        assert_eq!(client.job(claims_ended).await.unwrap().unwrap().state, State::Available);
    })
    .await;
}

#[tokio::test]
async fn further_signals_cut_the_waiting_short() {
    on_each(async |world, client| {
        let mut worker = start(world, &["shutdown.drain=1h", "shutdown.grace=5m"]);
        let id = enqueue(&client, "deaf").await;
        worker.line("deaf").await;
        // Signals that come too close together are one.
        let status = bounded("the process to give up", async {
            loop {
                worker.signal("TERM");
                if let Ok(status) = tokio::time::timeout(Duration::from_millis(100), worker.ended()).await {
                    return status;
                }
            }
        })
        .await;
        assert!(status.success());
        assert!(worker.said().iter().any(|line| line.starts_with("stopped")), "it was not asked to stop");
        let job = client.job(id).await.unwrap().unwrap();
        assert_eq!((job.state, job.failures, job.crashes), (State::Available, 0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_job_that_blocks_its_thread_is_handed_back_when_its_process_is_asked_to_stop() {
    on_each(async |world, client| {
        let mut worker = start(world, &["shutdown.drain=0s", "shutdown.grace=0s"]);
        let id = enqueue(&client, "block").await;
        worker.line("block").await;
        worker.signal("TERM");
        world.job_in(&client, id, State::Available).await;
    })
    .await;
}

#[tokio::test]
async fn each_tick_fires_once_though_one_of_two_processes_is_frozen_for_a_while() {
    on_each(async |world, client| {
        let mut options = SHORT.to_vec();
        options.push("tick=1s");
        let mut one = start(world, &options);
        let mut two = start(world, &options);
        one.line("ready").await;
        two.line("ready").await;
        world.counts("a first tick", &client, |counts| counts.completed >= 1).await;
        one.signal("STOP");
        let before = client.counts().await.unwrap().completed;
        world.counts("ticks without the frozen one", &client, |counts| counts.completed >= before + 2).await;
        one.signal("CONT");
        world.counts("ticks with it", &client, |counts| counts.completed >= before + 4).await;
        drop((one, two));
        let mut ticks: Vec<_> = finished(&client).await.iter().filter_map(|job| job.tick).collect();
        ticks.sort_unstable();
        let all = ticks.len();
        ticks.dedup();
        assert_eq!(ticks.len(), all, "a tick has fired twice");
        assert!(ticks.iter().all(|tick| tick.subsec_nanosecond() == 0), "{ticks:?}");
    })
    .await;
}

/// How long the processor was at work for a process, by the system's account.
#[cfg(target_os = "linux")]
fn worked(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // After the name, which may hold anything, the fields are counted from the third.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let hundredths: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(hundredths * 10)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_idle_process_costs_next_to_no_processor_time() {
    on_each(async |world, client| {
        let mut worker = start(world, &SHORT);
        worker.line("ready").await;
        let beat = async || Some(client.store().workers().await.unwrap().first()?.renewed_at);
        let after = async |last| world.until("a heartbeat", async || beat().await.filter(|beat| Some(*beat) > last)).await;
        let first = after(None).await;
        let (before, mut last) = (worked(worker.id()), first);
        for _ in 0..5 {
            last = after(Some(last)).await;
        }
        let (work, passed) = (worked(worker.id()).saturating_sub(before), last.duration_since(first));
        // It beats five times as often as it does by default.
        assert!(work.as_millis() * 20 < passed.as_millis().unsigned_abs(), "{work:?} of {passed:?}");
    })
    .await;
}
