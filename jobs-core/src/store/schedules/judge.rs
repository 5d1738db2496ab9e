//! What becomes of a tick: one meaning for all stores. A store looks at the schedule's row and at its jobs, asks here, and does what
//! comes back, in one transaction in which nobody else fires the same schedule.

use jiff::Timestamp;

use super::{Deal, Fire, Fired, Occasion, Skip, TickOutcome, TickRecord};
use crate::id::JobId;
use crate::schedule::{ONCE, Overlap};

/// The most builds that are remembered to have run on start.
const MOST_BUILDS: usize = 16;

/// The most jobs of a schedule that one tick cancels.
const MOST_CANCELLED: usize = 1_000;

impl Fire {
    /// How many of the schedule's jobs that have not ended it depends on.
    #[must_use]
    pub const fn live_wanted(&self) -> usize {
        match self.overlap {
            Overlap::Cancel => MOST_CANCELLED,
            _ => 1,
        }
    }
}

/// What of a schedule's row a tick depends on, and may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FireRow {
    /// The version.
    pub version: i64,
    /// The last tick.
    pub last_tick: Timestamp,
    /// The ticks that wait.
    pub queued: Vec<Timestamp>,
    /// The builds that ran on start.
    pub started: Vec<String>,
    /// Whether it is paused by hand.
    pub paused: bool,
}

/// A job of the schedule that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// The job.
    pub id: JobId,
    /// Whether it runs; else it can be cancelled at once.
    pub running: bool,
}

/// What to do, in this order: cancel, store the job, write the row, account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The jobs to cancel.
    pub cancel: Vec<JobId>,
    /// The row as it becomes; `None` leaves it.
    pub row: Option<FireRow>,
    /// The ticks that waited, and now are accounted for as replaced.
    pub replaced: Vec<Timestamp>,
    /// The tick before this one.
    pub since: Timestamp,
    /// How this tick is accounted for; `None` for one that is not dealt with. [`TickOutcome::Fired`] stores its job.
    pub outcome: Option<TickOutcome>,
    /// The answer for one that is not dealt with.
    pub otherwise: Fired,
}

impl Judgement {
    /// The answer, given the job that was stored.
    #[must_use]
    pub fn answer(&self, job: Option<JobId>) -> Fired {
        match (self.outcome, job) {
            (Some(TickOutcome::Fired), Some(job)) => Fired::Job(job),
            (Some(TickOutcome::Queued), _) => Fired::Queued,
            (Some(TickOutcome::Skipped(skip)), _) => Fired::Skipped(skip),
            _ => self.otherwise,
        }
    }

    /// The accounts to write at `now`, by the store's clock. Where there is one already, [`TickRecord::renew`] says what is kept.
    #[must_use]
    pub fn accounts(&self, fire: &Fire, now: Timestamp, job: Option<JobId>) -> Vec<TickRecord> {
        let replaced = |tick: &Timestamp| TickRecord::new(&*fire.key, *tick, *tick, now, TickOutcome::Skipped(Skip::Replaced));
        let own = |outcome| {
            let mut account = TickRecord::new(&*fire.key, fire.tick, self.since, now, outcome);
            (account.cause, account.missed, account.job) = (fire.occasion.cause(), fire.missed, job);
            account
        };
        self.replaced.iter().map(replaced).chain(self.outcome.map(own)).collect()
    }

    /// Nothing is done, and this is the answer.
    const fn nothing(otherwise: Fired) -> Self {
        let since = Timestamp::UNIX_EPOCH;
        Self { cancel: Vec::new(), row: None, replaced: Vec::new(), since, outcome: None, otherwise }
    }

    /// The row becomes so, and the tick is accounted for so.
    fn dealt(row: FireRow, outcome: Option<TickOutcome>) -> Self {
        Self { row: Some(row), outcome, ..Self::nothing(Fired::Lost) }
    }
}

/// What becomes of a tick at `now` by the store's clock. `row` is that of its schedule, `dealt` is what the account of its
/// instant says, if there is one, and `live` are the jobs of the schedule that have not ended, [`Fire::live_wanted`] of them.
#[must_use]
pub fn judge(fire: &Fire, now: Timestamp, row: Option<FireRow>, dealt: Option<TickOutcome>, live: &[Live]) -> Judgement {
    const LOST: Judgement = Judgement::nothing(Fired::Lost);
    let Some(mut row) = row else { return LOST };
    let mut since = fire.tick;
    match &fire.occasion {
        Occasion::Time { last_tick, version } => {
            if (row.last_tick, row.version) != (*last_tick, *version) || fire.tick <= row.last_tick {
                return LOST;
            }
            if fire.tick > now && fire.tick < ONCE {
                return Judgement::nothing(Fired::Early(now));
            }
            since = std::mem::replace(&mut row.last_tick, fire.tick);
            if matches!(dealt, Some(TickOutcome::Fired | TickOutcome::Queued)) {
                // A run on start at this very instant stands for it, or it was fired by a clock that was ahead.
                return Judgement::dealt(row, None);
            }
        }
        Occasion::Queued { version } => {
            if row.version != *version || row.queued.first() != Some(&fire.tick) {
                return LOST;
            }
            if !live.is_empty() {
                return Judgement::nothing(Fired::Queued);
            }
            row.queued.remove(0);
            return Judgement { since, ..Judgement::dealt(row, Some(TickOutcome::Fired)) };
        }
        Occasion::Start { build } => {
            if dealt.is_some() || build.as_ref().is_some_and(|build| row.started.contains(build)) {
                return LOST;
            }
            if row.paused {
                // It did not run, so that it may when it is resumed and somebody starts.
                return Judgement { since, ..Judgement::dealt(row, Some(TickOutcome::Skipped(Skip::Paused))) };
            }
            if let Some(build) = build {
                row.started.push(build.clone());
                let surplus = row.started.len().saturating_sub(MOST_BUILDS);
                row.started.drain(..surplus);
            }
        }
        Occasion::Request if dealt.is_some() => return LOST,
        Occasion::Request => {}
    }
    Judgement { since, ..meet(fire, row, live) }
}

/// The tick and those that came before it.
fn meet(fire: &Fire, mut row: FireRow, live: &[Live]) -> Judgement {
    let (mut cancel, mut replaced) = (Vec::new(), Vec::new());
    let is_busy = !live.is_empty() || !row.queued.is_empty();
    let outcome = match (&fire.deal, fire.overlap) {
        (Deal::Skip(reason), _) => TickOutcome::Skipped(*reason),
        (Deal::Job(_), Overlap::Allow) => TickOutcome::Fired,
        (Deal::Job(_), _) if !is_busy => TickOutcome::Fired,
        // What fires once ever is not skipped for ever.
        (Deal::Job(_), Overlap::Skip) if fire.tick >= ONCE => TickOutcome::Queued,
        (Deal::Job(_), Overlap::Skip) => TickOutcome::Skipped(Skip::Overlap),
        (Deal::Job(_), Overlap::Queue) if row.queued.len() >= Overlap::MOST_QUEUED => TickOutcome::Skipped(Skip::Overlap),
        (Deal::Job(_), Overlap::Queue) => TickOutcome::Queued,
        (Deal::Job(_), Overlap::Cancel) => {
            replaced = std::mem::take(&mut row.queued);
            cancel = live.iter().map(|live| live.id).collect();
            if live.iter().any(|live| live.running) { TickOutcome::Queued } else { TickOutcome::Fired }
        }
    };
    if outcome == TickOutcome::Queued {
        row.queued.push(fire.tick);
    }
    Judgement { cancel, replaced, ..Judgement::dealt(row, Some(outcome)) }
}
