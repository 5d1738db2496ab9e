//! The console program: all its schedules fire.

use crate::place::{Place, on};
use crate::program::Program;

const CONSOLE: &str = env!("CARGO_BIN_EXE_console");

on!(memory, sqlite, postgres: every_schedule_of_the_console_program_fires);

fn every_schedule_of_the_console_program_fires(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let lines = place.start(CONSOLE, folder.path(), &["--for", "3s"]).end().well();
    let times = |part: &str| lines.iter().filter(|line| line.starts_with(part)).count();
    assert_eq!(times("clean_up: attempt 1 for "), 1, "{lines:#?}");
    assert!(times("greet: hello at an even second") >= 1, "{lines:#?}");
    assert!(times("tick: a closure, as tick") >= 2, "{lines:#?}");
    assert!(times("count: 1") == 1 && times("count: 2") == 1, "{lines:#?}");
    assert_eq!(times(&format!("jobs: 4 kinds on {}", place.name())), 1, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("cron 0 2 * * * (Europe/Berlin), on start")), "{lines:#?}");
    assert!(lines.last().is_some_and(|line| line.starts_with("stopped after ")), "{lines:#?}");
}

#[test]
fn a_wrong_time_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let end = Program::start(CONSOLE, folder.path(), &["--for", "soon"]).end();
    assert_eq!(end.status.code(), Some(2));
    assert_eq!(end.errors, "console: `soon` is no number of seconds such as `3s`\nUsage: console [--for 3s]\n");
}

on!(memory, sqlite, postgres: without_a_limit_it_stops_in_order_when_asked);

fn without_a_limit_it_stops_in_order_when_asked(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let mut program = place.start(CONSOLE, folder.path(), &[]);
    program.line("count: 1");
    program.signal("TERM");
    let end = program.end();
    assert!(end.status.success() && end.errors.starts_with(&format!("jobs: 4 kinds on {}", place.name())), "{end:#?}");
}
