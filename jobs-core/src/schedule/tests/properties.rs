//! What holds for every schedule, at random instants of which most lie near a clock change.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::random::{night_cron, written_cron, zone_and_change};
use super::walker::Walker;
use crate::schedule::cron::tests::any_cron;
use crate::schedule::{CronExpr, Schedule, Spec, Zone};

fn any_expr() -> impl Strategy<Value = CronExpr> {
    prop_oneof![3 => night_cron().boxed(), 1 => written_cron().boxed(), 1 => any_cron().boxed()]
        .prop_filter_map("refused", |text| CronExpr::parse(&text).ok())
}

/// A zone and an instant of 1975 to 2096, mostly within four hours of a clock change.
fn zone_and_instant() -> impl Strategy<Value = (Zone, i64)> {
    let near = prop_oneof![4 => -14_400..=14_400_i64, 1 => -20_000_000..=20_000_000_i64];
    (zone_and_change(), near).prop_map(|((zone, change), near)| (zone, change + near))
}

/// The ticks of `schedule` in `(from, to]`.
fn ticks(schedule: &Schedule, from: i64, to: i64) -> Vec<i64> {
    let (from, to) = (at(from), at(to));
    std::iter::successors(schedule.next_after(from), |tick| schedule.next_after(*tick))
        .take_while(|tick| *tick <= to)
        .map(Timestamp::as_second)
        .collect()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn walked(expr: &CronExpr, zone: &TimeZone, step: i64, from: i64, to: i64) -> Vec<i64> {
    Walker { expr, zone, step }.ticks(from, to)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn ticks_are_those_of_the_walker(expr in any_expr(), (zone, second) in zone_and_instant()) {
        let minutes = expr.values(crate::schedule::cron::Field::Second).eq([0]);
        let (step, length) = if minutes { (60, 30 * 3600) } else { (1, 2 * 3600) };
        let from = second.div_euclid(step) * step;
        let expected = walked(&expr, zone.time_zone(), step, from, from + length);
        let schedule = Schedule::new(&Spec::Cron(expr), zone.clone());
        prop_assert_eq!(&ticks(&schedule, from, from + length), &expected, "{} in {} after {}", expr, zone, at(from));
        // The same ticks seen backwards.
        let mut back = Vec::new();
        let mut last = schedule.latest_at(at(from + length));
        while let Some(tick) = last.filter(|tick| tick.as_second() > from) {
            back.push(tick.as_second());
            last = schedule.latest_at(at(tick.as_second() - 1));
        }
        back.reverse();
        prop_assert_eq!(&back, &expected, "{} in {} back to {}", expr, zone, at(from));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_next_tick_is_the_same_from_everywhere_before_it(
        expr in any_expr(), (zone, second) in zone_and_instant(), nano in 0..1_000_000_000_i32, part in 0.0..1.0_f64,
    ) {
        let schedule = Schedule::new(&Spec::Cron(expr), zone);
        let after = Timestamp::new(second, nano).unwrap();
        let Some(next) = schedule.next_after(after) else { return Ok(()) };
        prop_assert!(next > after);
        prop_assert_eq!(next.subsec_nanosecond(), 0);
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "any instant between will do")]
        let between = second + ((next.as_second() - second) as f64 * part) as i64;
        for between in [at(between.min(next.as_second() - 1)).max(after), at(next.as_second() - 1).max(after)] {
            prop_assert_eq!(schedule.next_after(between), Some(next));
        }
        let following = schedule.next_after(next);
        prop_assert!(following.is_none_or(|following| following > next));
    }

    #[test]
    fn the_latest_tick_and_the_next_enclose_the_instant(expr in any_expr(), (zone, second) in zone_and_instant()) {
        let schedule = Schedule::new(&Spec::Cron(expr), zone);
        let now = at(second);
        let next = schedule.next_after(now);
        if let Some(latest) = schedule.latest_at(now) {
            prop_assert!(latest <= now);
            prop_assert_eq!(schedule.next_after(at(latest.as_second() - 1)), Some(latest));
            prop_assert_eq!(schedule.next_after(latest), next);
        }
        if let Some(next) = next {
            prop_assert_eq!(schedule.latest_at(next), Some(next));
            prop_assert_eq!(schedule.latest_at(at(next.as_second() - 1)), schedule.latest_at(now));
        }
    }

    #[test]
    fn periods_keep_the_same_promises(millis in 1000..31_622_400_000_u64, now in 0..4_000_000_000_000_i64) {
        let period = std::time::Duration::from_millis(millis);
        let schedule = Schedule::new(&Spec::Every(period), Zone::utc());
        let now = Timestamp::from_millisecond(now).unwrap();
        let (latest, next) = (schedule.latest_at(now).unwrap(), schedule.next_after(now).unwrap());
        prop_assert!(latest <= now && now < next);
        prop_assert_eq!(next.duration_since(latest).unsigned_abs(), period);
        prop_assert_eq!(next.as_millisecond() % i64::try_from(millis).unwrap(), 0);
    }
}
