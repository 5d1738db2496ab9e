//! The check: what the evidence says about every promise. It is pure, so that it can be shown to find what it looks for.
//!
//! `jobs` judges how each job ended, `runs` whether each execution of it was right, `ticks` the account of the schedule, `crew`
//! the processes themselves, `rests` the queue that is paused, `effects` what jobs write by transactions of their own; `outages` knows when a process could not renew its lease, `losses` by what it may have lost what it held,
//! `recovery` how long it took to come back.

mod crew;
mod effects;
mod jobs;
mod losses;
mod outages;
mod recovery;
mod rests;
mod runs;
#[cfg(test)]
mod tests;
mod ticks;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jobs_core::JobId;

use super::evidence::Evidence;
use super::faults::What;

/// A promise that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// A job that was answered for is not there, or has not ended.
    Lost,
    /// A job that was never answered for, or that nobody enqueued.
    Stranger,
    /// A repeated enqueue was taken for a new one.
    MadeAgain,
    /// A job has ended twice.
    CompletedTwice,
    /// A job has ended in another way than its runs say.
    WrongEnd,
    /// A run that nothing explains.
    Unexplained,
    /// Two runs of a job at the same time, and the first of them was not frozen.
    Overlap,
    /// An attempt beyond the limit, or one that does not fit the failures recorded.
    WrongAttempt,
    /// A tick with two jobs.
    TickDoubled,
    /// A tick that was neither fired nor accounted for.
    TickMissed,
    /// A job that was completed without its effect.
    EffectMissing,
    /// A job with several effects.
    EffectDoubled,
    /// An effect of a job that was not completed, or by a run that did not complete it.
    EffectStray,
    /// A claim that got a job of a queue that was paused.
    Paused,
    /// A process that ended by itself, or too late.
    Process,
    /// A lease that was lost although nothing was done to its process.
    Lease,
    /// The store finds damage in its own file.
    Damage,
}

/// Something that was found.
#[derive(Clone, Debug)]
pub struct Violation {
    /// What is broken.
    pub breach: Breach,
    /// The job, if it is about one.
    pub job: Option<JobId>,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: ", self.breach)?;
        self.job.map_or(Ok(()), |job| write!(f, "job {job}: "))?;
        f.write_str(&self.text)
    }
}

/// What the check found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What is broken.
    pub violations: Vec<Violation>,
    /// Acknowledged jobs that ended well.
    pub completed: usize,
    /// Acknowledged jobs that failed as often as they were made to.
    pub failed: usize,
    /// Acknowledged jobs that were killed with their processes so often that they were put aside.
    pub quarantined: usize,
    /// Executions beyond those that a job needed, by what explains them.
    pub repeated: BTreeMap<Cause, usize>,
    /// The same and every lease that was lost, one by one, each with what was done.
    pub explained: Vec<String>,
    /// How long it took at most until a job that was interrupted began again, or until jobs ended again, by what had happened.
    pub recoveries: BTreeMap<&'static str, Duration>,
    /// All executions.
    pub executions: usize,
    /// Ticks that were fired, and those that later ones stood for.
    pub ticks: (usize, u32),
    /// What is known of the effects of jobs.
    pub effects: effects::Table,
}

/// Why a job ran again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Its process was killed.
    Kill,
    /// Its process was frozen.
    Freeze,
    /// Its process was asked to stop.
    Stop,
    /// Its process had no way to the store, and lost its lease.
    LostLease,
    /// The host stood still.
    Stall,
}

impl Cause {
    /// What many of them are called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => What::Kill.name(),
            Self::Freeze => What::Freeze.name(),
            Self::Stop => What::Stop.name(),
            Self::LostLease => "lost leases",
            Self::Stall => What::Stall.name(),
        }
    }
}

impl Findings {
    /// How often a promise was broken.
    #[must_use]
    pub fn of(&self, breach: Breach) -> usize {
        self.violations.iter().filter(|violation| violation.breach == breach).count()
    }

    fn add(&mut self, breach: Breach, job: impl Into<Option<JobId>>, text: impl Into<String>) {
        self.violations.push(Violation { breach, job: job.into(), text: text.into() });
    }
}

/// Judges a run by its evidence.
#[must_use]
pub fn check(evidence: &Evidence) -> Findings {
    let mut findings = check_work(evidence);
    ticks::check(evidence, &runs::of_jobs(evidence), &mut findings);
    rests::check(evidence, &mut findings);
    effects::check(evidence, &mut findings);
    recovery::measure(evidence, &mut findings);
    findings
}

/// Judges the jobs, the processes and the store's own health, and no ticks.
#[must_use]
pub fn check_work(evidence: &Evidence) -> Findings {
    let mut findings = Findings::default();
    let losses = losses::Losses::new(evidence);
    jobs::check(evidence, &runs::of_jobs(evidence), &losses, &mut findings);
    crew::check(evidence, &losses, &mut findings);
    if let Some(damage) = &evidence.damage {
        findings.add(Breach::Damage, None, damage.clone());
    }
    findings
}
