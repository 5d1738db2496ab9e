//! Power cuts and full disks under a SQLite file, by a disk without mercy: nothing that was not synced is there afterwards.
//!
//! The disk is a few lines of C between the worker and the C library, `power/disk.c`; it is built where the tests run, on Linux.

#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;

use jobs_core::State;
use tests::process::Worker;
use tests::{World, enqueue};

const PROGRAM: &str = env!("CARGO_BIN_EXE_worker");
const DISK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/power/disk.c");

/// Builds the disk into the folder of the world.
fn disk(world: &World) -> PathBuf {
    let library = world.file().with_file_name("disk.so");
    let built = Command::new("cc").args(["-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(DISK).status();
    assert!(built.is_ok_and(|status| status.success()), "a C compiler builds {DISK}");
    library
}

/// Starts a worker on this disk.
fn start(world: &World, disk: &Path, synchronous: &str, options: &[&str]) -> Worker {
    let variables = [("LD_PRELOAD", disk.to_str().unwrap()), ("JOBS_SQLITE_SYNCHRONOUS", synchronous)];
    let own = format!("sqlite.synchronous={synchronous}");
    let options: Vec<&str> = options.iter().copied().chain([&*own]).collect();
    Worker::start_with(PROGRAM, world.url(), &options, &variables)
}

/// Puts back what the disk had: every process must be dead.
fn cut(world: &World) {
    for part in ["", "-wal", "-shm"] {
        let mut file = world.file().into_os_string();
        file.push(part);
        let mut synced = file.clone();
        synced.push(".synced");
        if std::fs::rename(&synced, &file).is_err() {
            // Nothing of it was ever synced.
            let _ = std::fs::remove_file(&file);
        }
    }
}

/// Stores and runs jobs until the power is cut; answers the jobs that the store answered for, and how many of them are there afterwards.
async fn cut_under_load(world: &World, synchronous: &str) -> (Vec<String>, usize) {
    let disk = disk(world);
    let mut worker = start(world, &disk, synchronous, &[]);
    worker.line("ready").await;
    let storing = start(world, &disk, synchronous, &["enqueue"]);
    let acknowledged = worker.killed_while_it_runs(storing, 150).await;
    cut(world);
    let client = World::client_in_real_time(&world.store().await);
    let mut kept = 0;
    for id in &acknowledged {
        kept += usize::from(client.job(id.parse().unwrap()).await.unwrap().is_some());
    }
    (acknowledged, kept)
}

#[tokio::test]
async fn a_power_cut_loses_nothing_that_was_acknowledged_when_every_commit_is_synced() {
    let world = World::in_file();
    let (acknowledged, kept) = cut_under_load(&world, "full").await;
    assert_eq!(kept, acknowledged.len());
    // And it comes back by itself.
    let client = World::client_in_real_time(&world.store().await);
    let mut worker = Worker::start(PROGRAM, world.url(), &[]);
    worker.line("ready").await;
    world.all_have_completed(&client, &acknowledged).await;
}

#[tokio::test]
async fn a_power_cut_loses_the_last_moments_and_leaves_a_sound_file_when_commits_are_not_synced() {
    let world = World::in_file();
    let (acknowledged, kept) = cut_under_load(&world, "normal").await;
    assert!(kept < acknowledged.len(), "the disk is more merciful than it should be");
    let client = World::client_in_real_time(&world.store().await);
    let mut worker = Worker::start(PROGRAM, world.url(), &[]);
    let id = enqueue(&client, "quick").await;
    worker.line("ready").await;
    world.job_in(&client, id, State::Completed).await;
    let file = rusqlite::Connection::open(world.file()).unwrap();
    let sound: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

#[tokio::test]
async fn a_full_disk_stores_nothing_and_loses_nothing_and_all_goes_on_when_there_is_room() {
    let world = World::in_file();
    let disk = disk(&world);
    let client = World::client_in_real_time(&world.store().await);
    let mut worker = start(&world, &disk, "full", &["lease=3s", "heartbeat=1s"]);
    let held = enqueue(&client, "hold").await;
    worker.line("hold").await;
    let mut storing = start(&world, &disk, "full", &["enqueue"]);
    let mut acknowledged = vec![storing.line("stored").await];
    let full = world.file().with_file_name("FULL");
    std::fs::write(&full, "").unwrap();
    // Without a heartbeat the process lets go of its job before anybody else may take it.
    worker.line("stopped").await;
    acknowledged.extend(storing.said().into_iter().filter_map(|line| Some(line.strip_prefix("stored ")?.to_owned())));
    std::fs::remove_file(&full).unwrap();
    // The same process begins anew, and stores and runs again.
    assert_eq!(worker.line("hold").await, format!("{held} 1"));
    worker.say("release");
    acknowledged.push(storing.line("stored").await);
    storing.kill().await;
    world.all_have_completed(&client, &acknowledged).await;
    let job = client.job(held).await.unwrap().unwrap();
    assert_eq!((job.state, job.failures, job.crashes), (State::Completed, 0, 0));
}
