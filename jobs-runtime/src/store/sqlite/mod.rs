//! A store in one SQLite file: nothing to install, safe for many processes of one host.
//!
//! `writer` is the one thread that writes, `reader` the one that looks; `enqueue`, `claim`, `complete`, `lease`, `rescue`,
//! `schedules`, `manage` and `prune` are what they do, one idea a file. `schema` makes the file, `file` guards it, `courtesy` lets
//! other processes write too.

mod claim;
mod complete;
mod courtesy;
mod enqueue;
mod error;
mod file;
mod lease;
mod manage;
mod open;
mod prune;
mod reader;
mod rescue;
mod row;
mod schedules;
mod schema;
mod session;
mod version;
mod writer;

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jobs_core::record::{UnservedCause, WorkerRecord};
use jobs_core::store::{
    Beat, CancelAnswer, Claim, ClaimRequest, Completion, CompletionAnswer, Contract, Enqueued, Fire, Fired, Held, JobFilter,
    JobPage, JobStore, ManageStore, NewWorker, Now, PausedQueue, Rescue, Retention, ScheduleAnswer, ScheduleChange,
    ScheduleFilter, ScheduleList, ScheduleStore, Signal, StoreFuture, StoreInfo, TickFilter, TickRecord,
};
use jobs_core::{Counts, JobId, JobRecord, NewJob, StoreError, WorkerId, record::Unserved};
use rusqlite::Connection;

use reader::Reader;
use session::{Session, Watch};
use writer::Writer;

/// The statements of the hot path, for the benchmark that runs them bare. No part of the public API.
#[doc(hidden)]
pub mod bare {
    pub use super::claim::{READ, STRIPE, TAKE};
    pub use super::complete::{FORGET, MOVE_FENCED};
    pub use super::enqueue::INSERT_FRESH;
    pub use super::schema::MIGRATIONS;
}

/// What a transaction of the caller's own runs. `contract.sql` has the views.
const CONTRACT: Contract = Contract {
    enqueue: "INSERT INTO jobs_enqueue (jobs) VALUES (?1) RETURNING (SELECT json_group_array(json_object('id', id, 'created', \
              json(CASE created WHEN 1 THEN 'true' ELSE 'false' END))) FROM (SELECT id, created FROM jobs_enqueue ORDER BY place)) AS answer",
    complete: "INSERT INTO jobs_complete (outcomes) VALUES (?1)",
    one_writer: true,
    own_clock: false,
};

/// How a file is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// The file. It and its folder are made when they are missing, readable by their owner alone.
    pub path: PathBuf,
    /// How commits reach the disk. `Full` by default.
    pub synchronous: Synchronous,
    /// How long a write waits while another program holds the file locked. A minute by default.
    pub busy_timeout: Duration,
    /// Whether one connection of one process does everything, under an exclusive lock. Always so with a SQLite before 3.51.3, where
    /// two connections can damage the file (sqlite.org/wal.html, "the WAL-reset bug").
    pub single_connection: bool,
    /// Whether the file may be the database of something else, too, so that one transaction can write to both. Without it such a file is
    /// refused. Not by default.
    pub shared: bool,
}

/// How commits reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// A commit is on the disk when it is answered for: nothing is lost, also when the power goes.
    #[default]
    Full,
    /// A commit outlives the process, but the last ones may be lost when the power goes.
    Normal,
}

impl SqliteOptions {
    /// The defaults for this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            synchronous: Synchronous::Full,
            busy_timeout: Duration::from_secs(60),
            single_connection: false,
            shared: false,
        }
    }
}

/// A store in one SQLite file. Clones share it.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    writer: Writer,
    // `None` once closed, or where everything goes through the writer's connection.
    reader: Mutex<Option<Reader>>,
    single: bool,
    place: Arc<str>,
    signal: Arc<Signal>,
    watch: Arc<Watch>,
    info: StoreInfo,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("place", &self.shared.place).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the file, making or migrating it as needed.
    ///
    /// Fails with [`StoreError::Unusable`] and what to do when the file is somebody else's, damaged, read-only, on a network file
    /// system, or of a newer schema.
    pub async fn open(options: SqliteOptions) -> Result<Self, StoreError> {
        Ok(Self { shared: Arc::new(open::open(options).await?) })
    }

    fn write<T, F>(&self, work: F) -> StoreFuture<'static, T>
    where
        T: Send + 'static,
        F: FnMut(&mut Session) -> error::Result<T> + Send + 'static,
    {
        self.shared.writer.write(work)
    }

    fn read<T, F>(&self, query: F) -> StoreFuture<'static, T>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        if self.shared.single {
            return self.shared.writer.look(move |session| query(&session.connection).map_err(|error| session.error(&error)));
        }
        let reader = self.shared.reader.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match reader {
            Some(reader) => reader.read(Arc::clone(&self.shared.place), query),
            None => Box::pin(async { Err(StoreError::Closed) }),
        }
    }
}

