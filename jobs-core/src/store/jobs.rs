//! What the hot path takes and answers: workers, claims, outcomes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::id::{JobId, WorkerId};
use crate::job::{DEFAULT_QUEUE, NewJob};
use crate::record::ClaimedJob;
use crate::registry::JobEntry;

/// The answer for one enqueued job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// The job's id: its own, or that of the live job that bears its name.
    pub id: JobId,
    /// Whether this call stored it.
    pub created: bool,
}

/// A worker as it makes itself known.
#[derive(Clone, Debug)]
pub struct NewWorker {
    /// Its identity, never used before.
    pub id: WorkerId,
    /// Its name.
    pub name: String,
    /// The build it runs.
    pub build: String,
    /// Every name and alias it can run, with the shape of the arguments.
    pub kinds: Arc<[NewKind]>,
    /// The queues it serves.
    pub queues: Vec<String>,
    /// The keys of the schedules that its build has. While any known worker has a schedule, it is not retired.
    pub schedules: Vec<String>,
    /// How long its lease lasts from each renewal.
    pub lease: Duration,
    /// For how long its process has run: a process that registers again has not started anew.
    pub up_for: Duration,
}

/// A kind that a worker can run, and what its jobs have that say nothing of it: those that come by SQL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct NewKind {
    /// A name or an alias.
    pub name: String,
    /// The hash of its arguments in this build.
    pub shape: String,
    /// Where its jobs wait.
    pub queue: String,
    /// Smaller runs first.
    pub priority: i16,
    /// The labels of its jobs.
    pub tags: Vec<String>,
}

impl NewKind {
    /// A kind of this name and shape, with every other value at its default.
    pub fn new(name: impl Into<String>, shape: impl Into<String>) -> Self {
        let (name, shape) = (name.into(), shape.into());
        Self { name, shape, queue: DEFAULT_QUEUE.to_owned(), priority: 0, tags: Vec::new() }
    }

    /// A registered kind, under this name or alias.
    #[must_use]
    pub fn of(name: &str, entry: &JobEntry, build: &str) -> Self {
        Self {
            queue: entry.queue.to_string(),
            priority: entry.priority,
            tags: entry.tags.iter().map(ToString::to_string).collect(),
            ..Self::new(name, entry.shape(build))
        }
    }

    /// Its tags as a JSON list; nothing without any.
    #[must_use]
    pub fn tags_text(&self) -> Option<String> {
        (!self.tags.is_empty()).then(|| serde_json::to_string(&self.tags).unwrap_or_default())
    }
}

/// What a heartbeat found.
#[allow(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beat {
    /// Whether the worker still has its lease. If not, it must let go of all its jobs and take a new id.
    pub alive: bool,
    /// Whether [`JobStore::rescue`](super::JobStore::rescue) has something to do.
    pub rescue: bool,
    /// The earliest time at which a waiting job is due.
    pub next_due: Option<Timestamp>,
    /// Whether jobs are available now, of whatever queue.
    pub waiting: bool,
    /// Whether any queue is paused.
    pub paused: bool,
}

/// What a rescue did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rescue {
    /// Dead workers ended.
    pub workers: usize,
    /// Jobs freed.
    pub freed: usize,
    /// Jobs ended as failed, because they crash their workers.
    pub quarantined: usize,
    /// Jobs parked, because no live worker knows their kind.
    pub parked: usize,
    /// Whether there is more to do.
    pub more: bool,
}

/// A job under a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// The job.
    pub id: JobId,
    /// The token under which it is or was held.
    pub token: i64,
}

/// A wish for jobs.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// For whom.
    pub worker: WorkerId,
    /// The kinds it can run, aliases included. Jobs of other kinds are neither taken nor walked over.
    pub kinds: Arc<BTreeSet<String>>,
    /// How many from each queue at most.
    pub queues: Vec<QueueDemand>,
    /// How many in all at most.
    pub limit: usize,
    /// Whether one job on probation may be among them. Without it, none is.
    pub probation: bool,
}

/// A wish for jobs of one queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDemand {
    /// The queue.
    pub queue: Arc<str>,
    /// How many at most.
    pub limit: usize,
}

/// What a claim got.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// The jobs, in the order in which they shall start.
    pub jobs: Vec<ClaimedJob>,
    /// The earliest time at which a job that still waits is due.
    pub next_due: Option<Timestamp>,
    /// Whether the worker has no lease any more.
    pub lost: bool,
}

/// How an attempt ended, fenced by its token.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The job.
    pub id: JobId,
    /// The store's own key, from the claim.
    pub seq: i64,
    /// The token, from the claim.
    pub token: i64,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// What follows.
    pub decision: Decision,
    /// Jobs that are stored in the same transaction if the outcome is applied, and not at all if it is not. Each has an id.
    pub followers: Vec<NewJob>,
}

/// What follows on an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The job ended well.
    Complete {
        /// Its output, as JSON.
        output: Option<String>,
        /// What went wrong beside it, such as an output too large to keep.
        note: Option<String>,
    },
    /// A failure is recorded and the job tried again after a time.
    Retry {
        /// The error.
        error: String,
        /// The wait, from `now`.
        after: Duration,
    },
    /// A failure is recorded and the job ends as failed.
    Fail {
        /// The error.
        error: String,
    },
    /// The job waits, with no attempt used.
    Snooze {
        /// The wait, from `now`.
        after: Duration,
    },
    /// The job ends as cancelled.
    Cancel {
        /// Why.
        reason: String,
    },
    /// The job goes back as it was, with no attempt used; as cancelled if somebody asked it to stop.
    HandBack,
    /// The job is put aside until a worker of another shape comes, with no attempt used.
    Park {
        /// Why its arguments do not decode.
        error: String,
        /// The shape that could not decode them.
        shape: String,
    },
}

/// The answer to one outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompletionAnswer {
    /// It was recorded.
    Applied,
    /// It had been recorded before: the job is finished under this very token.
    Repeated,
    /// The job has moved on under another token, or is no longer running; nothing changed.
    Stale,
    /// It could not be recorded, for this reason; the job still runs under this token.
    Refused(String),
}
