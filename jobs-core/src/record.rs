//! What a store hands out: jobs as claimed, jobs as looked at, workers, counts.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::chain::Link;
use crate::id::{JobId, WorkerId};
use crate::job::TickId;
use crate::lifecycle::State;

/// A job that a worker has claimed: all that is needed to run it, under a lease.
#[derive(Clone, Debug)]
pub struct ClaimedJob {
    /// Its identity.
    pub id: JobId,
    /// The store's own short key of it; part of no promise, handed back with the outcome.
    pub seq: i64,
    /// The number of times it was claimed. An outcome counts only while this is the job's newest token.
    pub token: i64,
    /// The kind, as stored (perhaps an alias).
    pub kind: Arc<str>,
    /// The queue it waited in.
    pub queue: Arc<str>,
    /// Its priority.
    pub priority: i16,
    /// Its arguments.
    pub payload: String,
    /// Its own name.
    pub name: Option<String>,
    /// Its own number of retries.
    pub retries: Option<u32>,
    /// Its own timeout.
    pub timeout: Option<Duration>,
    /// Failures recorded so far. This attempt is one more.
    pub failures: u32,
    /// Workers that died while they held it. More than 0 puts it on probation.
    pub crashes: u32,
    /// Its tags, as a JSON list.
    pub tags: Option<String>,
    /// Its metadata, as a JSON object.
    pub metadata: Option<String>,
    /// For whom it was made.
    pub tenant: Option<String>,
    /// By whom it was made.
    pub user: Option<String>,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it was due.
    pub run_at: Timestamp,
    /// The schedule and instant it stands for.
    pub tick: Option<TickId>,
    /// The jobs that follow on it, as a JSON list.
    pub chain: Option<String>,
}

/// Everything that is kept of a job, live or finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JobRecord {
    /// Its identity.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// Its priority; smaller runs first.
    pub priority: i16,
    /// Where it stands.
    pub state: State,
    /// Its arguments, as JSON; empty once they are pruned.
    pub payload: String,
    /// Its own name.
    pub name: Option<String>,
    /// Its own number of retries, if it has one.
    pub retries: Option<u32>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its metadata, as JSON.
    pub metadata: Option<String>,
    /// For whom it was made.
    pub tenant: Option<String>,
    /// By whom it was made.
    pub user: Option<String>,
    /// Failures recorded.
    pub failures: u32,
    /// Workers that died while they held it.
    pub crashes: u32,
    /// How often it snoozed.
    pub snoozes: u32,
    /// How often it was claimed.
    pub token: i64,
    /// The schedule that made it.
    pub schedule: Option<String>,
    /// The instant of the schedule.
    pub tick: Option<Timestamp>,
    /// The job on which it follows.
    pub parent: Option<JobId>,
    /// The jobs that follow on it once it has completed. Empty also where the stored text cannot be read; such a job is parked, and
    /// its `error` says so.
    pub chain: Vec<Link>,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it is or was due.
    pub run_at: Timestamp,
    /// When its last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Whether somebody asked a running job to stop.
    pub cancel_requested: bool,
    /// Why it is parked, failed or cancelled, or what went wrong last.
    pub error: Option<String>,
    /// The failures kept with it, oldest first, the last ten at most.
    pub errors: Vec<AttemptError>,
    /// Its output, as JSON.
    pub output: Option<String>,
}

impl JobRecord {
    /// A record with nothing but its identity, for stores that fill it in.
    #[must_use]
    pub fn new(id: JobId, kind: String, queue: String, state: State) -> Self {
        Self {
            id,
            kind,
            queue,
            priority: 0,
            state,
            payload: String::new(),
            name: None,
            retries: None,
            tags: Vec::new(),
            metadata: None,
            tenant: None,
            user: None,
            failures: 0,
            crashes: 0,
            snoozes: 0,
            token: 0,
            schedule: None,
            tick: None,
            parent: None,
            chain: Vec::new(),
            created_at: Timestamp::UNIX_EPOCH,
            run_at: Timestamp::UNIX_EPOCH,
            started_at: None,
            finished_at: None,
            cancel_requested: false,
            error: None,
            errors: Vec::new(),
            output: None,
        }
    }
}

/// One recorded failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptError {
    /// Which attempt failed.
    pub attempt: u32,
    /// When, in microseconds since the Unix epoch.
    pub at: i64,
    /// The text.
    pub error: String,
}

/// How many failures are kept with a job.
pub const KEPT_ERRORS: usize = 10;

/// A live worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WorkerRecord {
    /// Its identity.
    pub id: WorkerId,
    /// Its name, `host:pid` unless given.
    pub name: String,
    /// The build it runs.
    pub build: String,
    /// The queues it serves.
    pub queues: Vec<String>,
    /// When it started.
    pub started_at: Timestamp,
    /// When its lease was last renewed.
    pub renewed_at: Timestamp,
    /// How many jobs it holds.
    pub held: u64,
}

impl WorkerRecord {
    /// A record of a worker that has just started and serves nothing, for stores that fill it in.
    #[must_use]
    pub fn new(id: WorkerId, name: String, build: String, started_at: Timestamp) -> Self {
        Self { id, name, build, queues: Vec::new(), started_at, renewed_at: started_at, held: 0 }
    }
}

/// How many jobs are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// Wait for their time.
    pub scheduled: u64,
    /// Ready to run.
    pub available: u64,
    /// Held by workers.
    pub running: u64,
    /// Wait for their next attempt.
    pub retryable: u64,
    /// Wait for other jobs.
    pub blocked: u64,
    /// Nobody here can run them.
    pub parked: u64,
    /// Ended well, in the history.
    pub completed: u64,
    /// Ended badly, in the history.
    pub failed: u64,
    /// Stopped on request, in the history.
    pub cancelled: u64,
}

impl Counts {
    /// The number of jobs in one state.
    #[must_use]
    pub const fn of(&self, state: State) -> u64 {
        match state {
            State::Scheduled => self.scheduled,
            State::Available => self.available,
            State::Running => self.running,
            State::Retryable => self.retryable,
            State::Blocked => self.blocked,
            State::Parked => self.parked,
            State::Completed => self.completed,
            State::Failed => self.failed,
            State::Cancelled => self.cancelled,
        }
    }

    /// The place of one state's number, for stores that fill it in.
    pub const fn of_mut(&mut self, state: State) -> &mut u64 {
        match state {
            State::Scheduled => &mut self.scheduled,
            State::Available => &mut self.available,
            State::Running => &mut self.running,
            State::Retryable => &mut self.retryable,
            State::Blocked => &mut self.blocked,
            State::Parked => &mut self.parked,
            State::Completed => &mut self.completed,
            State::Failed => &mut self.failed,
            State::Cancelled => &mut self.cancelled,
        }
    }

    /// All jobs that have not ended.
    #[must_use]
    pub fn live(&self) -> u64 {
        State::ALL.into_iter().filter(|state| !state.is_finished()).map(|state| self.of(state)).sum()
    }
}

/// Jobs that wait although nobody will take them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unserved {
    /// Their kind.
    pub kind: String,
    /// Their queue.
    pub queue: String,
    /// Why nobody takes them.
    pub because: UnservedCause,
}

/// Why nobody takes a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnservedCause {
    /// No live worker knows the kind.
    Kind,
    /// No live worker serves the queue.
    Queue,
}
