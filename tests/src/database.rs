//! A schema of a test's own in a real database, in real time, and jobs that are counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jobs_core::{JobContext, JobId, NewJob};
use jobs_runtime::env::Env;
use jobs_runtime::settings::Sources;
use jobs_runtime::store::postgres::{PostgresOptions, PostgresStore};
use jobs_runtime::{Builder, Client, ClosureJob, Runtime, closure};

use crate::bounded;

/// A schema.
#[derive(Debug)]
pub struct Database {
    url: String,
    schema: String,
}

impl Database {
    /// A schema in the database that `JOBS_TEST_PG` names; none without it.
    #[must_use]
    pub fn of_tests() -> Option<Self> {
        let url = std::env::var("JOBS_TEST_PG");
        if url.is_err() {
            crate::left_out("JOBS_TEST_PG names no PostgreSQL");
        }
        Some(Self::at(&url.ok()?))
    }

    /// A schema in the database of this URL.
    #[must_use]
    pub fn at(url: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let schema = format!("faults_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self { url: url.to_owned(), schema }
    }

    /// The URL of the server itself.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name of one of its tables.
    #[must_use]
    pub fn table(&self, name: &str) -> String {
        format!("{}.{name}", self.schema)
    }

    /// A runtime that comes to this schema by `url`, with the shortest lease that there is.
    pub fn builder(&self, url: &str) -> Builder {
        Runtime::builder()
            .sources(Sources::none())
            .without_linked()
            .store(format!("{url}?schema={}", self.schema))
            .option("postgres.deadline", "3s")
            .lease(Duration::from_secs(3))
            .heartbeat(Duration::from_secs(1))
    }

    /// A client that comes to this schema by `url`.
    pub async fn client(&self, url: &str) -> Client {
        let mut options = PostgresOptions::new(url);
        options.schema.clone_from(&self.schema);
        let store = PostgresStore::open(options).await.expect("a store");
        let tokio = tokio::runtime::Handle::current();
        Client::new(Arc::new(store), Env::system(tokio.clone(), tokio))
    }

    /// A connection of somebody else to the database.
    pub async fn somebody(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await.expect("a connection");
        tokio::spawn(connection);
        client
    }

    /// Drops the schema.
    pub async fn clean_up(self) {
        drop_schema(&self.somebody().await, &self.schema).await;
    }
}

/// Drops a schema of this name, as it stands in SQL. Where a runtime still shuts down in it, the server may end one of the two for a
/// deadlock.
pub(crate) async fn drop_schema(client: &tokio_postgres::Client, schema: &str) {
    let deadlock = |error: &tokio_postgres::Error| error.code() == Some(&tokio_postgres::error::SqlState::T_R_DEADLOCK_DETECTED);
    loop {
        match client.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await {
            Err(error) if deadlock(&error) => {}
            dropped => return dropped.expect("the schema can be dropped"),
        }
    }
}

/// How often each job ran.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<BTreeMap<JobId, u32>>>);

impl Ledger {
    /// A kind of job that does nothing but stand in this ledger.
    #[track_caller]
    pub fn job(&self, name: &'static str) -> ClosureJob {
        let ledger = self.clone();
        closure(name, move |context: JobContext| {
            *ledger.lock().entry(context.id()).or_default() += 1;
            async {}
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobId, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often a job ran.
    #[must_use]
    pub fn runs(&self, id: JobId) -> u32 {
        self.lock().get(&id).copied().unwrap_or(0)
    }

    /// How often each of these jobs ran that did not run exactly once.
    #[must_use]
    pub fn wrong(&self, ids: &[JobId]) -> Vec<(JobId, u32)> {
        ids.iter().map(|&id| (id, self.runs(id))).filter(|(_, runs)| *runs != 1).collect()
    }
}

/// Enqueues as many jobs with ids of their own, again and again until the store says that it has them, as callers should.
pub async fn enqueue_surely(client: &Client, kind: &'static str, number: usize) -> Vec<JobId> {
    let jobs: Vec<NewJob> = (0..number)
        .map(|_| {
            let mut job = NewJob::new(kind, "{}");
            job.id = Some(client.new_id());
            job
        })
        .collect();
    bounded("jobs to be stored", async {
        while client.enqueue_jobs(jobs.clone()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    jobs.iter().filter_map(|job| job.id).collect()
}
