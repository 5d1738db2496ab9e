//! The quickstart, undisturbed.

use std::fs;
use std::path::Path;

use jobs_runtime::{JobFilter, JobPage, State};

use crate::folder::{Folder, READABLE};
use crate::place::{Place, on, wait};
use crate::program::Program;

const QUICKSTART: &str = env!("CARGO_BIN_EXE_quickstart");

/// Finished jobs of a quickstart, from its own store.
fn finished(place: &Place, folder: &Path, filter: JobFilter) -> JobPage {
    wait(async {
        let client = place.client(&folder.join("quickstart.db")).await;
        client.jobs(JobFilter { finished: true, ..filter }).await.expect("it answers")
    })
}

on!(memory, sqlite, postgres: every_file_of_a_folder_is_in_the_report_to_the_letter);

fn every_file_of_a_folder_is_in_the_report_to_the_letter(place: &Place) {
    let folder = Folder::new();
    let lines = place.start(QUICKSTART, &folder.path, &["."]).end().well();
    assert_eq!(fs::read_to_string(folder.report()).unwrap(), folder.expected());
    let first = format!("fingerprinting {} (state in ", folder.path.display());
    assert!(lines[0].starts_with(&first) && lines[0].contains(place.said()), "{lines:#?}");
    let [.., summary, report] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!(*summary, folder.summary());
    assert_eq!(*report, format!("report: {}", folder.report().display()));
    // The unreadable file alone takes longer than the second after which progress is told.
    for part in ["3,001 files found, ", "attempt 1 fails on purpose", "attempt 2 succeeds"] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:#?}");
    }
}

// Not in memory, which nobody else can look into and which ends with its process.
on!(sqlite, postgres: an_unreadable_file_is_tried_three_times_and_then_kept_as_failed);

fn an_unreadable_file_is_tried_three_times_and_then_kept_as_failed(place: &Place) {
    let folder = Folder::new();
    place.start(QUICKSTART, &folder.path, &["."]).end().well();
    let page = finished(place, &folder.path, JobFilter { state: Some(State::Failed), ..JobFilter::default() });
    let errors: Vec<_> = page.jobs.iter().map(|job| job.errors.iter().map(|error| &*error.error).collect::<Vec<_>>()).collect();
    assert_eq!(errors, [["File name too long (os error 36)"; 3]]);
}

// Not in memory, which nobody else can look into and which ends with its process.
on!(sqlite, postgres: a_start_after_the_report_fingerprints_anew);

fn a_start_after_the_report_fingerprints_anew(place: &Place) {
    let (folder, current) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let run = || place.start(QUICKSTART, current.path(), &[folder.path().to_str().unwrap()]).end().well();
    let report = || fs::read_to_string(current.path().join("report.md")).unwrap();
    fs::write(folder.path().join("a"), "first").unwrap();
    let first = run();
    assert!(report().contains("- 1 file, 5 bytes\n- 0 duplicates"), "{}", report());
    fs::write(folder.path().join("a"), "second").unwrap();
    fs::write(folder.path().join("b"), "second").unwrap();
    let second = run();
    assert!(report().contains("- 2 files, 12 bytes\n- 1 duplicate "), "{}", report());
    assert!(second[0].starts_with("fingerprinting ") && second[0] != first[0], "{first:#?} {second:#?}");
    let fingerprints = JobFilter { kind: Some("fingerprint".to_owned()), ..JobFilter::default() };
    assert_eq!(finished(place, current.path(), fingerprints).jobs.len(), 3);
}

on!(memory, sqlite, postgres: an_empty_folder_has_a_report);

fn an_empty_folder_has_a_report(place: &Place) {
    let (folder, current) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lines = place.start(QUICKSTART, current.path(), &[folder.path().to_str().unwrap()]).end().well();
    assert!(lines.contains(&"done: 0 files, 0 bytes, 0 duplicates, 0 unreadable, 0 vanished".to_owned()), "{lines:#?}");
    assert!(fs::read_to_string(current.path().join("report.md")).unwrap().contains("## Unreadable\n\nNone.\n"));
}

