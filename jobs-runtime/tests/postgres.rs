//! What only a store on a server can get wrong: many starters at once, rights, lost connections, hostile plans, wake-ups.
//!
//! `JOBS_TEST_PG` names the database; `tests/run` brings one. Without it these tests are left out.

#![cfg(feature = "postgres")]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jobs_core::store::{
    ClaimRequest, Completion, CompletionAnswer, Decision, JobStore, KindShape, ManageStore, NewWorker, Now, QueueDemand,
};
use jobs_core::{JobId, NewJob, StoreError, WorkerId};
use jobs_runtime::Timestamp;
use jobs_runtime::store::postgres::{PostgresOptions, PostgresStore, schema_sql};
use tokio_postgres::{Client, NoTls};

/// A schema of its own, and a connection beside the store's.
struct Place {
    options: PostgresOptions,
    admin: Client,
}

/// Runs a test in a schema of its own, if there is a server.
async fn in_a_schema<F: Future<Output = ()>>(test: impl FnOnce(Arc<Place>) -> F) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let Ok(url) = std::env::var("JOBS_TEST_PG") else {
        println!("left out: JOBS_TEST_PG names no PostgreSQL");
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
    async fn open(&self) -> PostgresStore {
        PostgresStore::open(self.options.clone()).await.expect("the schema opens")
    }

    async fn run(&self, sql: &str) {
        self.admin.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    async fn number(&self, sql: &str) -> i64 {
        self.admin.query_one(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
    }

    fn table(&self, name: &str) -> String {
        format!("{}.{name}", self.options.schema)
    }

    /// Ends every connection to the server but our own.
    async fn terminate(&self) {
        self.run(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'",
            self.options.schema
        ))
        .await;
    }
}

fn now() -> Now {
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    Now { wall: Timestamp::from_microsecond(i64::try_from(wall.as_micros()).expect("now")).expect("a time"), steady: wall }
}

fn id() -> JobId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut chance = [0; 10];
    chance[2..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    JobId::from_parts(1_800_000_000_000, chance)
}

fn job(kind: &'static str) -> NewJob {
    let mut job = NewJob::new(kind, "{}");
    job.id = Some(id());
    job.fresh = true;
    job
}

async fn worker(store: &PostgresStore) -> WorkerId {
    let worker = WorkerId::from_bytes(*id().as_bytes());
    let new = NewWorker {
        id: worker,
        name: "a worker".to_owned(),
        build: "1".to_owned(),
        kinds: [KindShape { name: "mail".to_owned(), shape: "1".to_owned() }].into(),
        queues: vec!["default".to_owned()],
        lease: Duration::from_secs(600),
    };
    store.register(now(), new).await.expect("the worker is known");
    worker
}

fn request(worker: WorkerId, limit: usize) -> ClaimRequest {
    let queues = vec![QueueDemand { queue: "default".into(), limit }];
    ClaimRequest { worker, kinds: Arc::new(["mail".to_owned()].into()), queues, limit, probation: false }
}

/// Claims and completes everything; answers how many jobs that were.
async fn drain(store: &PostgresStore, worker: WorkerId) -> usize {
    let mut done = 0;
    loop {
        let claim = store.claim(now(), request(worker, 500)).await.expect("a claim");
        if claim.jobs.is_empty() {
            return done;
        }
        let outcomes = claim.jobs.iter().map(|job| Completion {
            id: job.id,
            seq: job.seq,
            token: job.token,
            started_at: now().wall,
            decision: Decision::Complete { output: None, note: None },
            followers: Vec::new(),
        });
        let answers = store.complete(now(), outcomes.collect()).await.expect("answers");
        assert!(answers.iter().all(|answer| *answer == CompletionAnswer::Applied), "{answers:?}");
        done += answers.len();
    }
}

#[tokio::test]
async fn many_that_start_at_once_make_one_schema() {
    in_a_schema(async |place| {
        let mut starting = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let place = Arc::clone(&place);
            starting.spawn(async move { place.open().await });
        }
        let stores = starting.join_all().await;
        assert_eq!(place.number(&format!("SELECT count(*) FROM {}", place.table("migration"))).await, 1);
        stores[3].enqueue(now(), vec![job("mail")]).await.expect("stored");
        assert_eq!(stores[7].counts().await.expect("counts").available, 1);
    })
    .await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_only_if_it_says_so() {
    in_a_schema(async |place| {
        place.open().await;
        place.run(&format!("INSERT INTO {} (version, oldest) VALUES (2, 1)", place.table("migration"))).await;
        place.open().await;
        place.run(&format!("INSERT INTO {} (version, oldest) VALUES (3, 3)", place.table("migration"))).await;
        let error = PostgresStore::open(place.options.clone()).await.expect_err("it is refused").to_string();
        assert!(error.contains("has schema 3, which programs must know up to 3 to work with, and this one knows 1"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_role_with_few_rights_can_work_where_another_made_the_tables() {
    in_a_schema(async |place| {
        let (schema, role) = (&place.options.schema, format!("role_{}", place.options.schema));
        place.run(&schema_sql(schema).expect("a good name")).await;
        place
            .run(&format!(
                "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA {schema} TO {role}; \
                 GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}; \
                 GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"
            ))
            .await;
        let mut options = place.options.clone();
        options.url = options.url.replace("//jobs@", &format!("//{role}@"));
        let store = PostgresStore::open(options).await.expect("it needs no more");
        store.enqueue(now(), vec![job("mail"), job("mail")]).await.expect("stored");
        let worker = worker(&store).await;
        assert_eq!(drain(&store, worker).await, 2);
        let retention =
            jobs_core::store::Retention { completed: Duration::ZERO, cancelled: Duration::ZERO, failed: Duration::ZERO };
        store.prune(now(), retention).await.expect("pruned");
        store.leave(now(), worker).await.expect("left");
        store.close().await.expect("closed");
        place.run(&format!("DROP SCHEMA {schema} CASCADE; DROP ROLE {role}")).await;
    })
    .await;
}

#[tokio::test]
async fn terminated_connections_come_back_by_themselves() {
    in_a_schema(async |place| {
        let mut options = place.options.clone();
        options.url = format!("{}?application_name={}", options.url, options.schema);
        let store = PostgresStore::open(options).await.expect("it opens");
        let worker = worker(&store).await;
        for round in 1..=5 {
            store.enqueue(now(), vec![job("mail")]).await.expect("stored");
            place.terminate().await;
            // One call may meet the end of its connection; whether it took effect is then unknown.
            let mut done = 0;
            for _ in 0..100 {
                match store.claim(now(), request(worker, 10)).await {
                    Err(StoreError::Unavailable { .. }) => continue,
                    Err(error) => panic!("round {round}: {error}"),
                    Ok(_) => {}
                }
                match store.reconcile(now(), worker, Vec::new()).await {
                    Err(StoreError::Unavailable { .. }) => continue,
                    Err(error) => panic!("round {round}: {error}"),
                    Ok(_) => done = drain(&store, worker).await,
                }
                break;
            }
            assert_eq!(done, 1, "round {round}");
        }
        let mut stored = 0;
        for _ in 0..10 {
            place.terminate().await;
            stored += usize::from(store.enqueue(now(), vec![job("mail")]).await.is_ok());
        }
        assert!(stored >= 1);
    })
    .await;
}

#[tokio::test]
async fn another_process_hears_of_jobs_and_of_commands() {
    in_a_schema(async |place| {
        let (here, there) = (place.open().await, place.open().await);
        let listening = format!("SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN \"jobs.{}\"'", place.options.schema);
        while place.number(&listening).await < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut changes = there.signal().listen();
        let before = changes.borrow_and_update().jobs;
        let stored = here.enqueue(now(), vec![job("mail")]).await.expect("stored");
        let heard = tokio::time::timeout(Duration::from_secs(30), changes.wait_for(|changes| changes.jobs > before)).await;
        assert!(heard.is_ok_and(|heard| heard.is_ok()), "nobody heard of the job");
        let before = changes.borrow_and_update().commands;
        here.cancel(now(), vec![stored[0].id], "not wanted".to_owned()).await.expect("cancelled");
        let heard = tokio::time::timeout(Duration::from_secs(30), changes.wait_for(|changes| changes.commands > before)).await;
        assert!(heard.is_ok_and(|heard| heard.is_ok()), "nobody heard of the command");
    })
    .await;
}

#[tokio::test]
async fn concurrent_enqueues_share_statements() {
    in_a_schema(async |place| {
        let store = place.open().await;
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let store = store.clone();
            calls.spawn(async move { store.enqueue(now(), vec![job("mail")]).await.expect("stored")[0].created });
        }
        assert!(calls.join_all().await.into_iter().all(|created| created));
        let transactions = place.number(&format!("SELECT count(DISTINCT xmin::text) FROM {}", place.table("job"))).await;
        assert!(transactions < 100, "200 calls took {transactions} transactions");
        // One that cannot be stored spoils none that came with it.
        let mut calls = tokio::task::JoinSet::new();
        for nth in 0..50 {
            let store = store.clone();
            let mut new = job("mail");
            if nth == 25 {
                new.tenant = Some("a\0b".to_owned());
            }
            calls.spawn(async move { store.enqueue(now(), vec![new]).await.is_ok() });
        }
        let stored = calls.join_all().await.into_iter().filter(|stored| *stored).count();
        assert_eq!((stored, store.counts().await.expect("counts").available), (49, 249));
    })
    .await;
}

#[tokio::test]
async fn a_million_of_an_unknown_kind_are_not_walked_over() {
    in_a_schema(async |place| {
        let store = place.open().await;
        let table = place.table("job");
        place
            .run(&format!(
                "INSERT INTO {table} (id, kind, queue, priority, state, run_at, created_at, payload) \
                 SELECT gen_random_uuid(), 'strange', 'default', -5, 'available', now(), now(), '{{}}' FROM generate_series(1, 100000)"
            ))
            .await;
        store.enqueue(now(), vec![job("mail"), job("mail")]).await.expect("stored");
        let worker = worker(&store).await;
        for statistics in ["missing", "fresh"] {
            if statistics == "fresh" {
                place.run(&format!("ANALYZE {table}")).await;
                store.enqueue(now(), vec![job("mail"), job("mail")]).await.expect("stored");
            }
            place.run("SELECT pg_stat_clear_snapshot()").await;
            let before = read(&place).await;
            assert_eq!(drain(&store, worker).await, 2);
            let rows = read(&place).await - before;
            assert!(rows < 1_000, "{rows} rows were read with {statistics} statistics");
        }
    })
    .await;
}

/// How many rows of the table of jobs were read so far, by way of an index or not.
async fn read(place: &Place) -> i64 {
    // The server's own numbers come a little later.
    let mut last = -1;
    loop {
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        let read = place
            .number(&format!(
                "SELECT (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables \
                 WHERE schemaname = '{}' AND relname = 'job'",
                place.options.schema
            ))
            .await;
        if read == last {
            return read;
        }
        last = read;
    }
}
