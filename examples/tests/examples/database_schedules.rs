//! Schedules from a table.

use crate::place::{Place, on};

on!(memory, sqlite, postgres: a_table_is_loaded_edited_and_loaded_again);

fn a_table_is_loaded_edited_and_loaded_again(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let lines = place.start(env!("CARGO_BIN_EXE_database_schedules"), folder.path(), &[]).end().well();
    // What follows a title, without the ticks, which depend on today.
    let listed = |title: &str| -> Vec<&str> {
        let after = lines.iter().skip_while(|line| line.as_str() != title).skip(1);
        after.map_while(|line| line.strip_prefix("  newsletters/")).map(|line| line.split(" 2").next().unwrap_or(line)).collect()
    };
    let (cooking, markets) =
        ("cooking: at 09:00 on Saturdays, Europe/Berlin; next", "markets: at 16:30 on weekdays, America/New_York; next");
    assert_eq!(listed("the table as it was made:"), [cooking, markets, "weather: at 00:00 every day, UTC; next"], "{lines:#?}");
    let (cooking, gardens) =
        ("cooking: at 07:00 on weekends, Europe/Berlin; next", "gardens: at 06:00 on the 1st, Europe/London; next");
    assert_eq!(listed("edited:"), [cooking, gardens, markets], "{lines:#?}");
    let paused = markets.replace("next", "paused");
    assert_eq!(listed("one is paused, one has other times:"), ["cooking: every 3 hours; next", gardens, &paused], "{lines:#?}");
    assert_eq!(listed("as the table says:"), [cooking, gardens, markets], "{lines:#?}");
    assert_eq!(lines.last().map(String::as_str), Some("dropped:"));
    assert!(lines.iter().any(|line| line.starts_with("refused: ") && line.contains("newsletters/gardens")), "{lines:#?}");
}
