//! The crate croner, with the times of jiff.

use ::croner::Cron;
use jiff::Timestamp;

use super::case::{Case, any_case, collect, instant};
use super::difference::Difference::{
    self, EndOfGapMustMatchTheDay, GivesUpInALongGap, GoesBeyondOurYears, OnlyOneTimeIsFixed, RefusesAStarInAList,
    RefusesMidnight, StarWithStepIsRestricted, SundayToSundayIsAWeek,
};
use super::{Example, Oracle};
use crate::schedule::calendar::{Calendar, Wall};
use crate::schedule::clock::interval;
use crate::schedule::cron::{CronExpr, Field};
use crate::schedule::{Schedule, Spec, Zone};

struct Croner;

/// How far the end of a gap is looked for, and going back its beginning, in seconds.
const LONGEST_GAP: i64 = 7_200;

impl Oracle for Croner {
    const DIFFERENCES: &'static [Difference] =
        &[StarWithStepIsRestricted, SundayToSundayIsAWeek, OnlyOneTimeIsFixed, EndOfGapMustMatchTheDay, GivesUpInALongGap];

    fn ticks(case: &Case) -> Option<Vec<i64>> {
        let cron: Cron = case.text.parse().ok()?;
        let zone = case.zone.time_zone();
        Some(collect(case.after, |after| {
            let next = cron.find_next_occurrence(&instant(after).to_zoned(zone.clone()), false);
            next.ok().map(|next| next.timestamp().as_second())
        }))
    }

    fn refusal(case: &Case) -> Option<Difference> {
        let star_in_list = |field: &String| field != "*" && field.split(',').any(|item| item == "*");
        if case.text.eq_ignore_ascii_case("@midnight") {
            Some(RefusesMidnight)
        } else {
            case.fields().iter().any(star_in_list).then_some(RefusesAStarInAList)
        }
    }

    fn recomputed(case: &Case, differences: &[Difference]) -> Vec<i64> {
        let search = Search::new(case, differences);
        collect(case.after, |after| search.next(after))
    }
}

/// croner going back: its ticks are those before the instant, the latest first.
struct Backwards;

impl Oracle for Backwards {
    const DIFFERENCES: &'static [Difference] = Croner::DIFFERENCES;

    fn ours(case: &Case) -> Vec<i64> {
        let schedule = Schedule::new(&Spec::Cron(case.expr()), case.zone.clone());
        collect(case.after, |before| schedule.latest_at(instant(before - 1)).map(Timestamp::as_second))
    }

    fn ticks(case: &Case) -> Option<Vec<i64>> {
        let cron: Cron = case.text.parse().ok()?;
        let zone = case.zone.time_zone();
        Some(collect(case.after, |before| {
            let last = cron.find_previous_occurrence(&instant(before).to_zoned(zone.clone()), false);
            last.ok().map(|last| last.timestamp().as_second())
        }))
    }

    fn refusal(case: &Case) -> Option<Difference> {
        Croner::refusal(case)
    }

    fn recomputed(case: &Case, differences: &[Difference]) -> Vec<i64> {
        let search = Search::new(case, differences);
        collect(case.after, |before| search.latest(before))
    }
}

/// Our rules with differences of croner.
struct Search<'a> {
    calendar: Calendar,
    fixed: bool,
    zone: &'a Zone,
    /// Every minute of the days that match.
    days: Calendar,
    differences: &'a [Difference],
}

impl<'a> Search<'a> {
    fn new(case: &'a Case, differences: &'a [Difference]) -> Self {
        let mut fields = case.fields();
        if differences.contains(&SundayToSundayIsAWeek) {
            sunday_to_sunday(&mut fields);
        }
        if differences.contains(&StarWithStepIsRestricted) {
            restrict_days(&mut fields);
        }
        let expr = CronExpr::parse(&fields.join(" ")).unwrap();
        let days = CronExpr::parse(&format!("* * {}", fields[fields.len() - 3..].join(" "))).unwrap();
        Self {
            calendar: Calendar::new(&expr),
            fixed: case.is_fixed() && (has_one_time(&fields, &expr) || !differences.contains(&OnlyOneTimeIsFixed)),
            zone: &case.zone,
            days: Calendar::new(&days),
            differences,
        }
    }

