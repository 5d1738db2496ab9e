//! Twenty seconds of faults, one of them longer than a lease, on each store; `src/bin/chaos.rs` is the program, which can be run for longer.

use std::process::Command;

use tests::Cluster;

#[track_caller]
fn keeps_its_promises(store: &str) {
    let chaos = Command::new(env!("CARGO_BIN_EXE_chaos")).args(["--store", store, "--seconds", "20"]).output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&chaos.stdout), String::from_utf8_lossy(&chaos.stderr));
    println!("{said}{complained}");
    assert!(chaos.status.success(), "chaos ended with {}", chaos.status);
}

#[test]
fn all_promises_are_kept_through_faults_on_sqlite() {
    keeps_its_promises("sqlite");
}

#[test]
fn all_promises_are_kept_through_faults_on_postgres() {
    if Cluster::is_installed() {
        keeps_its_promises("postgres");
    }
}
