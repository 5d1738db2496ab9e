//! What of a schedule is due: which ticks get their job now, which were missed and are passed over, and when to look again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::policy::{GRACE, Misfire};
use super::{Schedule, Spec, Zone};
use crate::text::TextError;

/// The tick of a schedule that fires once ever: later than every other, so that nothing is due after it until the text is changed.
pub const ONCE: Timestamp = Timestamp::constant(253_402_207_200, 0);

/// Missed ticks are counted up to here: counting holds up whoever does it.
const MOST_COUNTED: usize = 1_000;

/// When a schedule fires.
#[derive(Clone, Debug)]
pub enum Times {
    /// Never by itself.
    Never,
    /// Once ever.
    Once,
    /// At these ticks.
    At(Schedule),
}

impl Times {
    /// Reads a schedule as it is stored, `cron 0 2 * * *`, `every 10s` or `never`, and its zone.
    pub fn parse(spec: &str, zone: &str) -> Result<Self, TextError> {
        let spec = match spec.split_once(' ') {
            Some(("cron", text)) => Spec::parse_cron(text).map_err(|error| error.shifted(5))?,
            Some(("every", text)) => Spec::parse_every(text).map_err(|error| error.shifted(6))?,
            _ if spec == "never" => return Ok(Self::Never),
            _ => {
                let error = TextError::new(0..spec.len(), "a schedule begins with `cron`, `every` or `never`");
                return Err(error.with_help("write `cron 0 2 * * *`, `every 10s` or `never`"));
            }
        };
        Ok(match spec {
            Spec::Once => Self::Once,
            spec => Self::At(Schedule::new(&spec, Zone::parse(zone)?)),
        })
    }
}

/// What is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// These ticks, in order, each after the one before.
    Now(Vec<DueTick>),
    /// Nothing before this instant.
    Later(Timestamp),
    /// Nothing any more.
    Never,
}

/// A tick that is due. It stands for all ticks since the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueTick {
    /// Its instant.
    pub tick: Timestamp,
    /// The tick, or the time, after which the account begins.
    pub since: Timestamp,
    /// How many ticks before it it stands for, counted up to 1,000.
    pub missed: u32,
    /// What to do with it.
    pub fate: Fate,
}

/// What to do with a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It gets its job.
    Fire,
    /// It is passed over, as missed.
    Missed,
    /// It is passed over, since the schedule has ended.
    Ended,
}

/// A schedule with its policy for missed ticks and its limits: no tick before `starts`, none at `ends` or after it.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Its times.
    pub times: &'a Times,
    /// What becomes of missed ticks.
    pub misfire: Misfire,
    /// No tick before it.
    pub starts: Option<Timestamp>,
    /// No tick at it, or after it.
    pub ends: Option<Timestamp>,
}

impl Frame<'_> {
    /// What is due at `now`, where `last` is the last tick that was dealt with, or the time from which the schedule counts.
    #[must_use]
    pub fn due(&self, last: Timestamp, now: Timestamp) -> Due {
        let fire = |tick| Due::Now(vec![DueTick { tick, since: last, missed: 0, fate: Fate::Fire }]);
        match self.times {
            Times::Never => Due::Never,
            Times::Once if last >= ONCE || self.ends.is_some_and(|ends| ends <= now) => Due::Never,
            Times::Once => match self.starts {
                Some(starts) if starts > now => Due::Later(starts),
                _ => fire(ONCE),
            },
            Times::At(schedule) => self.due_of(schedule, last, now),
        }
    }

    /// The first tick after `last` within the limits.
    #[must_use]
    pub fn next_after(&self, last: Timestamp) -> Option<Timestamp> {
        let next = match self.times {
            Times::Never => None,
            Times::Once => (last < ONCE).then(|| self.starts.map_or(last, |starts| starts.max(last))),
            Times::At(schedule) => schedule.next_after(self.base(last)),
        };
        next.filter(|next| self.ends.is_none_or(|ends| *next < ends))
    }

    /// The time after which ticks count.
    fn base(&self, last: Timestamp) -> Timestamp {
        self.starts.map_or(last, |starts| last.max(before(starts)))
    }

    fn due_of(&self, schedule: &Schedule, last: Timestamp, now: Timestamp) -> Due {
        if self.ends.is_some_and(|ends| last >= ends) {
            return Due::Never;
        }
        let base = self.base(last);
        let Some(first) = schedule.next_after(base) else { return Due::Never };
        if first > now {
            return Due::Later(first);
        }
        if self.ends.is_some_and(|ends| first >= ends) {
            return Due::Now(vec![DueTick { tick: first, since: last, missed: 0, fate: Fate::Ended }]);
        }
        let until = self.ends.map_or(now, |ends| now.min(before(ends)));
        let latest = schedule.latest_at(until).map_or(first, |latest| latest.max(first));
        let late = now.duration_since(latest) > signed(GRACE);
        let mut ticks = Account { schedule, base, since: last, ticks: Vec::new() };
        match self.misfire {
            Misfire::Once => ticks.add(latest, Fate::Fire),
            Misfire::Skip if late => ticks.add(latest, Fate::Missed),
            Misfire::Skip => {
                ticks.add_earlier_than(latest);
                ticks.add(latest, Fate::Fire);
            }
            Misfire::All { limit, within } => {
                let oldest = now.saturating_sub(signed(within)).unwrap_or(Timestamp::MIN);
                let wanted = |tick: &Timestamp| *tick > base && (*tick >= oldest || (!late && *tick == latest));
                let back = |tick: &Timestamp| schedule.latest_at(before(*tick));
                let mut fired: Vec<Timestamp> = std::iter::successors(Some(latest), back)
                    .take_while(wanted)
                    .take(usize::try_from(limit).unwrap_or(usize::MAX).max(1))
                    .collect();
                fired.reverse();
                match fired.first() {
                    None => ticks.add(latest, Fate::Missed),
                    Some(first) => ticks.add_earlier_than(*first),
                }
                for tick in fired {
                    ticks.add(tick, Fate::Fire);
                }
            }
        }
        Due::Now(ticks.ticks)
    }
}

