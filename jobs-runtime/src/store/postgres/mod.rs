//! A store in a PostgreSQL database: many machines, one schema, the same promises.
//!
//! The store has a thread of its own for its connections, so that no job that blocks a thread can hold up a heartbeat. Each `lane` is a
//! connection with a queue of calls before it: enqueues (which `gather` there), claims, outcomes, heartbeats, duties (rescues, surveys,
//! schedules, commands), and what people look at, which may take long. `wake`
//! carries news between processes. `enqueue`, `claim`, `complete`, `lease`, `rescue`, `schedules`, `manage` and `prune` are what is
//! done, one idea a file; `schema` makes the tables, `days` those of the history; `url`, `connect` and `tls` say where the
//! server is and how to get there.

#[doc(hidden)]
pub mod bare;
mod claim;
mod complete;
mod connect;
mod connection;
mod contract;
mod days;
mod enqueue;
mod error;
mod gather;
mod heads;
mod lane;
mod lease;
mod manage;
mod open;
mod options;
mod prune;
mod rescue;
mod row;
mod schedules;
mod schema;
mod survey;
mod ticks;
mod tls;
mod url;
mod wake;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jobs_core::record::{Unserved, WorkerRecord};
use jobs_core::store::{
    Beat, CancelAnswer, Claim, ClaimRequest, Completion, CompletionAnswer, Contract, Decision, Enqueued, Fire, Fired, Held,
    JobFilter, JobPage, JobStore, ManageStore, NewWorker, Now, PausedQueue, Rescue, Retention, ScheduleAnswer, ScheduleChange,
    ScheduleFilter, ScheduleList, ScheduleStore, Signal, StoreFuture, StoreInfo, TickFilter, TickRecord,
};
use jobs_core::{Counts, JobId, JobRecord, NewJob, StoreError, WorkerId};

use self::connection::Connection;
use self::enqueue::given;
use self::error::Result;
use self::gather::Gather;
use self::lane::{Lane, Patience};
pub use self::options::PostgresOptions;
use self::survey::Surveys;
use self::wake::News;

/// The SQL that makes the tables in a schema, for a person who would rather run it by hand.
pub fn schema_sql(schema: &str) -> std::result::Result<String, StoreError> {
    Ok(schema::script(&schema::quoted(schema)?))
}

/// A store in a PostgreSQL database. Clones share it.
#[derive(Clone)]
pub struct PostgresStore {
    shared: Arc<Shared>,
}

struct Shared {
    // `None` once closed: the thread ends when nobody can call any more.
    lanes: Mutex<Option<Lanes>>,
    signal: Arc<Signal>,
    news: Arc<News>,
    surveys: Arc<Surveys>,
    patience: Patience,
    contract: Contract,
    callers_clock: bool,
    slack: Duration,
    info: StoreInfo,
    ended: tokio::sync::watch::Receiver<bool>,
}

/// The connections, by what they are for.
#[derive(Clone)]
struct Lanes {
    enqueues: Gather,
    claims: Lane,
    outcomes: Lane,
    beats: Lane,
    duties: Lane,
    looks: Lane,
    // Dropped with the others: what goes on without calls ends.
    _alive: Arc<tokio::sync::watch::Sender<()>>,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("place", &self.shared.info.place).finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects, and makes or migrates the tables as needed.
    ///
    /// Fails with [`StoreError::Unusable`] and what to do when the URL is wrong, the server lets this user not in, its version is too
    /// old, or the schema is of a release that this one cannot work with; with [`StoreError::Unavailable`] when it does not answer.
    pub async fn open(options: PostgresOptions) -> std::result::Result<Self, StoreError> {
        Ok(Self { shared: Arc::new(open::open(options).await?) })
    }

    fn lanes(&self) -> std::result::Result<Lanes, StoreError> {
        self.shared.lanes.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(StoreError::Closed)
    }

    fn call<T, F>(&self, lane: fn(&Lanes) -> &Lane, work: F) -> StoreFuture<'_, T>
    where
        T: Send + 'static,
        F: AsyncFnMut(&mut Connection) -> Result<T> + Send + 'static,
    {
        Box::pin(async move {
            let lanes = self.lanes()?;
            lane(&lanes).call(work).await
        })
    }

    fn now(&self, now: Now) -> Option<jiff::Timestamp> {
        given(now, self.shared.callers_clock)
    }

    /// What else there is to do; renewing the lease does not wait for it. Where many dead rows make it slow, it is rare, and its answer
    /// is that there may be something.
    async fn survey(&self, now: Now) -> Beat {
        let unknown = Beat { alive: true, waiting: true, ..Beat::default() };
        let (at, surveys) = (self.now(now), &self.shared.surveys);
        if at.is_none() && !surveys.may_begin(now.steady) {
            return Beat { rescue: surveys.take_rescue(), ..unknown };
        }
        let Ok(lanes) = self.lanes() else { return unknown };
        let told = Arc::clone(surveys);
        let call = lanes.duties.bearing(survey::SILENCE).call(async move |connection| {
            let done = rescue::survey(connection, now, at).await;
            let (beat, took) = done.inspect_err(|_| told.ended(now.steady, survey::FAILED, false))?;
            told.ended(now.steady, took, beat.rescue);
            Ok(beat)
        });
        match tokio::time::timeout(survey::PATIENCE, call).await {
            Ok(Ok(beat)) => beat,
            // Slow ones tell the next heartbeat.
            _ => unknown,
        }
    }

