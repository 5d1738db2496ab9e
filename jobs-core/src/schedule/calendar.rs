//! The search through the calendar: which wall-clock time of a cron expression comes next, and which was the last.
//!
//! The `cron` crate searches, and this module is the only one that knows it. It never sees a user's text, because its
//! dialect is Quartz's (Sunday is 1, both day fields must match), and never a zone, because it skips and repeats jobs when
//! clocks change: it gets the normalised sets, and wall-clock time in the guise of UTC.

use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::cron::{CronExpr, Field};

/// A time on the wall clock of some zone, in seconds since 1970-01-01 00:00:00 on that clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wall(pub(super) i64);

impl Wall {
    /// The first second of 1970. There are no ticks before it.
    const FIRST: Self = Self(0);
    /// The last second of 2099. There are no ticks after it.
    const LAST: Self = Self(4_102_444_799);
}

/// The wall-clock times of a cron expression, from 1970 through 2099.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    main: cron::Schedule,
    /// The weekdays, if a day may match either day field; `main` then has the days of the month.
    weekdays: Option<cron::Schedule>,
}

impl Calendar {
    pub(super) fn new(expr: &CronExpr) -> Self {
        let search = |days, weekdays| {
            cron::Schedule::from_str(&normalise(expr, days, weekdays))
                .expect("lists of values in range are in the dialect of the cron crate")
        };
        if expr.either_day() {
            Self { main: search(true, false), weekdays: Some(search(false, true)) }
        } else {
            Self { main: search(true, true), weekdays: None }
        }
    }

    /// The first matching time after `wall`.
    pub(super) fn next_after(&self, wall: Wall) -> Option<Wall> {
        let from = utc(wall.max(Wall(Wall::FIRST.0 - 1)).min(Wall::LAST))?;
        self.searches()
            .filter_map(|search| search.after(&from).next())
            .map(|found| Wall(found.timestamp()))
            .filter(|found| *found <= Wall::LAST)
            .min()
    }

    /// The last matching time that is not after `wall`.
    pub(super) fn latest_at(&self, wall: Wall) -> Option<Wall> {
        if wall < Wall::FIRST {
            return None;
        }
        let end = utc(Wall(wall.min(Wall::LAST).0 + 1))?;
        self.searches().filter_map(|search| search.after(&end).next_back()).map(|found| Wall(found.timestamp())).max()
    }

    fn searches(&self) -> impl Iterator<Item = &cron::Schedule> {
        std::iter::once(&self.main).chain(&self.weekdays)
    }
}

fn utc(wall: Wall) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(wall.0, 0)
}

/// `expr` for the `cron` crate, with or without its days of the month and its weekdays.
fn normalise(expr: &CronExpr, days: bool, weekdays: bool) -> String {
    let fields = Field::ALL.map(|field| {
        let (low, high) = field.range();
        let free = match field {
            Field::DayOfMonth => !days,
            Field::DayOfWeek => !weekdays,
            _ => false,
        };
        if free || expr.values(field).eq(low..=high) {
            return "*".to_owned();
        }
        // Quartz counts weekdays from 1.
        let shift = u8::from(field == Field::DayOfWeek);
        let values: Vec<String> = expr.values(field).map(|value| (value + shift).to_string()).collect();
        values.join(",")
    });
    fields.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Calendar, CronExpr, Wall, normalise};
    use crate::schedule::cron::tests::any_cron;

    #[test]
    fn normalised_text_counts_weekdays_from_one() {
        let expr = CronExpr::parse("0-59 9,17 * */4 MON-FRI").unwrap();
        assert_eq!(normalise(&expr, true, true), "0 * 9,17 * 1,5,9 2,3,4,5,6");
        assert_eq!(normalise(&expr, true, false), "0 * 9,17 * 1,5,9 *");
    }

    #[test]
    fn nothing_lies_before_1970_or_after_2099() {
        let daily = Calendar::new(&CronExpr::parse("@daily").unwrap());
        assert_eq!(daily.next_after(Wall(i64::MIN)), Some(Wall(0)));
        assert_eq!(daily.latest_at(Wall(-1)), None);
        assert_eq!(daily.latest_at(Wall(0)), Some(Wall(0)));
        assert_eq!(daily.next_after(Wall(4_102_358_400)), None);
        assert_eq!(daily.latest_at(Wall(i64::MAX)), Some(Wall(4_102_358_400)));
        let leap_sunday = Calendar::new(&CronExpr::parse("0 0 29 2 */7").unwrap());
        assert_eq!(leap_sunday.next_after(Wall::LAST), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn every_accepted_expression_is_one_the_search_accepts(text in any_cron(), wall in 0_i64..4_102_444_800) {
            let Ok(expr) = CronExpr::parse(&text) else { return Ok(()) };
            let calendar = Calendar::new(&expr);
            let wall = Wall(wall);
            if let Some(next) = calendar.next_after(wall) {
                prop_assert!(next > wall);
                prop_assert_eq!(calendar.latest_at(next), Some(next));
                prop_assert_eq!(calendar.latest_at(Wall(next.0 - 1)), calendar.latest_at(wall));
            }
        }
    }
}
