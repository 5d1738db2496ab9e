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
//!   [`JobStore::abandon`], those that nobody has counted yet among them.
//! - **Stop.** A running job that somebody asked to stop does not run again: where it would, by retry, snooze, hand-back, park, rescue
//!   or the leaving of its worker, also of one that was lost, it ends as cancelled for the reason of the request. If it ends by itself,
//!   that counts.
//! - **Followers.** What must happen after an outcome is a job that is stored in the same transaction. Repeated and stale outcomes
//!   store none. The jobs of a chain stay with their job through every state, and a requeued job makes its follower anew.
//! - **Pause.** Of a paused queue nothing is claimed, by nobody, until it is resumed; all else goes on with its jobs. A claim that began
//!   before may still bring some: a process hands back what has not begun when it hears of the pause.
//! - **Repeat window.** The id of a finished job is remembered for at least [`REPEAT_WINDOW`], whatever the retention: enqueueing it
//!   again answers that id as not created, and stores nothing.
//! - **Time** is the `now` of each call. A store that has a clock of its own, shared by many machines, may use that instead.

pub mod contract;
mod jobs;
mod manage;
mod schedules;
mod signal;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

pub use crate::schedule::ONCE;
pub use contract::{Contract, Statement};
pub use jobs::{
    Beat, Claim, ClaimRequest, Completion, CompletionAnswer, Decision, Enqueued, Held, NewKind, NewWorker, QueueDemand, Rescue,
};
pub use manage::{CancelAnswer, JobFilter, JobPage, PausedQueue, Retention, StoreInfo};
pub use schedules::{
    AHEAD, ChangeScope, Deal, Fire, FireRow, Fired, Judgement, KnownWorkers, Live, MAX_JITTER, MAX_SCHEDULES, NewSchedule,
    Occasion, OverrideTimes, RETIRED_FOR, ScheduleAnswer, ScheduleChange, ScheduleEdit, ScheduleFilter, ScheduleList,
    ScheduleRecord, Skip, StoredSchedule, TickCause, TickFilter, TickOutcome, TickRecord, Unreadable, change, judge,
};
pub use signal::{Changes, Signal};

use crate::error::StoreError;
use crate::id::{JobId, WorkerId};
use crate::job::NewJob;
use crate::record::{Counts, JobRecord, Unserved, WorkerRecord};

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
    /// says whether to call again. A dead worker may be known no more before the last of its jobs is free.
    fn rescue(&self, now: Now, by: WorkerId) -> StoreFuture<'_, Rescue>;

    /// Ends a worker in order: whatever it still holds is handed back, and it is forgotten.
    fn leave(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, ()>;

    /// Says that a worker which lost its lease lives: the crashes that its loss put on these jobs are taken back, each once: the crash
    /// of each job that was counted under this token. A job that still runs under this token although its worker is known no more
    /// is handed back, before a rescue that has not come to it yet counts a crash: with no attempt used, and as cancelled if somebody
    /// asked it to stop. One whose worker is known is left alone. Answers how many were taken back or handed back.
    fn abandon(&self, now: Now, held: Vec<Held>) -> StoreFuture<'_, u64>;

    /// Hands out due jobs of the wanted kinds and queues, but for paused queues, in order of (priority, time due, order of enqueue), one on probation among
    /// them in its turn, and makes them `running` under the worker. Jobs whose time has come are made available first.
    ///
    /// Hands out nothing, with `lost` set, when the worker is unknown or its lease has run out.
    fn claim(&self, now: Now, request: ClaimRequest) -> StoreFuture<'_, Claim>;

    /// Records outcomes, each fenced by its token, and answers each in order. One that cannot be recorded spoils no other. With an
    /// outcome that is applied its followers are stored, as [`enqueue`](Self::enqueue) would; with any other none of them is.
    fn complete(&self, now: Now, outcomes: Vec<Completion>) -> StoreFuture<'_, Vec<CompletionAnswer>>;

    /// Hands back every job that is `running` under this worker and not among the `known` ones, by id and token, with no attempt used.
    /// A process calls it when the answer of a claim was lost, once that claim can take effect no more. Answers how many.
    fn reconcile(&self, now: Now, worker: WorkerId, known: Vec<Held>) -> StoreFuture<'_, u64>;

    /// The jobs held by this worker that somebody asked to stop.
    fn cancellations(&self, worker: WorkerId) -> StoreFuture<'_, Vec<JobId>>;

    /// What it can do inside of a transaction of the caller's own; nothing unless it says so.
    fn contract(&self) -> Option<Contract> {
        None
    }

    /// The signal that this store raises when something may have to be looked at, by this process or by another.
    fn signal(&self) -> &Signal;

    /// What it is, for the manifest.
    fn info(&self) -> StoreInfo;

    /// Finishes what was asked and lets go of all resources. Later calls answer [`StoreError::Closed`].
    fn close(&self) -> StoreFuture<'_, ()>;
}

/// Schedules, and the accounting of their ticks.
pub trait ScheduleStore: Send + Sync + 'static {
    /// Changes schedules in one step, as [`change`] says, while nobody else changes any: every store does it by that function. One
    /// answer for each schedule or key of the change, in order. Where something changed, all processes hear of it.
    fn change_schedules(&self, now: Now, change: ScheduleChange) -> StoreFuture<'_, Vec<ScheduleAnswer>>;

    /// Schedules, by key, and the time by the store's clock.
    fn schedules(&self, now: Now, filter: ScheduleFilter) -> StoreFuture<'_, ScheduleList>;

    /// Fires ticks in order, each in one transaction with its job and its account, as [`judge`] says: every store does it by that
    /// function. The jobs that are cancelled for a tick are cancelled as by [`ManageStore::cancel`].
    fn fire(&self, now: Now, ticks: Vec<Fire>) -> StoreFuture<'_, Vec<Fired>>;

    /// What became of the ticks of a schedule, the latest first. Accounts are kept for a day at least.
    fn ticks(&self, filter: TickFilter) -> StoreFuture<'_, Vec<TickRecord>>;
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

    /// Pauses queues, those that nobody uses yet among them. Answers for each whether it was not paused before.
    fn pause(&self, now: Now, queues: Vec<String>) -> StoreFuture<'_, Vec<bool>>;

    /// Resumes queues. Answers for each whether it was paused.
    fn resume(&self, queues: Vec<String>) -> StoreFuture<'_, Vec<bool>>;

    /// The queues that are paused, by name.
    fn paused(&self) -> StoreFuture<'_, Vec<PausedQueue>>;

    /// Removes finished jobs that are older than their retention, and old accounts of ticks, at most [`BITE`] a call. A job younger
    /// than the repeat window is emptied instead and its id kept. Answers how many rows changed; fewer than [`BITE`] means done.
    fn prune(&self, now: Now, retention: Retention) -> StoreFuture<'_, usize>;

    /// The kinds and queues of waiting jobs that no live worker takes, parked ones included.
    fn unserved(&self, now: Now) -> StoreFuture<'_, Vec<Unserved>>;

    /// The workers that are known.
    fn workers(&self) -> StoreFuture<'_, Vec<WorkerRecord>>;
}