/// The account of what is due, in order.
struct Account<'a> {
    schedule: &'a Schedule,
    base: Timestamp,
    since: Timestamp,
    ticks: Vec<DueTick>,
}

impl Account<'_> {
    /// A tick, which stands for all that come after the one before it.
    fn add(&mut self, tick: Timestamp, fate: Fate) {
        let missed = self.schedule.count_between(self.base, tick, MOST_COUNTED + 1).saturating_sub(1);
        let missed = u32::try_from(missed).unwrap_or(u32::MAX);
        self.ticks.push(DueTick { tick, since: self.since, missed, fate });
        (self.since, self.base) = (tick, tick);
    }

    /// The missed ticks before this one, if there are any.
    fn add_earlier_than(&mut self, tick: Timestamp) {
        if let Some(earlier) = self.schedule.latest_at(before(tick)).filter(|earlier| *earlier > self.base) {
            self.add(earlier, Fate::Missed);
        }
    }
}

/// The ticks after `after` that are not later than `until`: the last of them, and how many there are before it, counted up to 1,000.
#[must_use]
pub fn passed(times: &Times, after: Timestamp, until: Timestamp) -> Option<(Timestamp, u32)> {
    let Times::At(schedule) = times else { return None };
    let latest = schedule.latest_at(until).filter(|latest| *latest > after)?;
    let before = schedule.count_between(after, latest, MOST_COUNTED + 1).saturating_sub(1);
    Some((latest, u32::try_from(before).unwrap_or(u32::MAX)))
}

/// By how much the job of a tick comes later than the tick: less than `jitter`, and less than the time to the next tick, in whole
/// milliseconds. It follows from the key and the tick alone, so that all processes say the same.
#[must_use]
pub fn delay(key: &str, times: &Times, tick: Timestamp, jitter: Duration) -> Duration {
    let Times::At(schedule) = times else { return Duration::ZERO };
    let gap = schedule.next_after(tick).map_or(jitter, |next| Duration::try_from(next.duration_since(tick)).unwrap_or_default());
    let most = jitter.min(gap).as_millis();
    if most == 0 {
        return Duration::ZERO;
    }
    let mut hash = crate::hash::Fnv::new();
    hash.add(key);
    hash.add(&tick.as_millisecond().to_string());
    Duration::from_millis(u64::try_from(u128::from(hash.mixed()) % most).unwrap_or_default())
}

