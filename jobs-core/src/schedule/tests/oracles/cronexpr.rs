//! The crate cronexpr, which has five fields and stands on jiff.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

use jiff::tz::TimeZone;
use jiff::{RoundMode, Span, Timestamp, ToSpan, Unit, Zoned, ZonedRound};
use proptest::strategy::Strategy;

use super::case::{Case, any_case, collect, instant};
use super::difference::Difference::{
    self, AllFollowTheWall, GivesUpAfterFourYears, GoesOnAfter2099, NeverEnds, RefusesAFullStep, RefusesARangeUpToSunday,
    RefusesNicknames, StepsOverOddChanges,
};
use super::{Example, Oracle};
use crate::schedule::calendar::Calendar;
use crate::schedule::clock::{fixed, interval};
use crate::schedule::cron::{CronExpr, Field};

struct Cronexpr;

const DAY: i64 = 86_400;

/// How long an answer is waited for that should come at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long no answer comes from a search that is said never to end. Others take milliseconds.
const NEVER: Duration = Duration::from_secs(2);

impl Oracle for Cronexpr {
    const DIFFERENCES: &'static [Difference] = &[AllFollowTheWall, StepsOverOddChanges, NeverEnds, GivesUpAfterFourYears];

    /// It is not asked where its walk never ends. Should it not end elsewhere, the thread that asks is left behind, and the test fails.
    fn ticks(case: &Case) -> Option<Vec<i64>> {
        let Case { text, zone, after } = case.clone();
        let cron = cronexpr::parse_crontab(&format!("{text} {zone}")).ok()?;
        let expr = case.expr();
        let (answer, answers) = mpsc::channel();
        let asking = move || {
            let ticks = collect(after, |after| {
                if walk(&expr, zone.time_zone(), after) == Walk::NeverEnds {
                    return None;
                }
                cron.find_next(instant(after)).ok().map(|next| next.timestamp().as_second())
            });
            let _ = answer.send(ticks);
        };
        thread::spawn(asking);
        Some(answers.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{case}: no answer, and none of our rules says so")))
    }

    fn refusal(case: &Case) -> Option<Difference> {
        if case.text.starts_with('@') {
            return Some(RefusesNicknames);
        }
        let items = |at: usize| case.fields()[at].split(',').map(str::to_ascii_uppercase).collect::<Vec<_>>();
        let full_step = |at: usize, step: &str| items(at).iter().any(|item| item.ends_with(step));
        if full_step(0, "/60") || full_step(1, "/24") {
            return Some(RefusesAFullStep);
        }
        let up_to_sunday = |item: &String| item.ends_with("-SUN") && !["SUN-SUN", "0-SUN"].contains(&item.as_str());
        items(4).iter().any(up_to_sunday).then_some(RefusesARangeUpToSunday)
    }

    fn recomputed(case: &Case, differences: &[Difference]) -> Vec<i64> {
        let (expr, zone) = (case.expr(), &case.zone);
        let calendar = Calendar::new(&expr);
        collect(case.after, |after| {
            let wall_only = !expr.is_fixed() || differences.contains(&AllFollowTheWall);
            let next = if wall_only { interval::next(&calendar, zone, after) } else { fixed::next(&calendar, zone, after) };
            let walked = walk(&expr, zone.time_zone(), after);
            match walked {
                Walk::Found(tick) if differences.contains(&StepsOverOddChanges) && odd_change(zone.time_zone(), after, next) => {
                    Some(tick)
                }
                Walk::NeverEnds if differences.contains(&NeverEnds) && odd_change(zone.time_zone(), after, next) => None,
                Walk::GivesUp if differences.contains(&GivesUpAfterFourYears) => {
                    next.filter(|next| instant(*next) <= four_years_after(zone.time_zone(), after).timestamp())
                }
                _ => next,
            }
        })
    }
}

/// Whether rounding down on the wall may lead astray: from a day before `after` to a day after `until`, the clock changes at a minute
/// other than 0, or to one, or is set back into the day before, or forward from the evening of a day into the next.
fn odd_change(zone: &TimeZone, after: i64, until: Option<i64>) -> bool {
    let until = until.unwrap_or(i64::MAX).saturating_add(DAY);
    let wall = |second: i64| second + i64::from(zone.to_offset(instant(second)).seconds());
    zone.following(instant(after - DAY))
        .map(|change| change.timestamp().as_second())
        .take_while(|change| *change <= until)
        .map(|change| (wall(change - 1) + 1, wall(change)))
        .any(|(end, start)| end % 3_600 != 0 || start % 3_600 != 0 || (end - 1) / DAY > start / DAY || end / DAY < start / DAY)
}

fn four_years_after(zone: &TimeZone, after: i64) -> Zoned {
    &instant(after).to_zoned(zone.clone()) + 4.years()
}

/// How a walk of cronexpr ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walk {
    Found(i64),
    GivesUp,
    NeverEnds,
}