impl JobStore for SqliteStore {
    fn enqueue(&self, now: Now, jobs: Vec<NewJob>) -> StoreFuture<'_, Vec<Enqueued>> {
        self.write(move |session| enqueue::enqueue(session, now, &jobs))
    }

    fn register(&self, now: Now, worker: NewWorker) -> StoreFuture<'_, ()> {
        self.write(move |session| lease::register(session, now, &worker))
    }

    fn heartbeat(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, Beat> {
        // Beats that wait for the lock for long are given up one by one, and written all at once: one of them may judge at most. When it
        // does may be long after it was sent, if this process was frozen. In whole seconds, since a moment more is none of its doing.
        let (sent, asking) = (Instant::now(), Arc::new(()));
        let asked = Arc::downgrade(&asking);
        let beat = self.write(move |session| {
            let waited = Duration::from_secs(sent.elapsed().as_secs());
            let judging = (asked.strong_count() > 0).then(|| now.steady.saturating_add(waited));
            lease::heartbeat(session, now, worker, judging)
        });
        Box::pin(async move {
            let answer = beat.await;
            drop(asking);
            answer
        })
    }

    fn undisturbed(&self, _worker: WorkerId) -> StoreFuture<'_, bool> {
        let Watch { version, at_renewal, fresh } = &*self.shared.watch;
        let answer = fresh.load(Ordering::Relaxed) && version.load(Ordering::Relaxed) == at_renewal.load(Ordering::Relaxed);
        Box::pin(async move { Ok(answer) })
    }

    fn rescue(&self, now: Now, by: WorkerId) -> StoreFuture<'_, Rescue> {
        self.write(move |session| rescue::rescue(session, now, by))
    }

    fn leave(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, ()> {
        self.write(move |session| lease::leave(session, now, worker))
    }

    fn abandon(&self, now: Now, held: Vec<Held>) -> StoreFuture<'_, u64> {
        self.write(move |session| lease::abandon(session, now, &held))
    }

    fn claim(&self, now: Now, request: ClaimRequest) -> StoreFuture<'_, Claim> {
        self.write(move |session| claim::claim(session, now, &request))
    }

    fn complete(&self, now: Now, outcomes: Vec<Completion>) -> StoreFuture<'_, Vec<CompletionAnswer>> {
        self.write(move |session| complete::complete(session, now, &outcomes))
    }

    fn reconcile(&self, now: Now, worker: WorkerId, known: Vec<Held>) -> StoreFuture<'_, u64> {
        self.write(move |session| lease::reconcile(session, now, worker, &known))
    }

    fn cancellations(&self, worker: WorkerId) -> StoreFuture<'_, Vec<JobId>> {
        self.read(move |connection| lease::cancellations(connection, worker))
    }

    fn contract(&self) -> Option<Contract> {
        // Nobody else can open a file that one connection has for itself.
        (!self.shared.single).then_some(CONTRACT)
    }

    fn signal(&self) -> &Signal {
        &self.shared.signal
    }

    fn info(&self) -> StoreInfo {
        self.shared.info.clone()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        drop(self.shared.reader.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.shared.writer.close()
    }
}

impl ScheduleStore for SqliteStore {
    fn change_schedules(&self, now: Now, change: ScheduleChange) -> StoreFuture<'_, Vec<ScheduleAnswer>> {
        self.write(move |session| schedules::change_schedules(session, now, &change))
    }

    fn schedules(&self, now: Now, filter: ScheduleFilter) -> StoreFuture<'_, ScheduleList> {
        self.read(move |connection| schedules::read(connection, now, &filter))
    }

    fn ticks(&self, filter: TickFilter) -> StoreFuture<'_, Vec<TickRecord>> {
        self.read(move |connection| schedules::ticks(connection, &filter))
    }

    fn fire(&self, now: Now, ticks: Vec<Fire>) -> StoreFuture<'_, Vec<Fired>> {
        self.write(move |session| schedules::fire(session, now, &ticks))
    }
}

impl ManageStore for SqliteStore {
    fn job(&self, id: JobId) -> StoreFuture<'_, Option<JobRecord>> {
        self.read(move |connection| manage::job(connection, id))
    }

    fn job_named(&self, name: String) -> StoreFuture<'_, Option<JobRecord>> {
        self.read(move |connection| manage::job_named(connection, &name))
    }

    fn jobs(&self, filter: JobFilter) -> StoreFuture<'_, JobPage> {
        self.read(move |connection| manage::jobs(connection, &filter))
    }

    fn counts(&self) -> StoreFuture<'_, Counts> {
        self.read(manage::counts)
    }

    fn cancel(&self, now: Now, ids: Vec<JobId>, reason: String) -> StoreFuture<'_, Vec<CancelAnswer>> {
        self.write(move |session| manage::cancel(session, now, &ids, &reason))
    }

    fn requeue(&self, now: Now, ids: Vec<JobId>) -> StoreFuture<'_, Vec<bool>> {
        self.write(move |session| manage::requeue(session, now, &ids))
    }

    fn pause(&self, now: Now, queues: Vec<String>) -> StoreFuture<'_, Vec<bool>> {
        self.write(move |session| manage::pause(session, now, &queues))
    }

    fn resume(&self, queues: Vec<String>) -> StoreFuture<'_, Vec<bool>> {
        self.write(move |session| manage::resume(session, &queues))
    }

    fn paused(&self) -> StoreFuture<'_, Vec<PausedQueue>> {
        self.read(manage::paused)
    }

    fn prune(&self, now: Now, retention: Retention) -> StoreFuture<'_, usize> {
        self.write(move |session| prune::prune(session, now, retention))
    }

    fn unserved(&self, _now: Now) -> StoreFuture<'_, Vec<Unserved>> {
        self.read(|connection| {
            let found = rescue::unserved(connection)?;
            let cause = |strange| if strange { UnservedCause::Kind } else { UnservedCause::Queue };
            Ok(found.into_iter().map(|(kind, queue, strange)| Unserved { kind, queue, because: cause(strange) }).collect())
        })
    }

    fn workers(&self) -> StoreFuture<'_, Vec<WorkerRecord>> {
        self.read(manage::workers)
    }
}
