//! Ticks: how they are dealt with, and the account of each.

use std::time::Duration;

use jiff::Timestamp;

use crate::id::JobId;
use crate::job::NewJob;
use crate::schedule::Overlap;

/// A tick to deal with.
#[derive(Clone, Debug)]
pub struct Fire {
    /// The schedule's key.
    pub key: String,
    /// Why it is fired.
    pub occasion: Occasion,
    /// The instant.
    pub tick: Timestamp,
    /// How many earlier ticks it stands for.
    pub missed: u32,
    /// What becomes of it while the last run is not over.
    pub overlap: Overlap,
    /// What it gets.
    pub deal: Deal,
}

/// Why a tick is fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Its time has come, where the row is as the firing process knows it.
    Time {
        /// The last tick.
        last_tick: Timestamp,
        /// The version.
        version: i64,
    },
    /// It waited for the last run, which is over.
    Queued {
        /// The version.
        version: i64,
    },
    /// A worker starts: beside the schedule's times, so that the last tick stays.
    Start {
        /// Only if no worker of this build has done so.
        build: Option<String>,
    },
    /// Somebody asked for it: beside the schedule's times.
    Request,
}

impl Occasion {
    /// As it is accounted for.
    #[must_use]
    pub const fn cause(&self) -> TickCause {
        match self {
            Self::Time { .. } | Self::Queued { .. } => TickCause::Time,
            Self::Start { .. } => TickCause::Start,
            Self::Request => TickCause::Request,
        }
    }
}

/// Why there was a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TickCause {
    /// Its time had come.
    #[default]
    Time,
    /// A worker started.
    Start,
    /// Somebody asked for it.
    Request,
}

impl TickCause {
    /// All causes.
    pub const ALL: [Self; 3] = [Self::Time, Self::Start, Self::Request];

    /// As it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Start => "start",
            Self::Request => "request",
        }
    }

    /// The one that is written so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }
}

/// What a tick gets.
#[derive(Clone, Debug)]
pub enum Deal {
    /// This job.
    Job(Box<NewJob>),
    /// None, for this reason.
    Skip(Skip),
}

/// Why a tick got no job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Skip {
    /// The last run was not over.
    Overlap,
    /// It was missed, and its policy passes it over.
    Misfire,
    /// It was missed, and then the schedule was given other times, which count from then.
    Edited,
    /// The schedule was paused, or not enabled.
    Paused,
    /// The schedule has ended.
    Ended,
    /// It waited for the last run, and a later one came.
    Replaced,
    /// It waited for the last run, and the schedule was removed.
    Removed,
}

/// The answer for one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fired {
    /// The job was stored.
    Job(JobId),
    /// It waits for the last run to end.
    Queued,
    /// It is recorded as skipped.
    Skipped(Skip),
    /// Its time has not come by the store's clock, which is told: nothing was changed.
    Early(Timestamp),
    /// Somebody else was first, or the schedule is gone or was changed.
    Lost,
}

/// What became of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TickOutcome {
    /// It got its job.
    Fired,
    /// It waits for the last run to end.
    Queued,
    /// It got none.
    Skipped(Skip),
}

impl TickOutcome {
    /// All outcomes.
    pub const ALL: [Self; 9] = [
        Self::Fired,
        Self::Queued,
        Self::Skipped(Skip::Overlap),
        Self::Skipped(Skip::Misfire),
        Self::Skipped(Skip::Edited),
        Self::Skipped(Skip::Paused),
        Self::Skipped(Skip::Ended),
        Self::Skipped(Skip::Replaced),
        Self::Skipped(Skip::Removed),
    ];

    /// As it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Queued => "queued",
            Self::Skipped(Skip::Overlap) => "overlap",
            Self::Skipped(Skip::Misfire) => "misfire",
            Self::Skipped(Skip::Edited) => "edited",
            Self::Skipped(Skip::Paused) => "paused",
            Self::Skipped(Skip::Ended) => "ended",
            Self::Skipped(Skip::Replaced) => "replaced",
            Self::Skipped(Skip::Removed) => "removed",
        }
    }

    /// The one that is written so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// The account of a tick. It stands for all ticks after `since`, up to its instant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TickRecord {
    /// The schedule's key.
    pub schedule: String,
    /// The instant for which it was planned.
    pub instant: Timestamp,
    /// Why there was a tick.
    pub cause: TickCause,
    /// The tick before it, or the time from which the schedule counted then. That of a run on start or on request is its instant.
    pub since: Timestamp,
    /// When it was dealt with: later than planned by the difference.
    pub dealt_at: Timestamp,
    /// What became of it.
    pub outcome: TickOutcome,
    /// How many earlier ticks it stands for, counted up to 1,000.
    pub missed: u32,
    /// Its job.
    pub job: Option<JobId>,
}

impl TickRecord {
    /// An account of these parts, for stores.
    #[must_use]
    pub fn new(
        schedule: impl Into<String>,
        instant: Timestamp,
        since: Timestamp,
        dealt_at: Timestamp,
        outcome: TickOutcome,
    ) -> Self {
        Self { schedule: schedule.into(), instant, cause: TickCause::Time, since, dealt_at, outcome, missed: 0, job: None }
    }

    /// What is kept when there is another account of the same tick. One that waited keeps why it was, and what it stands for; what has its
    /// job stays; and what was skipped, by a clock that was ahead, may get its job yet.
    pub fn renew(&mut self, new: Self) {
        match (self.outcome, new.outcome) {
            (TickOutcome::Queued, _) => (self.outcome, self.dealt_at, self.job) = (new.outcome, new.dealt_at, new.job),
            (TickOutcome::Skipped(_), TickOutcome::Fired | TickOutcome::Queued) => *self = new,
            (TickOutcome::Fired | TickOutcome::Skipped(_), _) => {}
        }
    }

    /// By how much it was dealt with later than planned; nothing for one that fires once ever, and is not planned.
    #[must_use]
    pub fn late_by(&self) -> Duration {
        Duration::try_from(self.dealt_at.duration_since(self.instant)).unwrap_or_default()
    }
}

/// Which accounts of ticks to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TickFilter {
    /// Of this schedule.
    pub schedule: String,
    /// Only of instants before this one.
    pub before: Option<Timestamp>,
    /// How many, the latest first; 0 and more than 1,000 mean 1,000.
    pub limit: usize,
}
