//! An older backup is put back: what ended since then runs again, what was stored since then is gone, and everything goes on.

use std::time::Duration;

use jobs_core::State;
use jobs_runtime::Runtime;
use tests::{Script, World, enqueue, script, stop};

const HOUR: Duration = Duration::from_secs(3_600);

async fn start(world: &World) -> (Runtime, Script) {
    let (work, runs) = script("work");
    let tick = jobs_runtime::closure("tick", |_| async {}).every("1h");
    (world.builder(&world.store().await).register(work).register(tick).start().await.unwrap(), runs)
}

#[tokio::test]
async fn a_restored_backup_runs_again_what_has_ended_since_and_fires_one_of_the_ticks() {
    let world = World::in_file();
    let backup = world.file().with_file_name("backup.db");
    let (runtime, mut runs) = start(&world).await;
    let ended = enqueue(runtime.client(), "work").await;
    let run = runs.next().await;
    // While it runs.
    let file = rusqlite::Connection::open(world.file()).unwrap();
    file.execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    drop(file);
    run.succeed();
    world.job_in(runtime.client(), ended, State::Completed).await;
    let stored_since = enqueue(runtime.client(), "work").await;
    runs.next().await.succeed();
    world.job_in(runtime.client(), stored_since, State::Completed).await;
    stop(runtime).await;

    for part in ["jobs.db-wal", "jobs.db-shm"] {
        let _ = std::fs::remove_file(world.file().with_file_name(part));
    }
    std::fs::rename(&backup, world.file()).unwrap();
    for _ in 0..5 {
        world.clock.advance(HOUR);
    }
    let (runtime, mut runs) = start(&world).await;
    // Who held it has no lock here any more that would show that he is gone: his lease has to end.
    let again = world
        .until("the job to run again", async || {
            world.clock.advance(HOUR / 720);
            runs.begun()
        })
        .await;
    assert_eq!((again.context.id(), again.context.attempt()), (ended, 1));
    again.succeed();
    let job = world.job_in(runtime.client(), ended, State::Completed).await;
    assert_eq!((job.token, job.failures), (2, 0));
    assert!(runtime.client().job(stored_since).await.unwrap().is_none());
    let ticks = world.counts("a tick", runtime.client(), |counts| counts.completed == 2).await;
    assert_eq!(ticks.live(), 0);
    assert!(runtime.health().is_well());
    stop(runtime).await;
}