    fn next(&self, after: i64) -> Option<i64> {
        if !self.fixed {
            return interval::next(&self.calendar, self.zone, after);
        }
        let mut wall = self.zone.farthest_wall(after);
        loop {
            wall = self.calendar.next_after(wall)?;
            let tick = self.run(wall)?;
            if tick.is_some_and(|tick| tick > after) {
                return tick;
            }
        }
    }

    /// The search begins on the wall, so it comes through a gap that ends at `before`.
    fn latest(&self, before: i64) -> Option<i64> {
        if !self.fixed {
            return interval::latest(&self.calendar, self.zone, before - 1);
        }
        let mut wall = self.zone.farthest_wall(before);
        loop {
            wall = self.calendar.latest_at(wall)?;
            let tick = self.run(wall)?;
            if tick.is_some_and(|tick| tick < before) {
                return tick;
            }
            if self.differences.contains(&GivesUpInALongGap) && self.since_gap_began(wall) > LONGEST_GAP {
                return None;
            }
            wall.0 -= 1;
        }
    }

    /// How far back the clock showed a time before the gap in which `wall` lies, in seconds; 0 outside of gaps.
    fn since_gap_began(&self, wall: Wall) -> i64 {
        let end = self.zone.first_reaching(wall);
        if self.zone.wall(end) == wall { 0 } else { wall.0 - self.zone.wall(end - 1).0 }
    }

    /// When the fixed time `wall` runs: `Some(None)` if it is dropped, `None` if the search gives up.
    #[expect(clippy::option_option, reason = "a search that gives up returns nothing either")]
    fn run(&self, wall: Wall) -> Option<Option<i64>> {
        let tick = self.zone.first_reaching(wall);
        let end_of_gap = self.zone.wall(tick);
        if self.differences.contains(&GivesUpInALongGap) && end_of_gap.0 - wall.0 > LONGEST_GAP {
            return None;
        }
        let day_matches = self.days.latest_at(end_of_gap) == Some(Wall(end_of_gap.0 - end_of_gap.0.rem_euclid(60)));
        let dropped = self.differences.contains(&EndOfGapMustMatchTheDay) && end_of_gap != wall && !day_matches;
        Some((!dropped).then_some(tick))
    }
}

/// Ends ranges of weekdays at 7 that end at `SUN`.
fn sunday_to_sunday(fields: &mut [String]) {
    let weekdays = fields.last_mut().unwrap();
    *weekdays = weekdays.to_ascii_uppercase().replace("-SUN", "-7").replace("SUN", "0");
}

/// Writes a day field that begins with `*`, and is more than that, with a range in the place of the `*`.
fn restrict_days(fields: &mut [String]) {
    let last = fields.len() - 1;
    for (at, range) in [(last - 2, "1-31"), (last, "0-7")] {
        if fields[at] != "*" {
            fields[at] = fields[at].replace('*', range);
        }
    }
}

/// Whether second, minute and hour are one value each, written without `*` and without a step.
fn has_one_time(fields: &[String], expr: &CronExpr) -> bool {
    let times = &fields[..fields.len() - 3];
    let one = |field| expr.values(field).count() == 1;
    let plain = |field: &String| {
        !field.contains('*') && field.rsplit_once('/').is_none_or(|(_, step)| step.starts_with("1,") || step == "1")
    };
    [Field::Second, Field::Minute, Field::Hour].into_iter().all(one) && times.iter().all(plain)
}

#[test]
fn croner_differs_only_as_explained() {
    super::compare::<Croner>("croner", 6_000, any_case(), OnlyOneTimeIsFixed);
}

#[test]
fn croner_going_back_differs_only_as_explained() {
    super::compare::<Backwards>("croner going back", 4_000, any_case(), OnlyOneTimeIsFixed);
}

#[test]
fn each_difference_of_croner_has_an_example() {
    let others = [RefusesAStarInAList, RefusesMidnight, GoesBeyondOurYears];
    super::check::<Croner>(&[Croner::DIFFERENCES, &others].concat(), EXAMPLES);
}

