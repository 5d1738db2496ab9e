//! What looking and managing take and answer.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use crate::id::JobId;
use crate::lifecycle::State;
use crate::record::JobRecord;

/// Which jobs to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Finished jobs instead of live ones.
    pub finished: bool,
    /// Only this state.
    pub state: Option<State>,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only this queue.
    pub queue: Option<String>,
    /// Only those that follow on this job.
    pub parent: Option<JobId>,
    /// Only after this place: the `next` of the page before.
    pub after: i64,
    /// How many; 0 and more than 1,000 mean 1,000.
    pub limit: usize,
}

/// Some jobs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<JobRecord>,
    /// Where the next page begins, if there may be one.
    pub next: Option<i64>,
}

/// The answer to a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelAnswer {
    /// It waited, and is cancelled.
    Cancelled,
    /// It runs, and is asked to stop.
    Requested,
    /// It had ended before.
    Finished,
    /// No such job is known.
    Unknown,
}

/// A queue that gives no jobs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PausedQueue {
    /// The queue.
    pub queue: String,
    /// Since when it is paused.
    pub since: Timestamp,
}

/// How long finished jobs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Completed ones.
    pub completed: Duration,
    /// Cancelled ones.
    pub cancelled: Duration,
    /// Failed ones.
    pub failed: Duration,
}

impl Retention {
    /// How long a job that ended so is kept.
    #[must_use]
    pub const fn of(&self, state: State) -> Duration {
        match state {
            State::Failed => self.failed,
            State::Cancelled => self.cancelled,
            _ => self.completed,
        }
    }
}

/// What a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreInfo {
    /// Its name: `sqlite`, `memory`.
    pub name: &'static str,
    /// Where it keeps its jobs.
    pub place: String,
    /// The version of what is below it.
    pub version: String,
    /// What a person should know, such as a limit in force and how to lift it.
    pub notes: Vec<Cow<'static, str>>,
}