// Not in memory, which nobody else can look into and which ends with its process.
on!(sqlite, postgres: a_run_over_another_folder_is_ended_before_a_new_one_begins);

fn a_run_over_another_folder_is_ended_before_a_new_one_begins(place: &Place) {
    let (folder, current) = (Folder::new(), tempfile::tempdir().unwrap());
    let mut program = place.start(QUICKSTART, current.path(), &[folder.path.to_str().unwrap()]);
    program.line("attempt 1 fails on purpose");
    assert!(program.kill().was_killed());
    let other = tempfile::tempdir().unwrap();
    let lines = place.start(QUICKSTART, current.path(), &[other.path().to_str().unwrap()]).end().well();
    let at = |part: &str| lines.iter().position(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {lines:#?}"));
    assert!(at("going on with") < at(&folder.summary()));
    assert!(at(&folder.summary()) < at("fingerprinting"));
    assert!(at("fingerprinting") < at("done: 0 files"));
}

on!(memory, sqlite, postgres: served_it_stays_until_it_is_interrupted);

fn served_it_stays_until_it_is_interrupted(place: &Place) {
    let (folder, current) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut program = place.start(QUICKSTART, current.path(), &["--serve", folder.path().to_str().unwrap()]);
    program.line("press Ctrl-C to stop");
    program.signal("INT");
    program.end().well();
}

// Not in memory, which nobody else can look into and which ends with its process.
on!(sqlite, postgres: interrupted_it_says_how_to_go_on_and_goes_on);

fn interrupted_it_says_how_to_go_on_and_goes_on(place: &Place) {
    let (folder, current) = (Folder::new(), tempfile::tempdir().unwrap());
    let start = || place.start(QUICKSTART, current.path(), &[folder.path.to_str().unwrap()]);
    let mut program = start();
    program.line("attempt 1 fails on purpose");
    program.signal("INT");
    let end = program.end();
    assert_eq!(
        (end.status.code(), end.lines.last().map(String::as_str)),
        (Some(130), Some("stopped; run the same command again to go on"))
    );
    let lines = start().end().well();
    assert!(lines[0].starts_with("going on with ") && lines.contains(&folder.summary()), "{lines:#?}");
}

#[test]
fn a_wrong_command_line_leaves_nothing_behind() {
    let current = tempfile::tempdir().unwrap();
    for (words, error) in [
        (["/no/such/folder"], "quickstart: cannot open the folder `/no/such/folder`: No such file or directory (os error 2)\n"),
        (["--frobnicate"], "quickstart: unknown option `--frobnicate`\n"),
    ] {
        let end = Program::start(QUICKSTART, current.path(), &words).end();
        assert_eq!(end.status.code(), Some(2));
        assert_eq!(end.errors, format!("{error}Try `quickstart --help`.\n"));
    }
    let help = Program::start(QUICKSTART, current.path(), &["--help"]).end().well();
    assert!(help.contains(&"Usage: quickstart [FOLDER] [--serve]".to_owned()));
    assert_eq!(fs::read_dir(current.path()).unwrap().count(), 0);
}

// Not in memory, which nobody else can look into and which ends with its process.
on!(sqlite, postgres: there_is_one_job_for_each_file);

fn there_is_one_job_for_each_file(place: &Place) {
    let folder = Folder::new();
    place.start(QUICKSTART, &folder.path, &["."]).end().well();
    assert_eq!(fingerprints(place, &folder.path), READABLE + 1);
}

/// How many fingerprints have finished, each of another file.
pub(crate) fn fingerprints(place: &Place, folder: &Path) -> usize {
    let (mut files, mut jobs, mut after) = (std::collections::BTreeSet::new(), 0, Some(0));
    while let Some(from) = after {
        let filter = JobFilter { kind: Some("fingerprint".to_owned()), after: from, ..JobFilter::default() };
        let page = finished(place, folder, filter);
        jobs += page.jobs.len();
        files.extend(page.jobs.into_iter().map(|job| job.payload));
        after = page.next;
    }
    assert_eq!(files.len(), jobs, "some file has two jobs in one run");
    jobs
}
