//! The contract of a store: where jobs live, and all that it promises about them.
//!
//! A store implements three traits: [`JobStore`], the hot path from enqueue to completion; [`ScheduleStore`], schedules and their
//! ticks; [`ManageStore`], looking and managing. Every call is shaped like a batch, its future is boxed once a batch, and dropping
//! the future half-way leaves the store consistent: the call took effect wholly or not at all. The suite
//! `jobs_runtime::testing::conformance` tests every promise made here; a store that passes it is one.
//!
//! # The rules
//!
//! - **States** move as [`lifecycle`](crate::lifecycle) says. Finished jobs are in the history, all others are live.
//! - **Token.** A claim adds 1 to the job's token; nothing else changes it, and nothing lowers it. An outcome takes effect only on a
//!   `running` job whose token it bears. So a late answer of a lost worker changes nothing.
//! - **Attempt** = 1 + recorded failures. Failures are recorded with outcomes, never at a claim: hand-back, park, snooze and rescue
//!   use no attempt.
//! - **Crash.** A job that its worker held when the worker died gets one crash more and is *on probation* while its crashes are above
//!   0: claimed only where a [`ClaimRequest`] has room for one such job, one at a time. The first crash only puts it on probation,
//!   since nothing tells which of a worker's jobs killed it; [`QUARANTINE`] crashes *on probation* end it as failed. An outcome that
//!   shows it alive (retry, snooze) clears its crashes. A worker that lost its lease but lives takes its crashes back by
//!   [`JobStore::abandon`].
//! - **Stop.** A running job that somebody asked to stop does not run again: where it would, by retry, snooze, hand-back, park, rescue
//!   or the leaving of its worker, it ends as cancelled for the reason of the request. If it ends by itself, that counts.
//! - **Repeat window.** The id of a finished job is remembered for at least [`REPEAT_WINDOW`], whatever the retention: enqueueing it
//!   again answers that id as not created, and stores nothing.
//! - **Time** is the `now` of each call. A store that has a clock of its own, shared by many machines, may use that instead.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::error::StoreError;
use crate::id::{JobId, WorkerId};
use crate::job::NewJob;
use crate::lifecycle::State;
use crate::record::{ClaimedJob, Counts, JobRecord, Unserved, WorkerRecord};

/// Crashes on probation that end a job as failed.
pub const QUARANTINE: u32 = 3;

/// How long the id of a finished job is remembered at least.
pub const REPEAT_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// How many jobs one maintenance step moves at most, so that it never holds up a claim for long.
pub const BITE: usize = 1_000;

/// The answer of a store call.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The time of a call: the wall clock, and a clock that only goes forward, from any origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The wall clock.
    pub wall: Timestamp,
    /// The steady clock.
    pub steady: Duration,
}

/// All three traits together.
pub trait Store: JobStore + ScheduleStore + ManageStore {}

impl<S: JobStore + ScheduleStore + ManageStore + ?Sized> Store for S {}