    /// There may be jobs to take, here or elsewhere.
    fn has_jobs(&self) {
        self.shared.signal.jobs();
        self.shared.news.jobs();
    }

    /// There may be commands, here or elsewhere.
    fn has_commands(&self) {
        self.shared.signal.commands();
        self.shared.news.commands();
    }
}

impl JobStore for PostgresStore {
    fn enqueue(&self, now: Now, jobs: Vec<NewJob>) -> StoreFuture<'_, Vec<Enqueued>> {
        Box::pin(async move {
            if jobs.is_empty() {
                return Ok(Vec::new());
            }
            let answers = self.lanes()?.enqueues.enqueue(self.now(now), jobs).await?;
            if answers.iter().any(|answer| answer.created) {
                self.has_jobs();
            }
            Ok(answers)
        })
    }

    fn register(&self, now: Now, worker: NewWorker) -> StoreFuture<'_, ()> {
        let at = self.now(now);
        self.shared.patience.lease(worker.lease);
        Box::pin(async move {
            let call = self.call(|lanes| &lanes.beats, async move |connection| lease::register(connection, at, &worker).await);
            if call.await? {
                self.has_jobs();
            }
            Ok(())
        })
    }

    fn heartbeat(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, Beat> {
        let at = self.now(now);
        Box::pin(async move {
            let beats = self.lanes()?.beats.bearing(self.shared.patience.silence());
            let renewed = match beats.call(async move |connection| lease::renew(connection, at, worker).await).await {
                // It may have been the connection. Renewing twice does no harm.
                Err(StoreError::Unavailable { .. }) => {
                    beats.call(async move |connection| lease::renew(connection, at, worker).await).await
                }
                answer => answer,
            };
            let Some(dead) = renewed? else { return Ok(Beat::default()) };
            let beat = self.survey(now).await;
            Ok(Beat { rescue: beat.rescue || dead, ..beat })
        })
    }

    fn rescue(&self, now: Now, _by: WorkerId) -> StoreFuture<'_, Rescue> {
        let at = self.now(now);
        Box::pin(async move {
            let rescue = self.call(|lanes| &lanes.duties, async move |connection| rescue::rescue(connection, at).await).await?;
            if rescue.freed > 0 {
                self.has_jobs();
            }
            Ok(rescue)
        })
    }

    fn leave(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, ()> {
        let at = self.now(now);
        Box::pin(async move {
            self.call(|lanes| &lanes.beats, async move |connection| lease::leave(connection, at, worker).await).await?;
            self.has_jobs();
            Ok(())
        })
    }

    fn abandon(&self, now: Now, held: Vec<Held>) -> StoreFuture<'_, u64> {
        let at = self.now(now);
        Box::pin(async move {
            let call = self.call(|lanes| &lanes.beats, async move |connection| lease::abandon(connection, at, &held).await);
            let taken_back = call.await?;
            if taken_back > 0 {
                self.has_jobs();
            }
            Ok(taken_back)
        })
    }

    fn claim(&self, now: Now, request: ClaimRequest) -> StoreFuture<'_, Claim> {
        let at = self.now(now);
        // Taken before the call begins: what comes later is news to the next one.
        let news = self.shared.signal.listen().borrow().jobs;
        self.call(|lanes| &lanes.claims, async move |connection| claim::claim(connection, now, at, news, &request).await)
    }

    fn complete(&self, now: Now, outcomes: Vec<Completion>) -> StoreFuture<'_, Vec<CompletionAnswer>> {
        let at = self.now(now);
        let wakes =
            |outcome: &Completion| !matches!(outcome.decision, Decision::Complete { .. }) || !outcome.followers.is_empty();
        let wakes = outcomes.iter().any(wakes);
        Box::pin(async move {
            let call =
                self.call(|lanes| &lanes.outcomes, async move |connection| complete::complete(connection, at, &outcomes).await);
            let answers = call.await?;
            if wakes {
                self.has_jobs();
            }
            Ok(answers)
        })
    }

    fn reconcile(&self, now: Now, worker: WorkerId, known: Vec<Held>) -> StoreFuture<'_, u64> {
        let at = self.now(now);
        Box::pin(async move {
            // On the lane of the claims: behind the one whose answer was lost, if that is still on its way.
            let call =
                self.call(|lanes| &lanes.claims, async move |connection| lease::reconcile(connection, at, worker, &known).await);
            let handed_back = call.await?;
            if handed_back > 0 {
                self.has_jobs();
            }
            Ok(handed_back)
        })
    }

    fn cancellations(&self, worker: WorkerId) -> StoreFuture<'_, Vec<JobId>> {
        self.call(|lanes| &lanes.duties, async move |connection| lease::cancellations(connection, worker).await)
    }

    fn signal(&self) -> &Signal {
        &self.shared.signal
    }

    fn contract(&self) -> Option<Contract> {
        Some(self.shared.contract)
    }

    fn info(&self) -> StoreInfo {
        self.shared.info.clone()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            drop(self.shared.lanes.lock().unwrap_or_else(PoisonError::into_inner).take());
            // The sender goes with the thread.
            let mut ended = self.shared.ended.clone();
            while ended.changed().await.is_ok() {}
            Ok(())
        })
    }
}

