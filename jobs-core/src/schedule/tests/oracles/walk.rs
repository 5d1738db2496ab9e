//! The way in which cronexpr looks for a tick, told again in its steps, and where they may lead astray.

use std::collections::HashSet;

use jiff::tz::TimeZone;
use jiff::{RoundMode, Span, Timestamp, ToSpan, Unit, Zoned, ZonedRound};

use super::case::instant;
use crate::schedule::cron::{CronExpr, Field};

const DAY: i64 = 86_400;

/// Whether rounding down on the wall may lead astray: from a day before `after` to a day after `until`, the clock changes at a minute
/// other than 0, or to one, or is set back into the day before, or forward from the evening of a day into the next.
pub(super) fn odd_change(zone: &TimeZone, after: i64, until: Option<i64>) -> bool {
    let until = until.unwrap_or(i64::MAX).saturating_add(DAY);
    let wall = |second: i64| second + i64::from(zone.to_offset(instant(second)).seconds());
    zone.following(instant(after - DAY))
        .map(|change| change.timestamp().as_second())
        .take_while(|change| *change <= until)
        .map(|change| (wall(change - 1) + 1, wall(change)))
        .any(|(end, start)| end % 3_600 != 0 || start % 3_600 != 0 || (end - 1) / DAY > start / DAY || end / DAY < start / DAY)
}

pub(super) fn four_years_after(zone: &TimeZone, after: i64) -> Zoned {
    &instant(after).to_zoned(zone.clone()) + 4.years()
}

/// How a walk of cronexpr ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    Found(i64),
    GivesUp,
    NeverEnds,
}

/// The steps of cronexpr: to the next month, day, hour or minute as long as the one at hand does not match, each rounded down on the wall.
/// A step may thus lead back in time. The one that does so twice will do so for ever.
pub(super) fn walk(expr: &CronExpr, zone: &TimeZone, after: i64) -> Walk {
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
