//! The course of a run: what all its processes are told, in a file beside their ledgers.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jobs_core::BoxError;
use jobs_runtime::testing::guards::Guard;

use super::clock::{FastClock, fast};
use super::plan::Plan;
use crate::chaos::clock;

/// By how much the wall clock of a process is off at most, to either side.
pub(super) const OFF: SignedDuration = SignedDuration::from_secs(3);

/// When the clocks of Berlin jump forward, and when they fall back: 2026-03-29 and 2026-10-25, 01:00 UTC.
const CHANGES: [Timestamp; 2] = [Timestamp::constant(1_774_746_000, 0), Timestamp::constant(1_792_890_000, 0)];

/// What all processes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// The clock, without an error.
    pub(super) clock: FastClock,
    /// No schedule ticks at this instant, or after it.
    pub(super) ends: Timestamp,
    seed: u64,
    /// The guard that is switched off.
    pub(super) without: Option<Guard>,
}

impl Course {
    /// A course that begins now, with a change of clocks in the middle: which one is told by the seed.
    pub(super) fn begin(plan: &Plan) -> Self {
        let length = SignedDuration::from_secs(i64::try_from(fast(plan.chaos.length).as_secs()).unwrap_or(i64::MAX));
        let change = CHANGES[usize::from(plan.chaos.seed % 2 == 1)];
        let wall = change.saturating_sub(length / 2).unwrap_or(change);
        let clock = FastClock { origin: clock::now(), wall, ahead: SignedDuration::ZERO };
        let ends = wall.saturating_add(length).unwrap_or(change);
        Self { clock, ends, seed: plan.chaos.seed, without: plan.without }
    }

    /// The clock of the process of this name, whose wall clock is off.
    pub(super) fn clock_of(&self, process: &str) -> FastClock {
        let seed = process.bytes().fold(self.seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let off = i64::try_from(OFF.as_millis()).unwrap_or_default();
        let ahead = SignedDuration::from_millis(fastrand::Rng::with_seed(seed).i64(-off..=off));
        FastClock { ahead, ..self.clock }
    }

    /// Leaves it in a folder.
    pub(super) fn write(&self, folder: &Path) -> std::io::Result<()> {
        let without = self.without.map_or("-".to_owned(), |guard| guard.to_string());
        let (origin, wall, ends) = (self.clock.origin.as_nanos(), self.clock.wall.as_second(), self.ends.as_second());
        std::fs::write(folder.join("course"), format!("{origin}\n{wall}\n{ends}\n{}\n{without}\n", self.seed))
    }

    /// Finds it there.
    pub(super) fn read(folder: &Path) -> Result<Self, BoxError> {
        let text = std::fs::read_to_string(folder.join("course"))?;
        let lines: Vec<&str> = text.lines().collect();
        let &[origin, wall, ends, seed, without] = &lines[..] else { return Err("a course has five lines".into()) };
        let clock = FastClock {
            origin: Duration::from_nanos(origin.parse()?),
            wall: Timestamp::from_second(wall.parse()?)?,
            ahead: SignedDuration::ZERO,
        };
        let without = (without != "-").then(|| guard(without)).transpose()?;
        Ok(Self { clock, ends: Timestamp::from_second(ends.parse()?)?, seed: u64::from_str(seed)?, without })
    }
}

/// The guard that is called so, `compare and swap` or `compare-and-swap`.
pub(super) fn guard(name: &str) -> Result<Guard, String> {
    let wanted = name.replace('-', " ");
    Guard::ALL.into_iter().find(|guard| guard.to_string() == wanted).ok_or_else(|| format!("`{name}` is no guard"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        for without in [None, Some(Guard::CompareAndSwap)] {
            let course = Course::begin(&Plan { without, ..Plan::read(&[]).unwrap() });
            course.write(folder.path()).unwrap();
            assert_eq!(Course::read(folder.path()).unwrap(), course);
        }
    }

    #[test]
    fn clocks_are_off_by_seconds_and_each_by_its_own() {
        let course = Course::begin(&Plan::read(&[]).unwrap());
        let off = |process| course.clock_of(process).ahead;
        assert_eq!(off("w1.001"), off("w1.001"));
        let all: std::collections::BTreeSet<SignedDuration> = ["w0.001", "w1.001", "w2.001", "w2.002"].map(off).into();
        assert!(all.len() > 1 && all.iter().all(|off| off.abs() <= OFF), "{all:?}");
    }
}
