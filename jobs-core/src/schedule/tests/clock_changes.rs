//! Clock changes, one line a case, as cronie treats them.

use jiff::Timestamp;

use super::{instant, schedule};

/// Checks that after `after` the ticks are `expected`, and that going back from each gives the one before.
fn check(zone: &str, text: &str, after: &str, expected: &[&str]) {
    let schedule = schedule(text, zone);
    let mut before: Option<Timestamp> = None;
    let mut at = instant(after);
    for expected in expected {
        let tick = schedule.next_after(at).unwrap();
        let shown = tick.to_zoned(schedule.zone().time_zone().clone());
        assert_eq!(shown.strftime("%m-%d %H:%M:%S %:z").to_string(), *expected, "{text} in {zone} after {at}");
        assert_eq!(schedule.latest_at(tick), Some(tick), "{text} in {zone}");
        if before.is_some() {
            let just_before = Timestamp::from_nanosecond(tick.as_nanosecond() - 1).unwrap();
            assert_eq!(schedule.latest_at(just_before), before, "{text} in {zone} before {tick}");
        }
        before = Some(tick);
        at = tick;
    }
}

#[test]
fn berlin_skips_an_hour_in_march() {
    let zone = "Europe/Berlin";
    let eve = "2027-03-27T12:00:00+01:00";
    let night = "2027-03-28T01:00:00+01:00";
    check(zone, "30 2 * * *", eve, &["03-28 03:00:00 +02:00", "03-29 02:30:00 +02:00"]);
    check(zone, "0 2,3 * * *", eve, &["03-28 03:00:00 +02:00", "03-29 02:00:00 +02:00", "03-29 03:00:00 +02:00"]);
    check(zone, "0-59 2 * * *", night, &["03-28 03:00:00 +02:00", "03-29 02:00:00 +02:00", "03-29 02:01:00 +02:00"]);
    check(zone, "*/10 30 2 * * *", night, &["03-28 03:00:00 +02:00", "03-29 02:30:00 +02:00", "03-29 02:30:10 +02:00"]);
    check(zone, "*/30 * * * *", night, &["03-28 01:30:00 +01:00", "03-28 03:00:00 +02:00", "03-28 03:30:00 +02:00"]);
    check(zone, "*/30 2 * * *", night, &["03-29 02:00:00 +02:00", "03-29 02:30:00 +02:00"]);
    check(zone, "0 */2 * * *", night, &["03-28 04:00:00 +02:00", "03-28 06:00:00 +02:00"]);
}

#[test]
fn berlin_repeats_an_hour_in_october() {
    let zone = "Europe/Berlin";
    let night = "2027-10-31T01:00:00+02:00";
    let second_pass = "2027-10-31T02:10:00+01:00";
    check(zone, "30 2 * * *", night, &["10-31 02:30:00 +02:00", "11-01 02:30:00 +01:00"]);
    check(zone, "30 2 * * *", second_pass, &["11-01 02:30:00 +01:00"]);
    check(zone, "30 2,3 * * *", second_pass, &["10-31 03:30:00 +01:00", "11-01 02:30:00 +01:00"]);
    check(zone, "0 3 * * *", second_pass, &["10-31 03:00:00 +01:00", "11-01 03:00:00 +01:00"]);
    check(
        zone,
        "*/30 * * * *",
        "2027-10-31T01:59:00+02:00",
        &[
            "10-31 02:00:00 +02:00",
            "10-31 02:30:00 +02:00",
            "10-31 02:00:00 +01:00",
            "10-31 02:30:00 +01:00",
            "10-31 03:00:00 +01:00",
        ],
    );
    check(zone, "*/15 * * * *", second_pass, &["10-31 02:15:00 +01:00", "10-31 02:30:00 +01:00"]);
    check(
        zone,
        "*/40 2 * * *",
        "2027-10-31T02:50:00+02:00",
        &["10-31 02:00:00 +01:00", "10-31 02:40:00 +01:00", "11-01 02:00:00 +01:00"],
    );
}

#[test]
fn new_york_skips_an_hour_in_march_and_repeats_one_in_november() {
    let zone = "America/New_York";
    check(zone, "30 2 * * *", "2026-03-07T12:00:00-05:00", &["03-08 03:00:00 -04:00", "03-09 02:30:00 -04:00"]);
    check(zone, "30 1 * * *", "2026-10-31T12:00:00-04:00", &["11-01 01:30:00 -04:00", "11-02 01:30:00 -05:00"]);
    check(zone, "0 1,13 * * *", "2026-11-01T00:00:00-04:00", &["11-01 01:00:00 -04:00", "11-01 13:00:00 -05:00"]);
    check(
        zone,
        "*/30 1 * * *",
        "2026-11-01T00:00:00-04:00",
        &[
            "11-01 01:00:00 -04:00",
            "11-01 01:30:00 -04:00",
            "11-01 01:00:00 -05:00",
            "11-01 01:30:00 -05:00",
            "11-02 01:00:00 -05:00",
        ],
    );
    check(zone, "*/15 * * * *", "2026-11-01T01:10:00-05:00", &["11-01 01:15:00 -05:00"]);
}

#[test]
fn lord_howe_moves_by_half_an_hour() {
    let zone = "Australia/Lord_Howe";
    let spring = "2026-10-04T01:00:00+10:30";
    let autumn = "2026-04-05T01:00:00+11:00";
    check(zone, "10 2 * * *", spring, &["10-04 02:30:00 +11:00", "10-05 02:10:00 +11:00"]);
    check(zone, "10,30 2 * * *", spring, &["10-04 02:30:00 +11:00", "10-05 02:10:00 +11:00", "10-05 02:30:00 +11:00"]);
    check(zone, "*/15 * * * *", "2026-10-04T01:45:00+10:30", &["10-04 02:30:00 +11:00", "10-04 02:45:00 +11:00"]);
    check(zone, "45 1 * * *", autumn, &["04-05 01:45:00 +11:00", "04-06 01:45:00 +10:30"]);
    check(zone, "30 2 * * *", "2026-04-05T00:40:00+10:30", &["04-05 02:30:00 +10:30", "04-06 02:30:00 +10:30"]);
    check(
        zone,
        "*/15 * * * *",
        "2026-04-05T01:30:00+11:00",
        &["04-05 01:45:00 +11:00", "04-05 01:30:00 +10:30", "04-05 01:45:00 +10:30"],
    );
}

#[test]
fn sao_paulo_skipped_and_repeated_midnight() {
    let zone = "America/Sao_Paulo";
    check(zone, "0 0 * * *", "2018-11-03T12:00:00-03:00", &["11-04 01:00:00 -02:00", "11-05 00:00:00 -02:00"]);
    check(zone, "@hourly", "2018-11-03T22:30:00-03:00", &["11-03 23:00:00 -03:00", "11-04 01:00:00 -02:00"]);
    check(zone, "30 23 * * *", "2018-02-17T12:00:00-02:00", &["02-17 23:30:00 -02:00", "02-18 23:30:00 -03:00"]);
}

#[test]
fn samoa_ran_the_skipped_day_once_at_the_jump() {
    check(
        "Pacific/Apia",
        "0 12 * * *",
        "2011-12-29T00:00:00-10:00",
        &["12-29 12:00:00 -10:00", "12-31 00:00:00 +14:00", "12-31 12:00:00 +14:00"],
    );
}
