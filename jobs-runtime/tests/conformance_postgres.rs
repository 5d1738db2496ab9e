//! The suite for stores, on PostgreSQL: each fact in a schema of its own.

#![cfg(feature = "postgres")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jobs_runtime::Store;
use jobs_runtime::store::postgres::{PostgresOptions, PostgresStore};
use jobs_runtime::testing::conformance::{BoxFuture, Subject};

struct Schema(PostgresOptions);

impl Subject for Schema {
    fn open(&self) -> BoxFuture<Arc<dyn Store>> {
        let options = self.0.clone();
        Box::pin(async { Arc::new(PostgresStore::open(options).await.expect("a store")) as Arc<dyn Store> })
    }

    fn kill(&self, handle: Arc<dyn Store>) -> BoxFuture<()> {
        Box::pin(async move { handle.close().await.expect("closed") })
    }
}

static NEXT: AtomicU64 = AtomicU64::new(0);

jobs_runtime::conformance!(|| {
    let url = std::env::var("JOBS_TEST_PG").expect("JOBS_TEST_PG");
    let mut options = PostgresOptions::new(url);
    options.schema = format!("c{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    options.callers_clock = true;
    options.slack = Duration::ZERO;
    Schema(options)
});
