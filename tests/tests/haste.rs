//! Twenty minutes of schedules in twelve seconds, on eight processes that are frozen and killed, on each store; `src/bin/haste.rs` is the program,
//! which can be run for longer.

use std::process::{Command, Output};

use tests::Cluster;

fn haste(arguments: &[&str]) -> (Output, String) {
    let haste = Command::new(env!("CARGO_BIN_EXE_haste")).args(arguments).output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&haste.stdout), String::from_utf8_lossy(&haste.stderr));
    println!("{said}{complained}");
    let summary = said.lines().last().unwrap_or_default().to_owned();
    (haste, summary)
}

#[track_caller]
fn deals_with_each_tick_once(store: &str) {
    let (haste, summary) = haste(&["--store", store, "--seconds", "12"]);
    assert!(haste.status.success(), "haste ended with {}", haste.status);
    assert!(summary.contains(" doubled 0, missed 0, early 0, against their policy 0;"), "{summary}");
}

#[test]
fn each_tick_is_dealt_with_once_on_sqlite() {
    deals_with_each_tick_once("sqlite");
}

#[test]
fn each_tick_is_dealt_with_once_on_postgres() {
    if Cluster::is_installed() {
        deals_with_each_tick_once("postgres");
    }
}

#[test]
fn a_store_without_the_compare_and_swap_is_found_to_double_ticks() {
    let (haste, summary) = haste(&["--store", "sqlite", "--seconds", "5", "--without", "compare-and-swap"]);
    assert_eq!(haste.status.code(), Some(1), "{summary}");
    assert!(summary.contains(" doubled ") && !summary.contains(" doubled 0,"), "{summary}");
}
