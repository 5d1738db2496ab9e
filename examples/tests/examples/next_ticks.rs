//! The program that tells when a schedule fires.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::program::Program;

const NEXT_TICKS: &str = env!("CARGO_BIN_EXE_next_ticks");

/// What it answers to lines on its standard input.
fn answers(lines: &[u8]) -> Vec<String> {
    let mut child = Command::new(NEXT_TICKS).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines = lines.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&lines));
    let Output { status, stdout, .. } = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(status.success(), "{status}");
    String::from_utf8(stdout).unwrap().lines().map(ToOwned::to_owned).collect()
}

#[test]
fn each_line_is_answered_by_one() {
    for (line, answer) in [
        ("0 9 * * MON-FRI\tEurope/Berlin\t2026-03-27T00:00:00Z\t2", "2026-03-27T09:00:00+01:00,2026-03-30T09:00:00+02:00"),
        ("30 2 * * *\tEurope/Berlin\t2026-03-28T22:00:00+01:00\t1", "2026-03-29T03:00:00+02:00"),
        ("*/30 1 * * *\tAmerica/New_York\t2026-11-01T01:30:00-04:00\t2", "2026-11-01T01:00:00-05:00,2026-11-01T01:30:00-05:00"),
        ("*/20 * * * * *\tUTC\t2026-01-01T00:00:00.5Z\t2", "2026-01-01T00:00:20+00:00,2026-01-01T00:00:40+00:00"),
        ("every 1500ms\tUTC\t1970-01-01T00:00:00Z\t2", "1970-01-01T00:00:01.5+00:00,1970-01-01T00:00:03+00:00"),
        ("@daily\tUTC\t2099-12-30T12:00:00Z\t5", "2099-12-31T00:00:00+00:00"),
        ("@daily\tUTC\t2100-01-01T00:00:00Z\t5", ""),
        ("@daily\tUTC\t2026-01-01T00:00:00Z\t0", ""),
    ] {
        assert_eq!(answers(line.as_bytes()), [answer], "{line}");
    }
}

#[test]
fn each_mistake_is_one_line_and_stops_nothing() {
    let long = "x".repeat(1 << 20);
    let wrong = [
        ("", "0 9 * *\tUTC\t2026-01-01T00:00:00Z\t1", "error: cron expression has 4 fields"),
        ("", "0 0 30 2 *\tUTC\t2026-01-01T00:00:00Z\t1", "error: 30 February never happens"),
        ("", "@daily\tEurope/Berlni\t2026-01-01T00:00:00Z\t1", "error: unknown time zone `Europe/Berlni`; did you mean"),
        ("", "@daily\tUTC\tyesterday\t1", "error: `yesterday` is no instant"),
        ("", "@daily\tUTC\t2026-01-01T00:00:00Z\t-1", "error: `-1` is no number of ticks from 0 to 10000"),
        ("", "@daily\tUTC\t2026-01-01T00:00:00Z\t10001", "error: `10001` is no number of ticks"),
        ("", "@once\tUTC\t2026-01-01T00:00:00Z\t1", "error: `@once` fires when it is first seen"),
        ("", "@daily UTC", "error: 1 parts instead of"),
        ("", "", "error: 1 parts instead of"),
        (&*long, "", "error: the line is longer than 65536 bytes"),
    ];
    let mut lines = Vec::new();
    for (before, line, _) in wrong {
        lines.extend([before.as_bytes(), line.as_bytes(), b"\n"].concat());
    }
    lines.extend(b"\xff\xfe\tUTC\t2026-01-01T00:00:00Z\t1\n@daily\tUTC\t2026-01-01T00:00:00Z\t1");
    let answers = answers(&lines);
    assert_eq!(answers.len(), wrong.len() + 2);
    for ((.., wanted), answer) in wrong.iter().zip(&answers) {
        assert!(answer.starts_with(wanted), "{answer}");
    }
    assert!(answers[wrong.len()].starts_with("error: "), "{answers:?}");
    assert_eq!(answers[wrong.len() + 1], "2026-01-02T00:00:00+00:00");
}

#[test]
fn with_arguments_it_prints_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["0 2 * * 1-5", "Europe/Berlin", "2026-03-26T12:00:00Z", "3"];
    let lines = Program::start(NEXT_TICKS, folder.path(), &words).end().well();
    let wanted = [
        "0 2 * * 1-5",
        "at 02:00 on weekdays, Europe/Berlin",
        "fixed times: one that the clock jumps over runs at the moment of the jump, one that the clock shows twice runs the first time only",
        "",
        "Fri  2026-03-27T02:00:00+01:00  2026-03-27T01:00:00Z",
        "Mon  2026-03-30T02:00:00+02:00  2026-03-30T00:00:00Z  the clock has changed",
        "Tue  2026-03-31T02:00:00+02:00  2026-03-31T00:00:00Z",
    ];
    assert_eq!(lines, wanted);
    let lines = Program::start(NEXT_TICKS, folder.path(), &["every 1h"]).end().well();
    assert_eq!((&*lines[0], &*lines[1], lines.len()), ("1h", "every hour", 13));
}

#[test]
fn wrong_words_are_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    for words in [&["0 9 * *"][..], &["@daily", "Moon"], &["@daily", "UTC", "soon"], &["a", "b", "c", "d", "e"]] {
        let end = Program::start(NEXT_TICKS, folder.path(), words).end();
        assert_eq!(end.status.code(), Some(2), "{words:?}");
        assert!(end.errors.starts_with("next_ticks: ") && end.errors.contains("\nUsage: next_ticks "), "{end:?}");
    }
}