impl ScheduleStore for PostgresStore {
    fn change_schedules(&self, now: Now, change: ScheduleChange) -> StoreFuture<'_, Vec<ScheduleAnswer>> {
        let at = self.now(now);
        Box::pin(async move {
            let call = self
                .call(|lanes| &lanes.duties, async move |connection| schedules::change_schedules(connection, at, &change).await);
            let (answers, has_changed) = call.await?;
            if has_changed {
                self.has_commands();
            }
            Ok(answers)
        })
    }

    fn schedules(&self, now: Now, filter: ScheduleFilter) -> StoreFuture<'_, ScheduleList> {
        let at = self.now(now);
        self.call(|lanes| &lanes.duties, async move |connection| schedules::read(connection, at, &filter).await)
    }

    fn ticks(&self, filter: TickFilter) -> StoreFuture<'_, Vec<TickRecord>> {
        self.call(|lanes| &lanes.looks, async move |connection| ticks::read(connection, &filter).await)
    }

    fn fire(&self, now: Now, ticks: Vec<Fire>) -> StoreFuture<'_, Vec<Fired>> {
        let at = self.now(now);
        Box::pin(async move {
            let call = self.call(|lanes| &lanes.duties, async move |connection| ticks::fire(connection, at, &ticks).await);
            let (answers, has_queued) = call.await?;
            if answers.iter().any(|answer| matches!(answer, Fired::Job(_))) {
                self.has_jobs();
            }
            if has_queued {
                self.has_commands();
            }
            Ok(answers)
        })
    }
}

impl ManageStore for PostgresStore {
    fn job(&self, id: JobId) -> StoreFuture<'_, Option<JobRecord>> {
        self.call(|lanes| &lanes.looks, async move |connection| manage::job(connection, id).await)
    }

    fn job_named(&self, name: String) -> StoreFuture<'_, Option<JobRecord>> {
        self.call(|lanes| &lanes.looks, async move |connection| manage::job_named(connection, &name).await)
    }

    fn jobs(&self, filter: JobFilter) -> StoreFuture<'_, JobPage> {
        self.call(|lanes| &lanes.looks, async move |connection| manage::jobs(connection, &filter).await)
    }

    fn counts(&self) -> StoreFuture<'_, Counts> {
        self.call(|lanes| &lanes.looks, async |connection| manage::counts(connection).await)
    }

    fn cancel(&self, now: Now, ids: Vec<JobId>, reason: String) -> StoreFuture<'_, Vec<CancelAnswer>> {
        let at = self.now(now);
        Box::pin(async move {
            let call =
                self.call(|lanes| &lanes.duties, async move |connection| manage::cancel(connection, at, &ids, &reason).await);
            let answers = call.await?;
            self.has_commands();
            Ok(answers)
        })
    }

    fn requeue(&self, now: Now, ids: Vec<JobId>) -> StoreFuture<'_, Vec<bool>> {
        let at = self.now(now);
        Box::pin(async move {
            let call = self.call(|lanes| &lanes.duties, async move |connection| manage::requeue(connection, at, &ids).await);
            let answers = call.await?;
            self.has_jobs();
            Ok(answers)
        })
    }

    fn pause(&self, now: Now, queues: Vec<String>) -> StoreFuture<'_, Vec<bool>> {
        let at = self.now(now);
        Box::pin(async move {
            let call = self.call(|lanes| &lanes.duties, async move |connection| manage::pause(connection, at, &queues).await);
            let answers = call.await?;
            self.has_commands();
            Ok(answers)
        })
    }

    fn resume(&self, queues: Vec<String>) -> StoreFuture<'_, Vec<bool>> {
        Box::pin(async move {
            let call = self.call(|lanes| &lanes.duties, async move |connection| manage::resume(connection, &queues).await);
            let answers = call.await?;
            self.has_commands();
            self.has_jobs();
            Ok(answers)
        })
    }

    fn paused(&self) -> StoreFuture<'_, Vec<PausedQueue>> {
        self.call(|lanes| &lanes.duties, async |connection| manage::paused(connection).await)
    }

    fn prune(&self, now: Now, retention: Retention) -> StoreFuture<'_, usize> {
        let (at, slack) = (self.now(now), self.shared.slack);
        self.call(|lanes| &lanes.looks, async move |connection| prune::prune(connection, now, at, retention, slack).await)
    }

    fn unserved(&self, _now: Now) -> StoreFuture<'_, Vec<Unserved>> {
        self.call(|lanes| &lanes.duties, async |connection| manage::unserved(connection).await)
    }

    fn workers(&self) -> StoreFuture<'_, Vec<WorkerRecord>> {
        self.call(|lanes| &lanes.looks, async |connection| manage::workers(connection).await)
    }
}
