//! The ticks of schedules: a table for clock changes, properties against a walker that knows only the rules, and a comparison with
//! two other crates.

mod clock_changes;
mod oracles;
mod properties;
mod random;
mod walker;

use jiff::Timestamp;

use super::{Schedule, Zone};

fn schedule(text: &str, zone: &str) -> Schedule {
    let zone = Zone::parse(zone).unwrap_or_else(|error| panic!("{error}"));
    Schedule::parse_cron(text, zone).unwrap_or_else(|error| panic!("{}", error.render(text)))
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn periods_are_counted_from_the_unix_epoch() {
    let every = Schedule::parse_every("1m30s").unwrap();
    assert_eq!(every.next_after(instant("1970-01-01T00:00:00Z")), Some(instant("1970-01-01T00:01:30Z")));
    assert_eq!(every.next_after(instant("1970-01-01T00:01:29.999Z")), Some(instant("1970-01-01T00:01:30Z")));
    assert_eq!(every.next_after(instant("1969-01-01T00:00:00Z")), Some(Timestamp::UNIX_EPOCH));
    assert_eq!(every.latest_at(instant("1970-01-01T00:02:59Z")), Some(instant("1970-01-01T00:01:30Z")));
    assert_eq!(every.latest_at(instant("1970-01-01T00:03:00Z")), Some(instant("1970-01-01T00:03:00Z")));
    assert_eq!(every.latest_at(instant("1969-12-31T23:59:59.5Z")), None);
    let fine = Schedule::parse_every("1s1ms").unwrap();
    assert_eq!(fine.next_after(instant("1970-01-01T00:00:01Z")), Some(instant("1970-01-01T00:00:01.001Z")));
}

#[test]
fn nothing_ticks_after_2099() {
    for (schedule, last) in [
        (schedule("@daily", "UTC"), "2099-12-31T00:00:00Z"),
        (schedule("* * * * *", "Asia/Tokyo"), "2099-12-31T23:59:00+09:00"),
        (schedule("0 12 1 1 *", "Pacific/Honolulu"), "2099-01-01T12:00:00-10:00"),
        (Schedule::parse_every("1d").unwrap(), "2099-12-31T00:00:00Z"),
    ] {
        let last = instant(last);
        assert_eq!(schedule.next_after(last), None);
        assert_eq!(schedule.next_after(Timestamp::MAX), None);
        assert_eq!(schedule.latest_at(Timestamp::MAX), Some(last));
        assert_eq!(schedule.latest_at(Timestamp::MIN), None);
        assert!(schedule.next_after(Timestamp::MIN).is_some());
    }
}

#[test]
fn once_has_no_ticks_of_its_own() {
    let once = schedule("@once", "UTC");
    assert_eq!(once.next_after(Timestamp::UNIX_EPOCH), None);
    assert_eq!(once.latest_at(Timestamp::MAX), None);
    assert_eq!(once.count_between(Timestamp::MIN, Timestamp::MAX, 10), 0);
}

#[test]
fn ticks_are_counted_from_after_to_until_up_to_the_limit() {
    let hourly = schedule("@hourly", "UTC");
    let (from, to) = (instant("2026-01-01T00:00:00Z"), instant("2026-01-01T05:00:00Z"));
    assert_eq!(hourly.count_between(from, to, 100), 5);
    assert_eq!(hourly.count_between(from, to, 3), 3);
    assert_eq!(hourly.count_between(to, from, 100), 0);
}

#[test]
fn day_of_month_or_weekday_suffices_unless_one_begins_with_a_star() {
    for (text, days) in [
        ("0 0 13 * FRI", ["2026-03-06", "2026-03-13", "2026-03-20", "2026-03-27"]),
        ("0 0 */12 * FRI", ["2026-03-13", "2026-05-01", "2026-09-25", "2026-11-13"]),
        ("0 0 * * FRI", ["2026-03-06", "2026-03-13", "2026-03-20", "2026-03-27"]),
        ("0 0 13 * *", ["2026-03-13", "2026-04-13", "2026-05-13", "2026-06-13"]),
        ("0 0 30 2 MON", ["2027-02-01", "2027-02-08", "2027-02-15", "2027-02-22"]),
    ] {
        let schedule = schedule(text, "UTC");
        let mut after = instant("2026-03-01T00:00:00Z");
        for day in days {
            after = schedule.next_after(after).unwrap();
            assert_eq!(after.to_string(), format!("{day}T00:00:00Z"), "{text}");
        }
    }
}
