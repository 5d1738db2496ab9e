//! A world for one test: a store, by which several runtimes may work as if they were processes, and one clock.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::store::{JobFilter, Store};
use jobs_core::{Counts, EnqueueError, JobContext, JobId, JobRecord, NewJob, State};
use jobs_runtime::env::{Clock, Env, Rng};
use jobs_runtime::settings::Sources;
use jobs_runtime::store::memory::MemoryStore;
use jobs_runtime::store::postgres::{PostgresOptions, PostgresStore};
use jobs_runtime::store::sqlite::{SqliteOptions, SqliteStore};
use jobs_runtime::testing::TestClock;
use jobs_runtime::{Builder, Client, Enqueue, Runtime};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::caller::Caller;
use crate::database::drop_schema;
use crate::{PATIENCE, Tap, bounded, bounded_by};

/// Noon of a Tuesday.
const NOON: Timestamp = Timestamp::constant(1_767_700_800, 0);

enum Place {
    Memory(MemoryStore),
    File(TempDir),
    Schema(PostgresOptions),
}

/// A store and a clock.
pub struct World {
    place: Place,
    /// The clock of all that is built here. It stands still.
    pub clock: TestClock,
    changes: watch::Sender<u64>,
    seeds: AtomicU64,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Runs a test in a world of each store.
pub async fn on_every_store(test: impl AsyncFn(&World)) {
    in_each([Some(World::in_memory()), Some(World::in_file()), World::in_postgres()], test).await;
}

/// Runs a test in a world of each store that several processes can share.
pub async fn on_every_shared_store(test: impl AsyncFn(&World)) {
    in_each([Some(World::in_file()), World::in_postgres()], test).await;
}

async fn in_each(worlds: impl IntoIterator<Item = Option<World>>, test: impl AsyncFn(&World)) {
    for world in worlds.into_iter().flatten() {
        // Shown only when the test fails.
        println!("on {}", world.name());
        bounded_by(3 * PATIENCE, "the end of the test", test(&world)).await;
        world.clean_up().await;
    }
}

impl World {
    /// A world in memory.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::new(Place::Memory(MemoryStore::new()))
    }

    /// A world in a SQLite file.
    #[must_use]
    pub fn in_file() -> Self {
        Self::new(Place::File(tempfile::tempdir().expect("a folder")))
    }

    /// A world in a schema of its own in the database that `JOBS_TEST_PG` names; none without it.
    #[must_use]
    pub fn in_postgres() -> Option<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Ok(url) = std::env::var("JOBS_TEST_PG") else {
            crate::left_out("its part on PostgreSQL: JOBS_TEST_PG names none");
            return None;
        };
        let mut options = PostgresOptions::new(url);
        options.schema = format!("world {} {}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        options.callers_clock = true;
        options.slack = Duration::ZERO;
        Some(Self::new(Place::Schema(options)))
    }

    /// Leaves nothing behind.
    pub async fn clean_up(&self) {
        let Place::Schema(options) = &self.place else { return };
        let (client, connection) = tokio_postgres::connect(&options.url, tokio_postgres::NoTls).await.expect("a connection");
        let connection = tokio::spawn(connection);
        drop_schema(&client, &format!("\"{}\"", options.schema)).await;
        drop(client);
        let _ = connection.await;
    }

    fn new(place: Place) -> Self {
        Self { place, clock: TestClock::new(NOON), changes: watch::Sender::new(0), seeds: AtomicU64::new(1) }
    }