/// The steps of cronexpr: to the next month, day, hour or minute as long as the one at hand does not match, each rounded down on the wall.
/// A step may thus lead back in time. The one that does so twice will do so for ever.
fn walk(expr: &CronExpr, zone: &TimeZone, after: i64) -> Walk {
    let bound = four_years_after(zone, after);
    let mut at = step(&instant(after).to_zoned(zone.clone()), 1.minute(), Unit::Minute);
    let mut steps_back: HashSet<Timestamp> = HashSet::new();
    while at <= bound {
        let has = |field, value: i8| expr.contains(field, value.unsigned_abs());
        let day = has(Field::DayOfMonth, at.day());
        let weekday = has(Field::DayOfWeek, at.weekday().to_sunday_zero_offset());
        let next = if !has(Field::Month, at.month()) {
            step(&at, (at.days_in_month() - at.day() + 1).days(), Unit::Day)
        } else if !(if expr.either_day() { day || weekday } else { day && weekday }) {
            step(&at, 1.day(), Unit::Day)
        } else if !has(Field::Hour, at.hour()) {
            step(&at, 1.hour(), Unit::Hour)
        } else if !has(Field::Minute, at.minute()) {
            step(&at, 1.minute(), Unit::Minute)
        } else {
            return Walk::Found(at.timestamp().as_second());
        };
        if next <= at && !steps_back.insert(at.timestamp()) {
            return Walk::NeverEnds;
        }
        at = next;
    }
    Walk::GivesUp
}

fn step(at: &Zoned, by: Span, unit: Unit) -> Zoned {
    (at + by).round(ZonedRound::new().mode(RoundMode::Trunc).smallest(unit)).unwrap()
}

#[test]
fn cronexpr_differs_only_as_explained() {
    let five_fields = |mut case: Case| {
        let fields = case.fields();
        if fields.len() == 6 {
            case.text = fields[1..].join(" ");
        }
        case
    };
    super::compare::<Cronexpr>("cronexpr", 3_000, any_case().prop_map(five_fields), AllFollowTheWall);
}

/// Searches that never end, each asked for in a thread of another process, which is killed.
#[test]
fn searches_of_cronexpr_go_round_at_odd_changes() {
    if env::var_os(ASKS).is_some() {
        return ask_all();
    }
    let name = concat!(module_path!(), "::searches_of_cronexpr_go_round_at_odd_changes");
    let name = name.split_once("::").unwrap().1;
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", name, "--nocapture"]).env(ASKS, "1").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (line, lines) = mpsc::channel();
    thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|text| line.send(text)));
    let asked = std::iter::from_fn(|| lines.recv_timeout(PATIENCE).ok()).any(|line| line == ASKED);
    let answered = std::iter::from_fn(|| lines.recv_timeout(NEVER).ok()).next();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(asked, "the other process has not asked");
    assert_eq!(answered, None, "if this search ends now, `NeverEnds` can go");
}

/// Tells the other process what it is for.
const ASKS: &str = "JOBS_TEST_ASKS_CRONEXPR";

const ASKED: &str = "all are asked";

/// In the other process: asks for all, and says of each that is answered what came. It ends by itself, should it not be killed.
fn ask_all() {
    let (answer, answers) = mpsc::channel();
    for &(text, zone, after) in ENDLESS {
        let cron = cronexpr::parse_crontab(&format!("{text} {zone}")).unwrap();
        let answer = answer.clone();
        let after: Timestamp = after.parse().unwrap();
        thread::spawn(move || answer.send(format!("`{text}` in {zone} after {after}: {:?}", cron.find_next(after))));
    }
    println!("\n{ASKED}");
    if let Ok(text) = answers.recv_timeout(PATIENCE) {
        println!("{text}");
    }
}

const ENDLESS: &[(&str, &str, &str)] = &[
    ("30 2 * * *", "Australia/Lord_Howe", "2026-04-04T14:10:00Z"),
    ("*/15 2 * * 0", "Australia/Lord_Howe", "1999-03-26T05:31:19Z"),
    ("47 0,12 26 * *", "America/St_Johns", "2003-10-26T00:54:35Z"),
];

