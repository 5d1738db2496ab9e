//! Three real processes on one store: what a web process enqueues is shared by two workers, also when one of them is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use crate::http::{Answer, ask};
use crate::place::{Place, on};
use crate::program::{PATIENCE, Program};

const MACHINES: &str = env!("CARGO_BIN_EXE_machines");

/// A web process, and where it listens.
struct Web {
    /// Ended with this value.
    _program: Program,
    address: String,
}

impl Web {
    fn start(place: &Place, folder: &Path) -> Self {
        let mut program = place.start(MACHINES, folder, &["web", "127.0.0.1:0"]);
        let address = listening(&mut program);
        Self { _program: program, address }
    }

    fn order(&self, parcels: usize, millis: u64) {
        let answer = ask(&self.address, "POST /parcels", &format!("parcels={parcels}&millis={millis}"));
        assert_eq!(answer.status, 303, "{answer:?}");
    }

    /// Asks for a job to be stopped, wherever it is.
    fn cancel(&self, id: &str) -> Answer {
        ask(&self.address, &format!("POST /jobs/{id}/cancel"), "")
    }

    /// Looks until what is shown is as it should be.
    fn wait_for(&self, is_so: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let report = ask(&self.address, "GET /progress", "").body;
            if is_so(&report) {
                return report;
            }
            assert!(Instant::now() < deadline, "{report}");
        }
    }
}

fn listening(program: &mut Program) -> String {
    let line = program.line("web: listening on http://");
    line.trim_start_matches("web: listening on http://").to_owned()
}

fn worker(place: &Place, folder: &Path, name: &str) -> Program {
    let mut program = place.start(MACHINES, folder, &["worker", name]);
    program.line(&format!("{name}: works"));
    program
}

/// How many parcels each worker is said to have completed.
fn completed_by(report: &str) -> BTreeMap<&str, usize> {
    let mut by = BTreeMap::new();
    for name in report.lines().filter_map(|line| line.split_once(": completed by ")).map(|(_, name)| name) {
        *by.entry(name).or_default() += 1;
    }
    by
}

/// The id of the job for a parcel.
fn id_of(report: &str, parcel: u32) -> String {
    let part = format!(" parcel {parcel}: ");
    let line = report.lines().find_map(|line| line.split_once(&part));
    line.unwrap_or_else(|| panic!("no parcel {parcel} in {report}")).0.to_owned()
}

// Not in memory, which no other process can see.
on!(sqlite, postgres: workers_share_the_work_and_a_killed_one_leaves_nothing_undone_or_done_twice);

fn workers_share_the_work_and_a_killed_one_leaves_nothing_undone_or_done_twice(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(place, folder.path());
    // In the middle of this one the worker will be killed.
    let mut north = worker(place, folder.path(), "north");
    web.order(1, 6_000);
    north.line("north: begins parcel 1");
    let long = id_of(&web.wait_for(|report| report.contains(": running")), 1);
    let mut south = worker(place, folder.path(), "south");
    web.order(40, 50);
    web.wait_for(|report| report.contains("by north") && report.contains("by south"));
    let north = north.kill();
    assert!(north.was_killed(), "{north:?}");

    let report = web.wait_for(|report| completed_by(report).values().sum::<usize>() == 41);
    let ids: BTreeSet<&str> = report.lines().filter_map(|line| line.split_once(" parcel ")).map(|(id, _)| id).collect();
    assert_eq!((ids.len(), report.matches(" parcel ").count()), (41, 41), "{report}");
    assert!(report.starts_with("0 wait, 0 run, 41 completed, 0 cancelled, 0 failed\n"), "{report}");
    assert!(report.contains(&format!("{long} parcel 1: completed by south")), "{report}");
    south.line("south: begins parcel 1");
    south.signal("TERM");
    south.end().well();
}

on!(sqlite, postgres: a_cancellation_by_http_reaches_the_process_that_runs_the_job);

fn a_cancellation_by_http_reaches_the_process_that_runs_the_job(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(place, folder.path());
    web.order(1, 600_000);
    let waiting = id_of(&web.wait_for(|report| report.starts_with("1 wait")), 1);
    assert_eq!((web.cancel(&waiting).status, web.cancel(&waiting).status), (200, 409));
    let mut north = worker(place, folder.path(), "north");
    web.order(2, 600_000);
    north.line("north: begins parcel 2");
    let running = web.wait_for(|report| report.contains(" 2 run"));
    let id = id_of(&running, 2);
    assert_eq!(web.cancel(&id).status, 202);
    north.line("north: was asked to stop parcel 2");
    let report = web.wait_for(|report| report.contains(&format!("{id} parcel 2: cancelled")));
    assert!(report.starts_with("0 wait, 1 run, 0 completed, 2 cancelled"), "{report}");
    for (wrong, status) in [("nonsense", 400), ("01890000-0000-7000-8000-000000000000", 404)] {
        assert_eq!(web.cancel(wrong).status, status, "{wrong}");
    }
}

on!(sqlite, postgres: a_pause_by_http_reaches_every_worker);

fn a_pause_by_http_reaches_every_worker(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(place, folder.path());
    let workers = [worker(place, folder.path(), "north"), worker(place, folder.path(), "south")];
    assert_eq!(ask(&web.address, "POST /pause", "").status, 303);
    web.order(20, 1);
    let report = web.wait_for(|report| report.contains("worker south holds 0"));
    assert!(report.starts_with("20 wait, 0 run, 0 completed"), "{report}");
    assert!(report.contains("\nqueue labels is paused\n"), "{report}");
    assert_eq!(ask(&web.address, "POST /resume", "").status, 303);
    let report = web.wait_for(|report| completed_by(report).values().sum::<usize>() == 20);
    assert!(!report.contains("is paused"), "{report}");
    drop(workers);
}

on!(sqlite, postgres: one_command_starts_all_three_and_one_key_stops_them);

fn one_command_starts_all_three_and_one_key_stops_them(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let program = together(place, folder.path());
    program.signal_group("INT");
    let lines = program.end().well();
    for name in ["north", "south"] {
        assert!(lines.contains(&format!("{name}: stopped")), "{lines:#?}");
    }
}

on!(sqlite: whoever_ends_the_one_command_ends_all_three);

fn whoever_ends_the_one_command_ends_all_three(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let program = together(place, folder.path());
    program.signal("TERM");
    // Its output ends when the last of them does.
    let end = program.end();
    assert_eq!((end.status.code(), &*end.errors), (Some(1), "machines: asked to end, so the others are stopped\n"), "{end:?}");
}

/// All three from one command, with their first work done.
fn together(place: &Place, folder: &Path) -> Program {
    let mut program = place.start(MACHINES, folder, &["together", "127.0.0.1:0"]);
    let address = listening(&mut program);
    for _ in program.seen.concat().matches(": works").count()..2 {
        program.line(": works");
    }
    let answer = ask(&address, "POST /parcels", "parcels=8&millis=10");
    assert_eq!(answer.status, 303, "{answer:?}");
    program.line(": has done parcel");
    program
}

#[test]
fn unknown_words_are_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let end = Program::start(MACHINES, folder.path(), &["wurker"]).end();
    assert_eq!(end.status.code(), Some(2));
    assert!(end.errors.starts_with("machines: unknown words `wurker`\nUsage: machines "), "{end:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