fn before(instant: Timestamp) -> Timestamp {
    instant.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MIN)
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};
    use proptest::prelude::*;

    use super::{Due, DueTick, Fate, Frame, ONCE, Times, delay, passed};
    use crate::schedule::{GRACE, Misfire};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + second).unwrap()
    }

    fn due(times: &str, misfire: &str, last: i64, now: i64) -> Vec<(i64, i64, u32, Fate)> {
        due_between(times, misfire, (None, None), last, now)
    }

    fn due_between(
        times: &str,
        misfire: &str,
        limits: (Option<i64>, Option<i64>),
        last: i64,
        now: i64,
    ) -> Vec<(i64, i64, u32, Fate)> {
        let times = Times::parse(times, "UTC").unwrap();
        let misfire = Misfire::parse(misfire).unwrap();
        let frame = Frame { times: &times, misfire, starts: limits.0.map(at), ends: limits.1.map(at) };
        let second = |instant: Timestamp| instant.as_second() - at(0).as_second();
        match frame.due(at(last), at(now)) {
            Due::Now(ticks) => ticks.iter().map(|due| (second(due.tick), second(due.since), due.missed, due.fate)).collect(),
            Due::Later(at) => vec![(second(at), -1, 0, Fate::Missed)],
            Due::Never => Vec::new(),
        }
    }

    use Fate::{Ended, Fire, Missed};

    #[test]
    fn three_hours_down_over_five_ticks() {
        // L6: the schedule ticked at 30, 60, 90, 120 and 150 minutes.
        const NOW: i64 = 3 * 3_600 - 600;
        let every = "every 30m";
        assert_eq!(due(every, "once", 0, NOW), [(9_000, 0, 4, Fire)]);
        assert_eq!(due(every, "skip", 0, NOW), [(9_000, 0, 4, Missed)]);
        assert_eq!(due(every, "skip", 0, 9_030), [(7_200, 0, 3, Missed), (9_000, 7_200, 0, Fire)]);
        let all = [1_800, 3_600, 5_400, 7_200, 9_000].map(|tick| (tick, tick - 1_800, 0, Fire));
        assert_eq!(due(every, "all", 0, NOW), all);
        assert_eq!(due(every, "all 2", 0, NOW), [(5_400, 0, 2, Missed), all[3], all[4]]);
        assert_eq!(due(every, "all within 90m", 0, NOW), [(3_600, 0, 1, Missed), all[2], all[3], all[4]]);
        assert_eq!(due(every, "all within 1m", 0, NOW), [(9_000, 0, 4, Missed)]);
        assert_eq!(due(every, "all within 1s", 0, 9_030), [(7_200, 0, 3, Missed), all[4]], "what is in time is not missed");
    }

    #[test]
    fn a_tick_in_time_is_fired_whatever_the_policy() {
        for policy in ["once", "skip", "all", "all 1 within 1s"] {
            assert_eq!(due("every 1m", policy, 0, 60), [(60, 0, 0, Fire)], "{policy}");
            assert_eq!(due("every 1m", policy, 60, 119), [(120, -1, 0, Missed)], "later: {policy}");
        }
    }

    #[test]
    fn no_tick_before_the_start_or_from_the_end_on() {
        let limits = (Some(100), Some(240));
        assert_eq!(due_between("every 1m", "once", limits, 0, 70), [(120, -1, 0, Missed)], "later");
        assert_eq!(due_between("every 1m", "once", limits, 0, 130), [(120, 0, 0, Fire)]);
        assert_eq!(due_between("every 1m", "once", limits, 120, 1_000), [(180, 120, 0, Fire)], "not that of 240");
        assert_eq!(due_between("every 1m", "once", limits, 180, 230), [(240, -1, 0, Missed)], "later");
        assert_eq!(due_between("every 1m", "once", limits, 180, 1_000), [(240, 180, 0, Ended)]);
        assert_eq!(due_between("every 1m", "once", limits, 240, 1_000), []);
        assert_eq!(due_between("every 1m", "once", (Some(120), None), 0, 125), [(120, 0, 0, Fire)], "a tick at the start counts");
        assert_eq!(due_between("cron @once", "once", limits, 0, 50), [(100, -1, 0, Missed)], "later");
        assert_eq!(due_between("cron @once", "once", limits, 0, 300), []);
        assert_eq!(due_between("cron @once", "once", limits, 0, 150), [(ONCE.as_second() - at(0).as_second(), 0, 0, Fire)]);
    }

    #[test]
    fn a_stored_schedule_reads_back_as_it_was_declared() {
        assert!(matches!(Times::parse("cron 0 2 * * *", "Europe/Berlin"), Ok(Times::At(_))));
        assert!(matches!(Times::parse("every 10s", "UTC"), Ok(Times::At(_))));
        assert!(matches!(Times::parse("cron @once", "UTC"), Ok(Times::Once)));
        assert!(matches!(Times::parse("never", "UTC"), Ok(Times::Never)));
        for (spec, zone) in [("cron 61 * * * *", "UTC"), ("0 2 * * *", "UTC"), ("", "UTC"), ("every 1m", "Mars/Base")] {
            assert!(Times::parse(spec, zone).is_err(), "{spec} {zone}");
        }
    }

    #[test]
    fn what_passed_is_counted() {
        let times = Times::parse("every 1m", "UTC").unwrap();
        assert_eq!(passed(&times, at(0), at(59)), None);
        assert_eq!(passed(&times, at(0), at(60)), Some((at(60), 0)));
        assert_eq!(passed(&times, at(60), at(300)), Some((at(300), 3)));
        assert_eq!(passed(&times, at(0), at(60 * 5_000)), Some((at(300_000), 1_000)), "counted up to a limit");
    }

    #[test]
    fn jitter_spreads_and_stays_before_the_next_tick() {
        let hourly = Times::parse("cron @hourly", "UTC").unwrap();
        let five = Duration::from_secs(300);
        let delays: Vec<Duration> = (0..200).map(|nth| delay(&format!("k{nth}"), &hourly, at(3_600), five)).collect();
        assert!(delays.iter().all(|delay| *delay < five));
        let in_minute = |minute: u64| delays.iter().filter(|delay| delay.as_secs() / 60 == minute).count();
        assert!((0..5).all(|minute| in_minute(minute) > 20), "{:?}", (0..5).map(in_minute).collect::<Vec<_>>());
        assert_eq!(delays[7], delay("k7", &hourly, at(3_600), five), "it follows from the key and the tick");
        assert_ne!(delays[7], delay("k7", &hourly, at(7_200), five));
        let often = Times::parse("every 2s", "UTC").unwrap();
        assert!((0..100).all(|nth| delay("k", &often, at(2 * nth), five) < Duration::from_secs(2)));
        assert_eq!(delay("k", &hourly, at(3_600), Duration::ZERO), Duration::ZERO);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        // Against one tick at a time: every tick is accounted for once and in order, and only those fire that the policy names.
        #[test]
        fn every_tick_is_accounted_for(
            period in 1_i64..200,
            last in 0_i64..500,
            down in 0_i64..1_000,
            (limit, within) in (1_u32..12, 1_i64..900),
            policy in 0_usize..3,
            starts in proptest::option::of(0_i64..1_500),
            ends in proptest::option::of(0_i64..1_800),
        ) {
            let now = last + down;
            let misfire = [
                Misfire::Once,
                Misfire::Skip,
                Misfire::All { limit, within: Duration::from_secs(within.unsigned_abs()) },
            ][policy];
            let times = Times::parse(&format!("every {period}s"), "UTC").unwrap();
            let frame = Frame { times: &times, misfire, starts: starts.map(at), ends: ends.map(at) };
            // 2026-01-01 is no multiple of each period.
            let first = at(0).as_second().div_euclid(period) * period - at(0).as_second();
            let in_range = |tick: &i64| *tick > last && *tick <= now && starts.is_none_or(|starts| *tick >= starts);
            let all: Vec<i64> = (0..=now - first).map(|nth| first + nth * period).filter(in_range).collect();
            let ticks: Vec<i64> = all.iter().copied().filter(|tick| ends.is_none_or(|ends| *tick < ends)).collect();
            let Due::Now(due) = frame.due(at(last), at(now)) else {
                let over = ends.is_some_and(|ends| last >= ends);
                prop_assert!(over || all.is_empty(), "{ticks:?}");
                return Ok(());
            };
            if ticks.is_empty() {
                let ended = DueTick { tick: at(all[0]), since: at(last), missed: 0, fate: Fate::Ended };
                prop_assert_eq!(due, vec![ended]);
                return Ok(());
            }
            let stands_for: usize = due.iter().map(|due| due.missed as usize + 1).sum();
            prop_assert_eq!(stands_for, ticks.len());
            let mut since = at(last);
            for one in &due {
                prop_assert!(one.since == since && one.tick > since);
                since = one.tick;
            }
            let latest = *ticks.last().unwrap();
            prop_assert_eq!(since, at(latest));
            let in_time = at(now).duration_since(at(latest)) <= SignedDuration::try_from(GRACE).unwrap();
            let expected: Vec<Timestamp> = match misfire {
                Misfire::Once => vec![at(latest)],
                Misfire::Skip => if in_time { vec![at(latest)] } else { Vec::new() },
                Misfire::All { limit, .. } => {
                    let wanted = |tick: &i64| now - tick <= within || (in_time && *tick == latest);
                    let fit: Vec<i64> = ticks.iter().copied().filter(wanted).collect();
                    fit[fit.len().saturating_sub(limit as usize)..].iter().map(|tick| at(*tick)).collect()
                }
            };
            let fired: Vec<Timestamp> = due.iter().filter(|due| due.fate == Fate::Fire).map(|due| due.tick).collect();
            prop_assert_eq!(fired, expected);
        }
    }
}