#[test]
fn the_walk_knows_searches_without_end_and_those_beside_them() {
    let walked = |text: &str, zone: &str, after: &str| {
        let zone = TimeZone::get(zone).unwrap();
        walk(&CronExpr::parse(text).unwrap(), &zone, after.parse::<Timestamp>().unwrap().as_second())
    };
    for &(text, zone, after) in ENDLESS {
        assert_eq!(walked(text, zone, after), Walk::NeverEnds, "{text} in {zone}");
    }
    let found = |text: &str| Walk::Found(text.parse::<Timestamp>().unwrap().as_second());
    for (text, after, next) in [
        // The search begins in the repeated half hour.
        ("30 2 * * *", "2026-04-05T01:30:00+11:00", "2026-04-05T02:30:00+10:30"),
        // It need not pass the hour.
        ("30 1,2 * * *", "2026-04-05T01:10:00+11:00", "2026-04-05T01:30:00+11:00"),
        ("30 2 * * MON", "2026-04-05T01:10:00+11:00", "2026-04-06T02:30:00+10:30"),
        ("30 0 * * *", "2026-04-05T00:10:00+11:00", "2026-04-05T00:30:00+11:00"),
    ] {
        assert_eq!(walked(text, "Australia/Lord_Howe", after), found(next), "{text} after {after}");
        let cron = cronexpr::parse_crontab(&format!("{text} Australia/Lord_Howe")).unwrap();
        let answer = cron.find_next(after.parse::<Timestamp>().unwrap()).unwrap();
        assert_eq!(answer.timestamp(), next.parse().unwrap(), "{text} after {after}");
    }
}

#[test]
fn each_difference_of_cronexpr_has_an_example() {
    let others = [RefusesNicknames, RefusesAFullStep, RefusesARangeUpToSunday, GoesOnAfter2099];
    super::check::<Cronexpr>(&[Cronexpr::DIFFERENCES, &others].concat(), EXAMPLES);
}

const EXAMPLES: &[Example] = &[
    (RefusesNicknames, "@daily", "UTC", "2027-01-01T00:00:00Z", &["2027-01-02 00:00:00 +00:00"], &[]),
    (RefusesAFullStep, "*/60 * * * *", "UTC", "2027-01-01T00:00:00Z", &["2027-01-01 01:00:00 +00:00"], &[]),
    (RefusesARangeUpToSunday, "0 0 * * FRI-SUN", "UTC", "2027-01-01T00:00:00Z", &["2027-01-02 00:00:00 +00:00"], &[]),
    (
        AllFollowTheWall,
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00+01:00",
        &["2026-03-29 03:00:00 +02:00", "2026-03-30 02:30:00 +02:00"],
        &["2026-03-30 02:30:00 +02:00"],
    ),
    (
        AllFollowTheWall,
        "30 1 * * *",
        "America/New_York",
        "2026-11-01T00:00:00-04:00",
        &["2026-11-01 01:30:00 -04:00", "2026-11-02 01:30:00 -05:00"],
        &["2026-11-01 01:30:00 -04:00", "2026-11-01 01:30:00 -05:00", "2026-11-02 01:30:00 -05:00"],
    ),
    (
        StepsOverOddChanges,
        "*/15 3 * * SUN",
        "Pacific/Chatham",
        "2025-09-27T00:00:00Z",
        &["2025-09-28 03:45:00 +13:45", "2025-10-05 03:00:00 +13:45"],
        &["2025-10-05 03:00:00 +13:45"],
    ),
    (
        StepsOverOddChanges,
        "59 22 * * SAT",
        "America/Nuuk",
        "2025-03-28T23:58:59-02:00",
        &["2025-03-29 22:59:00 -02:00", "2025-04-05 22:59:00 -01:00"],
        &["2025-04-05 22:59:00 -01:00"],
    ),
    (
        StepsOverOddChanges,
        "59 1 * * FRI",
        "Antarctica/Casey",
        "2010-03-04T23:00:00+08:00",
        &["2010-03-12 01:59:00 +08:00"],
        &["2010-03-05 01:59:00 +11:00", "2010-03-05 01:59:00 +11:00"],
    ),
    (
        NeverEnds,
        "30 2 * * *",
        "Australia/Lord_Howe",
        "2026-04-04T00:00:00+11:00",
        &["2026-04-04 02:30:00 +11:00", "2026-04-05 02:30:00 +10:30", "2026-04-06 02:30:00 +10:30"],
        &["2026-04-04 02:30:00 +11:00"],
    ),
    (
        GivesUpAfterFourYears,
        "0 0 29 2 */7",
        "UTC",
        "2027-01-01T00:00:00Z",
        &["2032-02-29 00:00:00 +00:00", "2060-02-29 00:00:00 +00:00"],
        &[],
    ),
    (
        GoesOnAfter2099,
        "0 0 1 1 *",
        "UTC",
        "2098-06-01T00:00:00Z",
        &["2099-01-01 00:00:00 +00:00"],
        &["2099-01-01 00:00:00 +00:00", "2100-01-01 00:00:00 +00:00"],
    ),
];