/// The hot path: enqueue, claim, complete, and the leases that keep it honest.
pub trait JobStore: Send + Sync + 'static {
    /// Stores all jobs or none. Every job has an id; one without is refused.
    ///
    /// A job whose id is live, or finished within the repeat window, is left as it is. A job whose name is borne by a live job is
    /// not stored; the answer is that job's id. A job that is due goes to `available`, else to `scheduled`.
    fn enqueue(&self, now: Now, jobs: Vec<NewJob>) -> StoreFuture<'_, Vec<Enqueued>>;

    /// Makes a worker known. Parked jobs that it may be able to run become available: those parked because their kind was unknown
    /// (when it knows the kind), and those parked by other argument shapes than its own.
    fn register(&self, now: Now, worker: NewWorker) -> StoreFuture<'_, ()>;

    /// Renews the lease of a worker, and says what else there is to do. A lease that has run out is not renewed.
    fn heartbeat(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, Beat>;

    /// Whether nobody can have judged this worker since its last renewal, although that is a lease ago: for a store whose workers
    /// judge each other by writes, when nobody has written. `false` when in doubt.
    fn undisturbed(&self, worker: WorkerId) -> StoreFuture<'_, bool> {
        let _ = worker;
        Box::pin(async { Ok(false) })
    }

    /// Ends workers that are dead and frees what they held; parks jobs of kinds that no live worker knows; frees parked jobs that a live
    /// worker of another shape may be able to run, for it registered before they were parked. At most [`BITE`] jobs a call; `more`
    /// says whether to call again.
    fn rescue(&self, now: Now, by: WorkerId) -> StoreFuture<'_, Rescue>;

    /// Ends a worker in order: whatever it still holds is handed back, and it is forgotten.
    fn leave(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, ()>;

    /// Says that a worker which lost its lease lives: the crashes that its loss put on these jobs are taken back, for each job whose
    /// newest crash bears this token. Answers how many.
    fn abandon(&self, now: Now, held: Vec<Held>) -> StoreFuture<'_, u64>;

    /// Hands out due jobs of the wanted kinds and queues, in order of (priority, time due, order of enqueue), one on probation among
    /// them in its turn, and makes them `running` under the worker. Jobs whose time has come are made available first.
    ///
    /// Hands out nothing, with `lost` set, when the worker is unknown or its lease has run out.
    fn claim(&self, now: Now, request: ClaimRequest) -> StoreFuture<'_, Claim>;

    /// Records outcomes, each fenced by its token, and answers each in order. One that cannot be recorded spoils no other.
    fn complete(&self, now: Now, outcomes: Vec<Completion>) -> StoreFuture<'_, Vec<CompletionAnswer>>;

    /// Hands back every job that is `running` under this worker and not among the `known` ones, by id and token, with no attempt used.
    /// A process calls it when the answer of a claim was lost, once that claim can take effect no more. Answers how many.
    fn reconcile(&self, now: Now, worker: WorkerId, known: Vec<Held>) -> StoreFuture<'_, u64>;

    /// The jobs held by this worker that somebody asked to stop.
    fn cancellations(&self, worker: WorkerId) -> StoreFuture<'_, Vec<JobId>>;

    /// The signal that this store raises when something may have to be looked at, by this process or by another.
    fn signal(&self) -> &Signal;

    /// What it is, for the manifest.
    fn info(&self) -> StoreInfo;

    /// Finishes what was asked and lets go of all resources. Later calls answer [`StoreError::Closed`].
    fn close(&self) -> StoreFuture<'_, ()>;
}

/// Schedules, and the accounting of their ticks.
pub trait ScheduleStore: Send + Sync + 'static {
    /// Writes the schedules of a starting build: the newest start wins. A new schedule, and one whose text or zone changed, counts
    /// from `now`: no earlier tick is due. Schedules of the `known` kinds that are not among `schedules` are removed.
    fn declare(&self, now: Now, schedules: Vec<NewSchedule>, known: Arc<BTreeSet<String>>) -> StoreFuture<'_, ()>;

    /// All schedules, by key.
    fn schedules(&self) -> StoreFuture<'_, Vec<ScheduleRecord>>;

    /// Fires ticks, each in one transaction with its job, by compare and swap on the schedule's last tick. An instant that was fired
    /// beside the schedule's times gets no second job when its tick comes: the last tick moves on, and the answer is [`Fired::Lost`].
    fn fire(&self, now: Now, ticks: Vec<Fire>) -> StoreFuture<'_, Vec<Fired>>;
}

/// Looking and managing.
pub trait ManageStore: Send + Sync + 'static {
    /// One job, live or finished.
    fn job(&self, id: JobId) -> StoreFuture<'_, Option<JobRecord>>;

    /// The live job of this name.
    fn job_named(&self, name: String) -> StoreFuture<'_, Option<JobRecord>>;

    /// Jobs that match a filter: live jobs in order of enqueue, or finished ones in order of their end, by the filter's states.
    fn jobs(&self, filter: JobFilter) -> StoreFuture<'_, JobPage>;

    /// How many jobs are in each state. Takes no longer because the history is long.
    fn counts(&self) -> StoreFuture<'_, Counts>;

    /// Cancels jobs: one that waits ends at once, one that runs is asked to stop.
    fn cancel(&self, now: Now, ids: Vec<JobId>, reason: String) -> StoreFuture<'_, Vec<CancelAnswer>>;

    /// Makes finished or parked jobs available again, keeping their token and clearing their failures, crashes, output and error.
    /// Answers for each whether it did; a job whose name is borne by a live job is left, and so is one whose contents are pruned.
    fn requeue(&self, now: Now, ids: Vec<JobId>) -> StoreFuture<'_, Vec<bool>>;

    /// Removes finished jobs that are older than their retention, and old accounts of ticks, at most [`BITE`] a call. A job younger
    /// than the repeat window is emptied instead and its id kept. Answers how many rows changed; fewer than [`BITE`] means done.
    fn prune(&self, now: Now, retention: Retention) -> StoreFuture<'_, usize>;

    /// The kinds and queues of waiting jobs that no live worker takes, parked ones included.
    fn unserved(&self, now: Now) -> StoreFuture<'_, Vec<Unserved>>;

    /// The workers that are known.
    fn workers(&self) -> StoreFuture<'_, Vec<WorkerRecord>>;
}

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
    pub kinds: Arc<[KindShape]>,
    /// The queues it serves.
    pub queues: Vec<String>,
    /// How long its lease lasts from each renewal.
    pub lease: Duration,
}