#[test]
fn an_answer_that_croner_does_not_give_is_not_explained() {
    type Edit = fn(&mut [i64]);
    let edits: [(&str, &str, &str, Edit); 5] = [
        // One fixed time in both passes, and at the wrong end of a gap.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", |ticks| ticks[1] = ticks[0] + 3_600),
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", |ticks| ticks[0] += 1_800),
        // Several fixed times in both passes, the last a minute late, or once only.
        ("0,30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", |ticks| ticks[3] += 60),
        ("0,30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", |ticks| ticks[2] = ticks[3]),
        ("0 0 */12 * FRI", "UTC", "2026-03-01T00:00:00Z", |ticks| ticks[2] += 86_400),
    ];
    for (text, zone, after, edit) in edits {
        let case = Case::new(text, zone, after);
        let mut ticks = Croner::ticks(&case).unwrap();
        assert!(super::judge::<Croner>(&case, Some(ticks.clone())).is_ok(), "{case}");
        edit(&mut ticks);
        let answer = super::judge::<Croner>(&case, Some(ticks));
        assert!(answer.is_err(), "{case}: a made-up answer is explained by {answer:?}");
    }
}

const EXAMPLES: &[Example] = &[
    (RefusesAStarInAList, "*,5 0 * * *", "UTC", "2027-01-01T00:00:00Z", &["2027-01-01 00:01:00 +00:00"], &[]),
    (RefusesMidnight, "@midnight", "UTC", "2027-01-01T00:00:00Z", &["2027-01-02 00:00:00 +00:00"], &[]),
    (
        StarWithStepIsRestricted,
        "0 0 */12 * FRI",
        "UTC",
        "2026-03-01T00:00:00Z",
        &["2026-03-13 00:00:00 +00:00", "2026-05-01 00:00:00 +00:00"],
        &["2026-03-06 00:00:00 +00:00", "2026-03-13 00:00:00 +00:00", "2026-03-20 00:00:00 +00:00"],
    ),
    (
        SundayToSundayIsAWeek,
        "0 0 * * SUN-SUN",
        "UTC",
        "2027-01-02T12:00:00Z",
        &["2027-01-03 00:00:00 +00:00", "2027-01-10 00:00:00 +00:00"],
        &["2027-01-03 00:00:00 +00:00", "2027-01-04 00:00:00 +00:00"],
    ),
    (
        OnlyOneTimeIsFixed,
        "30 1,13 * * *",
        "America/New_York",
        "2026-11-01T00:00:00-04:00",
        &["2026-11-01 01:30:00 -04:00", "2026-11-01 13:30:00 -05:00"],
        &["2026-11-01 01:30:00 -04:00", "2026-11-01 01:30:00 -05:00", "2026-11-01 13:30:00 -05:00"],
    ),
    (
        OnlyOneTimeIsFixed,
        "0,30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00+01:00",
        &["2026-03-29 03:00:00 +02:00", "2026-03-30 02:00:00 +02:00"],
        &["2026-03-30 02:00:00 +02:00", "2026-03-30 02:30:00 +02:00"],
    ),
    (
        EndOfGapMustMatchTheDay,
        "30 23 * * SAT",
        "America/Nuuk",
        "2025-03-28T00:00:00-02:00",
        &["2025-03-30 00:00:00 -01:00", "2025-04-05 23:30:00 -01:00"],
        &["2025-04-05 23:30:00 -01:00"],
    ),
    (
        GivesUpInALongGap,
        "0 12 * * *",
        "Pacific/Apia",
        "2011-12-29T00:00:00-10:00",
        &["2011-12-29 12:00:00 -10:00", "2011-12-31 00:00:00 +14:00", "2011-12-31 12:00:00 +14:00"],
        &["2011-12-29 12:00:00 -10:00"],
    ),
    (
        GoesBeyondOurYears,
        "@yearly",
        "UTC",
        "2098-06-01T00:00:00Z",
        &["2099-01-01 00:00:00 +00:00"],
        &["2099-01-01 00:00:00 +00:00", "2100-01-01 00:00:00 +00:00"],
    ),
];
