//! What schedules do while clocks change.

use crate::program::Program;

#[test]
fn fixed_times_run_once_and_intervals_follow_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let lines = Program::start(env!("CARGO_BIN_EXE_zones"), folder.path(), &[]).end().well();
    let nights: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("  2027-")).collect();
    assert_eq!(
        nights,
        [
            "03-28: 03:00 +02:00",
            "10-31: 02:30 +02:00",
            "03-14: 01:00 -05:00, 01:30 -05:00",
            "11-07: 01:00 -04:00, 01:30 -04:00, 01:00 -05:00, 01:30 -05:00, 02:00 -05:00, 02:30 -05:00",
            "04-04: 01:15 +11:00, 01:45 +11:00, 02:15 +10:30, 02:45 +10:30",
            "10-03: 01:15 +10:30, 01:45 +10:30, 02:30 +11:00, 02:45 +11:00",
        ],
        "{lines:#?}"
    );
    assert!(lines.iter().any(|line| line == "  at 02:30 every day, Europe/Berlin"), "{lines:#?}");
}
