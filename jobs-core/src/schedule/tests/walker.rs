//! A second opinion on ticks: walks through time step by step and applies the rules as they are worded.
//!
//! It shares nothing with the search but the sets of the expression: no `cron` crate, no gaps, no folds, no resolving of
//! wall-clock times. It only asks the zone for its offset at an instant.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use crate::schedule::cron::{CronExpr, Field};

/// Long enough to see the end of an hour that the walk begins in the repetition of.
const WARM_UP: i64 = 3 * 3600;

pub(super) struct Walker<'a> {
    pub(super) expr: &'a CronExpr,
    pub(super) zone: &'a TimeZone,
    /// 1, or 60 for an expression whose ticks all lie on whole minutes.
    pub(super) step: i64,
}

impl Walker<'_> {
    /// The ticks after `from` and not after `to`, both multiples of the step, in seconds of the Unix epoch.
    pub(super) fn ticks(&self, from: i64, to: i64) -> Vec<i64> {
        let mut ticks = Vec::new();
        if !self.expr.is_fixed() {
            let mut second = from + self.step;
            while second <= to {
                if self.matches(self.wall(second)) {
                    ticks.push(second);
                }
                second += self.step;
            }
            return ticks;
        }
        let step = self.step.unsigned_abs().try_into().unwrap_or(1);
        let before = (from - WARM_UP..=from).step_by(step);
        let mut reached = before.map(|second| self.wall(second)).max().unwrap_or(i64::MIN);
        let mut second = from + self.step;
        while second <= to {
            let wall = self.wall(second);
            let mut due = false;
            while reached < wall {
                reached += self.step;
                due |= self.matches(reached);
            }
            if due {
                ticks.push(second);
            }
            second += self.step;
        }
        ticks
    }

    fn wall(&self, second: i64) -> i64 {
        let instant = Timestamp::from_second(second).unwrap();
        second + i64::from(self.zone.to_offset(instant).seconds())
    }

    fn matches(&self, wall: i64) -> bool {
        let shown = Offset::UTC.to_datetime(Timestamp::from_second(wall).unwrap());
        let has = |field, value: i8| self.expr.contains(field, value.unsigned_abs());
        has(Field::Minute, shown.minute())
            && has(Field::Hour, shown.hour())
            && has(Field::Second, shown.second())
            && has(Field::Month, shown.month())
            && self.day_matches(shown)
    }

    fn day_matches(&self, shown: DateTime) -> bool {
        let day = self.expr.contains(Field::DayOfMonth, shown.day().unsigned_abs());
        let weekday = shown.weekday().to_sunday_zero_offset().unsigned_abs();
        let weekday = self.expr.contains(Field::DayOfWeek, weekday);
        if self.expr.either_day() { day || weekday } else { day && weekday }
    }
}
