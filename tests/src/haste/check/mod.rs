//! The check: what the store's accounts, its jobs and the ledgers say of every tick. It is pure, so that it can be shown to find what it looks
//! for. Whether each run of a job was right is judged by the [check of chaos](crate::chaos::check).
//!
//! `cover` sees that every tick of the rule is accounted for once, `policy` that those without a job have none by right, `doubles` that none
//! has two and none was early.

mod cover;
mod doubles;
mod policy;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use jobs_core::JobRecord;
use jobs_core::schedule::Overlap;
use jobs_core::store::{Skip, TickOutcome, TickRecord};

use super::clock::FastClock;
use super::course::{Course, OFF};
use super::schedules::Planned;
use crate::chaos::evidence;
use crate::chaos::faults::What;
use crate::chaos::ledger::Event;
use crate::chaos::plan::StoreKind;

/// By how much times of two processes may differ that are the same: by their clocks, and by what a busy host keeps them apart, a fifth of
/// a second.
const SLACK: SignedDuration = SignedDuration::from_secs(OFF.as_secs() + 20);

/// All that is known at the end of a run.
#[derive(Debug)]
pub struct Evidence {
    /// What all processes were told.
    pub course: Course,
    /// Which store.
    pub store: StoreKind,
    /// The account of each schedule, in order.
    pub accounts: Vec<(&'static Planned, Vec<TickRecord>)>,
    /// The ledgers, the faults, the jobs: all but the ticks.
    pub work: evidence::Evidence,
}

/// What a tick can suffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// It has two jobs.
    Doubled,
    /// It is not accounted for, or its job is not there.
    Missed,
    /// It was fired, or its job ran, before its time.
    Early,
    /// It met what its policy does not say.
    AgainstPolicy,
}

/// What the check found.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Ticks by the rule, from the first declaration to the end.
    pub expected: usize,
    /// Those that got a job.
    pub fired: usize,
    /// Those that a later one stands for.
    pub stood_for: usize,
    /// Those that got none, by why.
    pub skipped: BTreeMap<&'static str, usize>,
    /// What is wrong.
    pub wrong: Vec<(Wrong, String)>,
}

impl Verdict {
    /// How often something is wrong so.
    #[must_use]
    pub fn of(&self, wrong: Wrong) -> usize {
        self.wrong.iter().filter(|(found, _)| *found == wrong).count()
    }

    fn add(&mut self, wrong: Wrong, what: impl fmt::Display) {
        self.wrong.push((wrong, what.to_string()));
    }

    fn count(&mut self, tick: &TickRecord) {
        let missed = usize::try_from(tick.missed).unwrap_or(usize::MAX);
        if let TickOutcome::Skipped(_) = tick.outcome {
            *self.skipped.entry(tick.outcome.as_str()).or_default() += 1 + missed;
        } else {
            self.fired += 1;
            self.stood_for += missed;
        }
    }
}

/// One schedule, as it should be and as it was.
struct Case<'a> {
    planned: &'static Planned,
    evidence: &'a Evidence,
    /// The ticks of the rule.
    expected: Vec<Timestamp>,
    /// The account, without what only says that the schedule has ended.
    dealt: Vec<&'a TickRecord>,
    /// The jobs that the store has.
    jobs: Vec<&'a JobRecord>,
}

/// Judges a run by its evidence.
#[must_use]
pub fn check(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::default();
    for (planned, account) in &evidence.accounts {
        let is_of_time = |tick: &&TickRecord| tick.instant < evidence.course.ends;
        let ended = |tick: &&TickRecord| tick.outcome == TickOutcome::Skipped(Skip::Ended);
        let is_its = |job: &&JobRecord| job.schedule.as_deref() == Some(planned.key);
        let declared = cover::declared(evidence, planned, account, &mut verdict);
        let case = Case {
            planned,
            evidence,
            expected: planned.ticks_between(declared, evidence.course.ends),
            dealt: account.iter().filter(is_of_time).collect(),
            jobs: evidence.work.records.iter().filter(is_its).collect(),
        };
        for tick in account.iter().filter(|tick| is_of_time(tick) == ended(tick)) {
            verdict.add(Wrong::AgainstPolicy, told(tick));
        }
        verdict.expected += case.expected.len();
        case.dealt.iter().for_each(|tick| verdict.count(tick));
        cover::check(&case, declared, &mut verdict);
        policy::check(&case, &mut verdict);
        doubles::check(&case, &mut verdict);
    }
    verdict
}

impl Evidence {
    const fn clock(&self) -> FastClock {
        self.course.clock
    }

    /// By how much something may be early by the clock without an error.
    fn early(&self) -> SignedDuration {
        match self.store {
            StoreKind::Sqlite => OFF,
            // To a microsecond, as instants are stored.
            StoreKind::Postgres => SignedDuration::from_micros(1),
        }
    }

    /// By how much the account of a tick may be early by the store's clock. On a file that is the clock of whoever fires, and a tick may begin
    /// to wait by one clock and get its job by another.
    const fn early_account(&self, planned: &Planned) -> SignedDuration {
        match (self.store, planned.overlap) {
            (StoreKind::Sqlite, Overlap::Queue) => SignedDuration::from_secs(2 * OFF.as_secs()),
            _ => SignedDuration::ZERO,
        }
    }

    /// When the first process was ready.
    fn first_ready(&self) -> Timestamp {
        let entries = self.work.ledgers.values().flatten();
        let ready = entries.filter(|entry| entry.what == Event::Ready).map(|entry| entry.at).min();
        ready.map_or(self.course.ends, |at| self.clock().wall_at(at))
    }

    /// Whether one of these was done to a process, or to all, between these times.
    fn was(&self, what: &[What], process: &str, from: Timestamp, to: Timestamp) -> bool {
        let (from, to) = (earlier(from, SLACK), later(to, SLACK));
        let clock = self.clock();
        let mut faults = self.work.faults.iter().filter(|fault| what.contains(&fault.what) && fault.is_of(process));
        faults.any(|fault| clock.wall_at(fault.from) <= to && clock.wall_at(fault.to) >= from)
    }
}

fn later(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.saturating_add(by).unwrap_or(Timestamp::MAX)
}

fn earlier(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

/// A tick as a person reads it.
fn told(tick: &TickRecord) -> String {
    let TickRecord { schedule, instant, since, dealt_at, outcome, missed, .. } = tick;
    let job = tick.job.map(|job| format!(" job {job}")).unwrap_or_default();
    format!("{schedule} {instant}: {} at {dealt_at}, after {since}, stands for {missed} more{job}", outcome.as_str())
}
