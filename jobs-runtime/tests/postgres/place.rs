//! A schema for one test, and jobs for it.

use std::future::Future;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jobs_core::store::{ClaimRequest, Completion, CompletionAnswer, Decision, JobStore, NewKind, NewWorker, Now, QueueDemand};
use jobs_core::{JobId, NewJob, WorkerId};
use jobs_runtime::Timestamp;
use jobs_runtime::store::postgres::{PostgresOptions, PostgresStore};
#[cfg(feature = "mutants")]
use jobs_runtime::testing::guards::{Guard, without};
use tokio_postgres::{Client, NoTls};

/// Says on the terminal, past what keeps the output of tests that pass, that this test is left out.
fn left_out(why: &str) {
    let test = std::thread::current();
    let _ = writeln!(std::io::stderr(), "{}: left out: {why}", test.name().unwrap_or("a test"));
}

/// A schema of its own, and a connection beside the store's.
pub(crate) struct Place {
    pub(crate) options: PostgresOptions,
    pub(crate) admin: Client,
}

/// Runs a test in a schema of its own, if there is a server.
pub(crate) async fn in_a_schema<F: Future<Output = ()>>(test: impl FnOnce(Arc<Place>) -> F) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let Ok(url) = std::env::var("JOBS_TEST_PG") else {
        left_out("JOBS_TEST_PG names no PostgreSQL");
        return;
    };
    let (admin, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let mut options = PostgresOptions::new(url);
    options.schema = format!("own_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let place = Arc::new(Place { options, admin });
    test(Arc::clone(&place)).await;
    place.run(&format!("DROP SCHEMA IF EXISTS {} CASCADE", place.options.schema)).await;
}

impl Place {
    pub(crate) async fn open(&self) -> PostgresStore {
        PostgresStore::open(self.options.clone()).await.expect("the schema opens")
    }

    /// The store with one guard switched off; with all of them for `None`.
    #[cfg(feature = "mutants")]
    pub(crate) async fn open_without(&self, guard: Option<Guard>) -> PostgresStore {
        let mut opening = std::pin::pin!(self.open());
        std::future::poll_fn(|context| without(guard, || opening.as_mut().poll(context))).await
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.admin.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// The first column of every row, as text.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.admin.query(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        rows.iter().map(|row| row.get(0)).collect()
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.admin.query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
    }

    pub(crate) fn table(&self, name: &str) -> String {
        format!("{}.{name}", self.options.schema)
    }

    /// The name of another role. Whoever makes it ends it.
    pub(crate) fn role(&self) -> Role<'_> {
        Role { place: self, name: format!("role_{}", self.options.schema) }
    }

    /// Ends every connection to the server but our own.
    pub(crate) async fn terminate(&self) {
        self.run(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'",
            self.options.schema
        ))
        .await;
    }
}

/// A role beside the one that the URL names.
pub(crate) struct Role<'a> {
    place: &'a Place,
    pub(crate) name: String,
}

impl Role<'_> {
    /// How this role opens the store.
    pub(crate) fn options(&self) -> PostgresOptions {
        let mut options = self.place.options.clone();
        let (scheme, rest) = options.url.split_once("://").expect("a URL has a scheme");
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        options.url = format!("{scheme}://{}:secret@{host}", self.name);
        options
    }

    /// Ends the role, and all that it owns.
    pub(crate) async fn end(self) {
        self.place.run(&format!("DROP OWNED BY {0} CASCADE; DROP ROLE {0}", self.name)).await;
    }
}

pub(crate) fn now() -> Now {
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    Now { wall: Timestamp::from_microsecond(i64::try_from(wall.as_micros()).expect("now")).expect("a time"), steady: wall }
}

pub(crate) fn id() -> JobId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut chance = [0; 10];
    chance[2..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    JobId::from_parts(1_800_000_000_000, chance)
}

pub(crate) fn job(kind: &'static str) -> NewJob {
    let mut job = NewJob::new(kind, "{}");
    job.id = Some(id());
    job.fresh = true;
    job
}

pub(crate) async fn worker(store: &PostgresStore) -> WorkerId {
    worker_at(store, now()).await
}

/// A worker that begins at a time, and has its lease for ten minutes.
pub(crate) async fn worker_at(store: &PostgresStore, at: Now) -> WorkerId {
    let worker = WorkerId::from_bytes(*id().as_bytes());
    let new = NewWorker {
        id: worker,
        name: "a worker".to_owned(),
        build: "1".to_owned(),
        kinds: [NewKind::new("mail", "1")].into(),
        queues: vec!["default".to_owned()],
        schedules: Vec::new(),
        lease: Duration::from_secs(600),
        up_for: Duration::ZERO,
    };
    store.register(at, new).await.expect("the worker is known");
    worker
}

pub(crate) fn request(worker: WorkerId, limit: usize) -> ClaimRequest {
    let queues = vec![QueueDemand { queue: "default".into(), limit }];
    ClaimRequest { worker, kinds: Arc::new(["mail".to_owned()].into()), queues, limit, probation: true }
}

/// Claims and completes everything; answers how many jobs that were.
pub(crate) async fn drain(store: &PostgresStore, worker: WorkerId) -> usize {
    drain_at(store, worker, now()).await
}

/// The same at a time.
pub(crate) async fn drain_at(store: &PostgresStore, worker: WorkerId, at: Now) -> usize {
    let mut done = 0;
    loop {
        let claim = store.claim(at, request(worker, 500)).await.expect("a claim");
        if claim.jobs.is_empty() {
            return done;
        }
        let outcomes = claim.jobs.iter().map(|job| Completion {
            id: job.id,
            seq: job.seq,
            token: job.token,
            started_at: at.wall,
            decision: Decision::Complete { output: None, note: None },
            followers: Vec::new(),
        });
        let answers = store.complete(at, outcomes.collect()).await.expect("answers");
        assert!(answers.iter().all(|answer| *answer == CompletionAnswer::Applied), "{answers:?}");
        done += answers.len();
    }
}

/// Another connection, with a transaction open.
pub(crate) async fn transaction(place: &Place) -> Client {
    let (client, connection) = tokio_postgres::connect(&place.options.url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client.batch_execute("BEGIN").await.expect("a transaction is open");
    client
}

/// Ends it.
pub(crate) async fn commit(client: &Client) {
    client.batch_execute("COMMIT").await.expect("the transaction ends");
}

/// Waits until some statement on a table of this schema waits for a lock.
pub(crate) async fn somebody_waits(place: &Place, what: &str) {
    waits_or(place, what, || false).await;
}

/// Waits until some statement on a table of this schema waits for a lock, or until something else is so.
pub(crate) async fn waits_or(place: &Place, what: &str, so: impl Fn() -> bool) {
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%{}%' AND query LIKE '%{what}%'",
        place.options.schema
    );
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while place.number(&waiting).await == 0 && !so() {
        assert!(std::time::Instant::now() < deadline, "nobody waits");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
