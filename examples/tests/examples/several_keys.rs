//! One job with several schedules.

use crate::place::{Place, on};

on!(memory, sqlite, postgres: each_key_has_its_own_times_and_arguments);

fn each_key_has_its_own_times_and_arguments(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let lines = place.start(env!("CARGO_BIN_EXE_several_keys"), folder.path(), &[]).end().well();
    let manifest = "morning: cron 0 8 * * MON-FRI (Europe/Berlin), evening: cron 0 20 * * * (Europe/Berlin), between: every 90m";
    assert!(lines.iter().any(|line| line.contains(manifest)), "{lines:#?}");
    for part in ["between: every 1 hour 30 minutes, arguments {", "evening: at 20:00 every day, Europe/Berlin, arguments {"] {
        assert!(lines.iter().any(|line| line.starts_with(part)), "{part}: {lines:#?}");
    }
    assert!(lines.iter().any(|line| line == "attempt 1: Good morning! Coffees: 2"), "{lines:#?}");
    let last = "on request it said `Good morning`; 1 tick of `morning` is accounted for";
    assert_eq!(lines.last().map(String::as_str), Some(last));
}