/// A kind that a worker can run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KindShape {
    /// A name or an alias.
    pub name: String,
    /// The hash of its arguments in this build.
    pub shape: String,
}

/// What a heartbeat found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beat {
    /// Whether the worker still has its lease. If not, it must let go of all its jobs and take a new id.
    pub alive: bool,
    /// Whether [`JobStore::rescue`] has something to do.
    pub rescue: bool,
    /// The earliest time at which a waiting job is due.
    pub next_due: Option<Timestamp>,
    /// Whether jobs are available now.
    pub waiting: bool,
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

/// A schedule as a starting build declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSchedule {
    /// Its key, unique in the store.
    pub key: String,
    /// The kind it runs.
    pub kind: String,
    /// The text: `cron 0 2 * * *`, `every 10s`, or `never`.
    pub spec: String,
    /// The time zone's name.
    pub zone: String,
    /// The arguments of each job.
    pub payload: String,
    /// The queue of each job.
    pub queue: String,
    /// The priority of each job.
    pub priority: i16,
    /// The build that declares it.
    pub build: String,
}

/// A schedule as it stands in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScheduleRecord {
    /// What was declared.
    pub schedule: NewSchedule,
    /// The last tick that was fired or skipped, or the time from which it counts. It only grows.
    pub last_tick: Timestamp,
}

impl ScheduleRecord {
    /// A record of these parts, for stores.
    #[must_use]
    pub fn new(schedule: NewSchedule, last_tick: Timestamp) -> Self {
        Self { schedule, last_tick }
    }
}

/// A tick to fire.
#[derive(Clone, Debug)]
pub struct Fire {
    /// The schedule's key.
    pub key: String,
    /// The last tick as the firing process knows it. `None` fires beside the schedule's times (run on start): the last tick stays.
    pub expected: Option<Timestamp>,
    /// The instant.
    pub tick: Timestamp,
    /// How many earlier ticks were missed and are passed over by this one.
    pub missed: u32,
    /// The job of the tick.
    pub job: NewJob,
}

/// The answer for one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fired {
    /// The job was stored.
    Job(JobId),
    /// The last job of the schedule is still live: the tick is recorded as skipped.
    Overlap,
    /// Somebody else was first, or the schedule is gone.
    Lost,
}

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

/// Wakes those who wait for a store: a pair of counters that only grow.
#[derive(Debug)]
pub struct Signal {
    sender: watch::Sender<Changes>,
}

/// How often things have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Jobs may have come or come free.
    pub jobs: u64,
    /// Running jobs may have been asked to stop, or schedules changed.
    pub commands: u64,
}

impl Default for Signal {
    fn default() -> Self {
        Self { sender: watch::Sender::new(Changes::default()) }
    }
}

impl Signal {
    /// Says that jobs may be there to claim.
    pub fn jobs(&self) {
        self.sender.send_modify(|changes| changes.jobs += 1);
    }

    /// Says that there may be cancellations or changed schedules.
    pub fn commands(&self) {
        self.sender.send_modify(|changes| changes.commands += 1);
    }

    /// Says that anything may have changed.
    pub fn all(&self) {
        self.sender.send_modify(|changes| {
            changes.jobs += 1;
            changes.commands += 1;
        });
    }

    /// Listens from now on.
    #[must_use]
    pub fn listen(&self) -> watch::Receiver<Changes> {
        self.sender.subscribe()
    }
}
