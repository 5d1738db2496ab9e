//! The table of clock changes in the guide: made by the code, and kept to it. `UPDATE=1` writes it anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jobs_runtime::schedule::{Schedule, Zone};

const FIRST: &str = "//! | schedule | zone | the clock | ticks of that night |\n";
const LAST: &str = "//!\n//! (Made by the code.)\n";

/// L8: nights on which the clock is set forward or back, each by the zone, what happens, and the first and the last instant to look at.
const NIGHTS: [(&str, &str, &str, &str); 6] = [
    ("Europe/Berlin", "2027-03-28, 02:00 to 03:00", "2027-03-27T23:59:59Z", "2027-03-28T02:00:00Z"),
    ("Europe/Berlin", "2027-10-31, 03:00 to 02:00", "2027-10-30T22:59:59Z", "2027-10-31T02:30:00Z"),
    ("America/New_York", "2027-03-14, 02:00 to 03:00", "2027-03-14T05:59:59Z", "2027-03-14T08:00:00Z"),
    ("America/New_York", "2027-11-07, 02:00 to 01:00", "2027-11-07T04:59:59Z", "2027-11-07T07:30:00Z"),
    ("Australia/Lord_Howe", "2027-10-03, 02:00 to 02:30", "2027-10-02T14:29:59Z", "2027-10-02T16:30:00Z"),
    ("Australia/Lord_Howe", "2027-04-04, 02:00 to 01:30", "2027-04-03T13:59:59Z", "2027-04-03T16:00:00Z"),
];

const SCHEDULES: [&str; 4] = ["30 2 * * *", "15 1,2 * * *", "*/30 * * * *", "45 */2 * * *"];

fn table() -> String {
    let mut table = FIRST.to_owned() + "//! |---|---|---|---|\n";
    for (zone, change, after, until) in NIGHTS {
        let zone = Zone::parse(zone).unwrap();
        let (after, until): (Timestamp, Timestamp) = (after.parse().unwrap(), until.parse().unwrap());
        for text in SCHEDULES {
            let schedule = Schedule::parse_cron(text, zone.clone()).unwrap();
            let ticks = std::iter::successors(schedule.next_after(after), |tick| schedule.next_after(*tick));
            let shown: Vec<String> = ticks
                .take_while(|tick| *tick <= until)
                .map(|tick| tick.to_zoned(zone.time_zone().clone()).strftime("%H:%M%:z").to_string())
                .collect();
            let shown = if shown.is_empty() { "none".to_owned() } else { shown.join(", ") };
            let _ = writeln!(table, "//! | `{text}` | {zone} | {change} | {shown} |");
        }
    }
    table + LAST
}

#[test]
fn the_table_of_clock_changes_is_what_the_code_says() {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jobs-runtime/src/guide/schedules.rs");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(FIRST).expect("the table is on the page");
    let (_, after) = rest.split_once(LAST).expect("the table has an end");
    let right = format!("{before}{}{after}", table());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, right).unwrap();
    } else {
        assert!(page == right, "the table is not what the code says:\n{}", table());
    }
}