    /// The time that the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now().wall
    }

    fn name(&self) -> &'static str {
        match self.place {
            Place::Memory(_) => "memory",
            Place::File(_) => "SQLite",
            Place::Schema(_) => "PostgreSQL",
        }
    }

    /// The store, opened as by one more process.
    pub async fn store(&self) -> Arc<Tap> {
        let store: Arc<dyn Store> = match &self.place {
            Place::Memory(store) => Arc::new(store.clone()),
            Place::File(_) => Arc::new(SqliteStore::open(SqliteOptions::new(self.file())).await.expect("a store")),
            Place::Schema(options) => Arc::new(PostgresStore::open(options.clone()).await.expect("a store")),
        };
        Arc::new(Tap::new(store, self.changes.clone()))
    }

    /// A client of this store, with the clock of this world.
    #[must_use]
    pub fn client(&self, store: &Arc<Tap>) -> Client {
        let tokio = tokio::runtime::Handle::current();
        let mut env = Env::system(tokio.clone(), tokio);
        env.clock = Arc::new(self.clock.clone());
        Client::new(Arc::clone(store) as Arc<dyn Store>, env)
    }

    /// A client of this store with the system's clock.
    #[must_use]
    pub fn client_in_real_time(store: &Arc<Tap>) -> Client {
        let tokio = tokio::runtime::Handle::current();
        Client::new(Arc::clone(store) as Arc<dyn Store>, Env::system(tokio.clone(), tokio))
    }

    /// The file, where there is one.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        match &self.place {
            Place::Memory(_) | Place::Schema(_) => panic!("there is no file"),
            Place::File(folder) => folder.path().join("jobs.db"),
        }
    }

    /// Whether it is in a file, where the system says at once which processes are gone.
    #[must_use]
    pub fn is_in_file(&self) -> bool {
        matches!(self.place, Place::File(_))
    }

    /// The URL by which another process comes to this store, in real time.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.place {
            Place::Memory(_) => panic!("no other process comes to it"),
            Place::File(_) => format!("sqlite://{}", self.file().display()),
            Place::Schema(options) => format!("{}?schema={}", options.url, options.schema.replace(' ', "%20")),
        }
    }

    /// A connection of somebody else to the server, and the name of the schema as an identifier.
    pub async fn somebody(&self) -> (tokio_postgres::Client, String) {
        let Place::Schema(options) = &self.place else { panic!("there is no server") };
        let (client, connection) = tokio_postgres::connect(&options.url, tokio_postgres::NoTls).await.expect("a connection");
        tokio::spawn(connection);
        (client, format!("\"{}\"", options.schema))
    }

    /// A connection of somebody who writes to the same database in transactions of his own.
    pub async fn caller(&self) -> Caller {
        let caller = match &self.place {
            Place::Memory(_) => panic!("there is no database"),
            Place::File(_) => Caller::of_file(&self.file()),
            Place::Schema(options) => Caller::of_server(&options.url, format!("\"{}\"", options.schema)).await,
        };
        caller.expect("a connection")
    }

    /// A runtime on this store with the clock of this world, without any settings from outside. Its lease is so long that a test may
    /// turn the clock by two minutes at once.
    pub fn builder(&self, store: &Arc<Tap>) -> Builder {
        Runtime::builder()
            .sources(Sources::none())
            .without_linked()
            .store_opened(Arc::clone(store) as Arc<dyn Store>)
            .clock(Arc::new(self.clock.clone()))
            .rng(Rng::seeded(self.seeds.fetch_add(1, Ordering::Relaxed)))
            .lease(Duration::from_secs(600))
            .heartbeat(Duration::from_secs(180))
            // By this clock a call of the store takes as long as the test turns it meanwhile.
            .option("sqlite.busy_timeout", "10m")
            .option("postgres.deadline", "10m")
    }

    /// The same with the system's clock and the shortest lease that there is.
    pub fn builder_in_real_time(store: &Arc<Tap>) -> Builder {
        Runtime::builder()
            .sources(Sources::none())
            .without_linked()
            .store_opened(Arc::clone(store) as Arc<dyn Store>)
            .lease(Duration::from_secs(3))
            .heartbeat(Duration::from_secs(1))
    }

    /// Waits until `look` finds something. It looks again whenever a store of this world has changed; and now and then, since what
    /// stands in a runtime's health changes a moment later.
    pub async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let mut changes = self.changes.subscribe();
        bounded(what, async {
            loop {
                changes.mark_unchanged();
                if let Some(found) = look().await {
                    return found;
                }
                let _ = tokio::time::timeout(Duration::from_millis(5), changes.changed()).await;
            }
        })
        .await
    }

    /// Lets the clock go on in small steps until `look` finds something, so that the engine acts in time.
    pub async fn pass<T>(&self, what: &str, step: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        self.until(what, async || {
            let found = look().await;
            if found.is_none() {
                self.clock.advance(step);
            }
            found
        })
        .await
    }

    /// Waits until a running job is asked to stop. The clock goes on meanwhile, since the engine looks for cancellations seldom.
    pub async fn asked_to_stop(&self, context: &JobContext) {
        self.until("a job to be asked to stop", async || {
            self.clock.advance(Duration::from_millis(100));
            context.is_cancelled().then_some(())
        })
        .await;
    }

    /// Waits until a job is in this state.
    pub async fn job_in(&self, client: &Client, id: JobId, state: State) -> JobRecord {
        let mut changes = self.changes.subscribe();
        let mut last = None;
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                changes.mark_unchanged();
                last = client.job(id).await.expect("the store answers");
                if let Some(job) = last.clone().filter(|job| job.state == state) {
                    return job;
                }
                let _ = tokio::time::timeout(Duration::from_millis(5), changes.changed()).await;
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("waited in vain for a job to be {state:?}: {last:#?}"))
    }

    /// Waits until no job is left, and sees that each of these has ended well and at once.
    pub async fn all_have_completed(&self, client: &Client, ids: &[String]) {
        self.counts("all jobs to end", client, |counts| counts.live() == 0).await;
        for id in ids {
            let job = client.job(id.parse().expect("an id")).await.expect("the store answers");
            let job = job.unwrap_or_else(|| panic!("{id} is lost"));
            assert_eq!((job.state, job.failures), (State::Completed, 0), "{id}");
        }
    }

    /// Waits until the numbers of jobs fit.
    pub async fn counts(&self, what: &str, client: &Client, fit: impl Fn(&Counts) -> bool) -> Counts {
        self.until(what, async || Some(client.counts().await.expect("the store answers")).filter(&fit)).await
    }
}

/// Shuts a runtime down, but does not wait for ever.
pub async fn stop(runtime: Runtime) {
    bounded("the end of a shutdown", runtime.shutdown()).await;
}

/// Enqueues a job of this kind without arguments.
pub async fn enqueue(client: &Client, kind: &'static str) -> JobId {
    client.enqueue_one(NewJob::new(kind, "{}")).await.expect("the job is stored")
}

/// Enqueues as many jobs of this kind without arguments.
pub async fn enqueue_many(client: &Client, kind: &'static str, number: usize) -> Vec<JobId> {
    client.enqueue_all((0..number).map(|_| NewJob::new(kind, "{}"))).await.expect("the jobs are stored")
}

/// Enqueues a job that was made ready.
pub async fn try_enqueue(client: &Client, job: NewJob) -> Result<JobId, EnqueueError> {
    client.enqueue_one(job).await
}

/// All finished jobs.
pub async fn finished(client: &Client) -> Vec<JobRecord> {
    let filter = JobFilter { finished: true, ..JobFilter::default() };
    client.jobs(filter).await.expect("the store answers").jobs
}
