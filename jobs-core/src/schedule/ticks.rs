//! A schedule tied to its zone: the one place that answers when it ticks next, when it ticked last, and how often.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::calendar::Calendar;
use super::clock::{self, fixed, interval};
use super::spec::Spec;
use super::zone::Zone;
use crate::text::TextError;

/// The first instant without ticks of `every`: 2100-01-01 UTC, in nanoseconds.
const END: i128 = 4_102_444_800_000_000_000;

/// A schedule in a zone: the instants, called ticks, at which a job runs by itself.
///
/// The ticks depend on nothing but the text, the zone and its rules. They lie in the years 1970 to 2099: of the wall clock
/// for a cron expression, of UTC for a period. Cloning is cheap.
///
/// A schedule of [`Spec::Once`] has no ticks here: whether its only run has happened is known to the store alone, so the
/// caller handles it.
#[derive(Clone, Debug)]
pub struct Schedule {
    spec: Spec,
    zone: Zone,
    ticks: Ticks,
}

#[derive(Clone, Debug)]
enum Ticks {
    Fixed(Arc<Calendar>),
    Interval(Arc<Calendar>),
    /// The period in nanoseconds, at least 1.
    Every(i128),
    Never,
}

impl Schedule {
    /// The schedule of `spec` on the wall clock of `zone`. A period and `@once` do not depend on the zone.
    #[must_use]
    pub fn new(spec: &Spec, zone: Zone) -> Self {
        let ticks = match spec {
            Spec::Cron(expr) if expr.is_fixed() => Ticks::Fixed(Arc::new(Calendar::new(expr))),
            Spec::Cron(expr) => Ticks::Interval(Arc::new(Calendar::new(expr))),
            Spec::Every(period) => Ticks::Every(nanos(*period).max(1)),
            Spec::Once => Ticks::Never,
        };
        Self { spec: *spec, zone, ticks }
    }

    /// The schedule of the text of `cron` (see [`Spec::parse_cron`]) on the wall clock of `zone`.
    pub fn parse_cron(text: &str, zone: Zone) -> Result<Self, TextError> {
        Ok(Self::new(&Spec::parse_cron(text)?, zone))
    }

    /// The schedule of the text of `every` (see [`Spec::parse_every`]).
    pub fn parse_every(text: &str) -> Result<Self, TextError> {
        Ok(Self::new(&Spec::parse_every(text)?, Zone::utc()))
    }

    /// What the user wrote.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The zone on whose wall clock a cron expression is read.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The schedule in plain words, with the zone where that matters: `at 02:00 on weekdays, Europe/Berlin` (see [`Spec::describe`]).
    #[must_use]
    pub fn describe(&self) -> String {
        match self.spec {
            Spec::Cron(_) => format!("{}, {}", self.spec.describe(), self.zone),
            Spec::Every(_) | Spec::Once => self.spec.describe(),
        }
    }

    /// What happens to this schedule when the clock of its zone changes, in plain words; `None` where nothing does.
    #[must_use]
    pub fn clock_changes(&self) -> Option<&'static str> {
        let changes = || self.zone.time_zone().following(Timestamp::UNIX_EPOCH).next().is_some();
        match &self.ticks {
            Ticks::Fixed(_) if changes() => Some(
                "fixed times: one that the clock jumps over runs at the moment of the jump, one that the clock shows twice runs the first time only",
            ),
            Ticks::Interval(_) if changes() => {
                Some("an interval: times that the clock jumps over do not run, times that it shows twice run twice")
            }
            _ => None,
        }
    }

    /// The first tick strictly after `after`; none beyond 2099, and none ever for [`Spec::Once`].
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let second = clock::clamp(floor(after));
        let tick = match &self.ticks {
            Ticks::Fixed(calendar) => fixed::next(calendar, &self.zone, second),
            Ticks::Interval(calendar) => interval::next(calendar, &self.zone, second),
            Ticks::Every(period) => {
                let next = (after.as_nanosecond().max(-1).div_euclid(*period) + 1) * period;
                return Timestamp::from_nanosecond(next).ok().filter(|_| next < END);
            }
            Ticks::Never => None,
        };
        tick.and_then(|tick| Timestamp::from_second(tick).ok())
    }

    /// The last tick that is not after `at`: the latest instant that [`next_after`](Self::next_after) gives for any
    /// instant before it. None before 1970, and none ever for [`Spec::Once`].
    #[must_use]
    pub fn latest_at(&self, at: Timestamp) -> Option<Timestamp> {
        let second = clock::clamp(floor(at));
        let tick = match &self.ticks {
            Ticks::Fixed(calendar) => fixed::latest(calendar, &self.zone, second),
            Ticks::Interval(calendar) => interval::latest(calendar, &self.zone, second),
            Ticks::Every(period) => {
                let last = at.as_nanosecond().min(END - 1).div_euclid(*period) * period;
                return Timestamp::from_nanosecond(last).ok().filter(|_| last >= 0);
            }
            Ticks::Never => None,
        };
        tick.and_then(|tick| Timestamp::from_second(tick).ok())
    }

    /// How many ticks lie after `after` and not after `until`, counted up to `limit`. The work grows with `limit`.
    #[must_use]
    pub fn count_between(&self, after: Timestamp, until: Timestamp, limit: usize) -> usize {
        std::iter::successors(self.next_after(after), |tick| self.next_after(*tick))
            .take_while(|tick| *tick <= until)
            .take(limit)
            .count()
    }
}

/// The second in which `instant` lies, also before 1970.
fn floor(instant: Timestamp) -> i64 {
    instant.as_second() - i64::from(instant.subsec_nanosecond() < 0)
}

fn nanos(period: Duration) -> i128 {
    i128::try_from(period.as_nanos()).unwrap_or(i128::MAX)
}
