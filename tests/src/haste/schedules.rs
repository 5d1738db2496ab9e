//! The schedules of a run, each with the plain rule of its ticks beside the text that the engine reads.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use jobs_core::schedule::{Misfire, Moment, Overlap};
use jobs_core::{BoxError, JobContext, JobId};
use jobs_runtime::{ClosureJob, closure};

use crate::chaos::work::{Desk, RETRIES};

/// All missed ticks of a run of hours.
const EVERY_ONE: Misfire = Misfire::All { limit: 1_000, within: Duration::from_secs(86_400) };

/// A schedule.
#[derive(Debug)]
pub struct Planned {
    /// Its key, and the kind of its jobs.
    pub(super) key: &'static str,
    /// Its times, as in `every 10s` or `cron * * * * *`.
    times: &'static str,
    zone: &'static str,
    pub(super) misfire: Misfire,
    pub(super) overlap: Overlap,
    /// How long a job of it takes, in real milliseconds, at least and at most.
    length: (u64, u64),
    /// Whether it ticks at this second, which the clock of its zone shows so.
    ticks: fn(&Zoned) -> bool,
}

/// All of them.
pub(super) const ALL: [Planned; 6] = [
    Planned {
        key: "every-ten-seconds",
        times: "every 10s",
        zone: "UTC",
        misfire: Misfire::Once,
        overlap: Overlap::Skip,
        length: (0, 20),
        ticks: |clock| clock.timestamp().as_second() % 10 == 0,
    },
    Planned {
        key: "every-minute",
        times: "cron * * * * *",
        zone: "UTC",
        misfire: EVERY_ONE,
        overlap: Overlap::Allow,
        length: (0, 900),
        ticks: |clock| clock.second() == 0,
    },
    Planned {
        key: "only-in-time",
        times: "cron */20 * * * * *",
        zone: "Europe/Berlin",
        misfire: Misfire::Skip,
        overlap: Overlap::Allow,
        length: (0, 20),
        ticks: |clock| clock.second() % 20 == 0,
    },
    Planned {
        key: "one-after-the-other",
        times: "every 30s",
        zone: "UTC",
        misfire: Misfire::Once,
        overlap: Overlap::Queue,
        length: (20, 120),
        ticks: |clock| clock.timestamp().as_second() % 30 == 0,
    },
    Planned {
        key: "small-hours-in-berlin",
        times: "cron */5 2 * * *",
        zone: "Europe/Berlin",
        misfire: EVERY_ONE,
        overlap: Overlap::Allow,
        length: (0, 20),
        // None where the clock jumps over this hour, and twice as many where it shows it twice.
        ticks: |clock| clock.hour() == 2 && clock.minute() % 5 == 0 && clock.second() == 0,
    },
    Planned {
        key: "once-a-night-in-berlin",
        times: "cron 30 2 * * *",
        zone: "Europe/Berlin",
        misfire: Misfire::Once,
        overlap: Overlap::Queue,
        length: (0, 20),
        ticks: |clock| {
            let (second, hour) = (SignedDuration::from_secs(1), SignedDuration::from_hours(1));
            let before = |by| clock.checked_sub(by).map(|then: Zoned| (then.hour(), then.minute(), then.second())).ok();
            match (clock.hour(), clock.minute(), clock.second()) {
                // The first of the two.
                (2, 30, 0) => before(hour) != Some((2, 30, 0)),
                // The end of the gap.
                (3, 0, 0) => before(second) == Some((1, 59, 59)),
                _ => false,
            }
        },
    },
];

impl Planned {
    /// Its ticks after `after` and before `ends`, found second by second.
    pub(super) fn ticks_between(&self, after: Timestamp, ends: Timestamp) -> Vec<Timestamp> {
        let zone = TimeZone::get(self.zone).expect("the zone is known");
        let seconds = (after.as_second()..).map_while(|second| Timestamp::from_second(second).ok());
        let within = seconds.skip_while(|instant| *instant <= after).take_while(|instant| *instant < ends);
        within.filter(|instant| (self.ticks)(&instant.to_zoned(zone.clone()))).collect()
    }

    /// The kind of its jobs, with this schedule, for one process.
    pub(super) fn kind(&self, desk: &Arc<Desk>, ends: Timestamp) -> Result<ClosureJob, BoxError> {
        let desk = Arc::clone(desk);
        let job = closure(self.key, move |context: JobContext| {
            let desk = Arc::clone(&desk);
            async move { desk.run(&context).await }
        });
        let job = match self.times.split_once(' ') {
            Some(("every", text)) => job.every(text),
            Some((_, text)) => job.cron(text).tz(self.zone),
            None => return Err(format!("`{}` says no times", self.times).into()),
        };
        let ends = Moment::parse(&ends.to_string())?;
        Ok(job.misfire(self.misfire).overlap(self.overlap).ends(ends).retries(RETRIES))
    }
}

/// How long a job of this kind takes.
pub(super) fn length(kind: &str, job: JobId) -> Duration {
    let (least, most) = ALL.iter().find(|planned| planned.key == kind).map_or((0, 0), |planned| planned.length);
    Duration::from_millis(least + (most - least) * u64::from(job.as_bytes()[14]) / 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(key: &str, from: &str, to: &str) -> Vec<String> {
        let planned = ALL.iter().find(|planned| planned.key == key).unwrap();
        let found = planned.ticks_between(from.parse().unwrap(), to.parse().unwrap());
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ticks_are_those_of_the_zone_on_both_nights() {
        let night = |key| ticks(key, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z");
        assert_eq!(night("once-a-night-in-berlin"), ["2026-03-29T01:00:00Z"]);
        assert_eq!(night("small-hours-in-berlin"), [""; 0]);
        let night = |key| ticks(key, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z");
        assert_eq!(night("once-a-night-in-berlin"), ["2026-10-25T00:30:00Z"]);
        assert_eq!(night("small-hours-in-berlin").len(), 24);
    }

    #[test]
    fn a_tick_at_the_beginning_does_not_count_nor_one_at_the_end() {
        let found = ticks("every-ten-seconds", "2026-01-01T00:00:00Z", "2026-01-01T00:00:20Z");
        assert_eq!(found, ["2026-01-01T00:00:10Z"]);
    }
}
