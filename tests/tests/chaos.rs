//! Twenty seconds of faults, one of them longer than a lease, on each store; `src/bin/chaos.rs` is the program, which can be run for longer.

use std::process::{Command, Output};

use tests::Cluster;

#[track_caller]
fn keeps_its_promises(store: &str) {
    let (chaos, said) = chaos(&["--store", store, "--seconds", "20"]);
    assert!(chaos.status.success(), "chaos ended with {}", chaos.status);
    assert!(number(&said, "effects") > 0, "nothing was written");
    for what in ["effects missing", "effects doubled", "effects of jobs not completed"] {
        assert_eq!(number(&said, what), 0, "{what}");
    }
}

fn chaos(arguments: &[&str]) -> (Output, String) {
    let chaos = Command::new(env!("CARGO_BIN_EXE_chaos")).args(arguments).output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&chaos.stdout), String::from_utf8_lossy(&chaos.stderr));
    println!("{said}{complained}");
    let said = said.into_owned();
    (chaos, said)
}

/// A number of the table "exactly once".
#[track_caller]
fn number(said: &str, what: &str) -> usize {
    let mut lines = said.lines().filter_map(|line| line.trim_start().strip_prefix(what));
    lines.find_map(|rest| rest.trim().parse().ok()).unwrap_or_else(|| panic!("no number of {what}"))
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

/// So that the two above could fail.
#[test]
fn effects_outside_of_the_transaction_are_found_to_be_doubled_on_sqlite() {
    let (chaos, said) = chaos(&["--store", "sqlite", "--seconds", "8", "--without", "transaction"]);
    assert_eq!(chaos.status.code(), Some(1));
    assert!(number(&said, "effects doubled") > 0 && number(&said, "effects of jobs not completed") > 0);
}
