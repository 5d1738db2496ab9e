//! The store in a PostgreSQL database passes the suite, each fact in a schema of its own.
//!
//! The suite is shown twice: on connections of the store's own, and in the manner for a pooler, which goes by way of the PgBouncer
//! that `JOBS_TEST_PGBOUNCER` names, or without any. `JOBS_TEST_PG` names the database; `tests/run` brings both. Without it the facts are
//! left out.

#![cfg(feature = "postgres")]

use std::future::Future;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jobs_runtime::Store;
use jobs_runtime::store::postgres::{PostgresOptions, PostgresStore};
use jobs_runtime::testing::conformance::{self, BoxFuture, Subject};

struct Schema(PostgresOptions);

impl Subject for Schema {
    fn open(&self) -> BoxFuture<Arc<dyn Store>> {
        let options = self.0.clone();
        Box::pin(async move {
            let store: Arc<dyn Store> = Arc::new(PostgresStore::open(options).await.expect("the schema opens"));
            store
        })
    }

    /// The connections end without a word to the others, as when a process dies.
    fn kill(&self, handle: Arc<dyn Store>) -> BoxFuture<()> {
        Box::pin(async move { handle.close().await.expect("the thread ends") })
    }
}

/// How the store comes to the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Own,
    Pooled,
}

/// A subject of its own for one fact; it is gone when the fact is shown.
fn show<F: Future<Output = ()>>(manner: Manner, fact: impl FnOnce(&'static Schema) -> F) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let Ok(url) = std::env::var("JOBS_TEST_PG") else {
        static ONCE: std::sync::Once = std::sync::Once::new();
        // Past what keeps the output of tests that pass.
        let say = || drop(writeln!(std::io::stderr(), "the whole suite is left out: JOBS_TEST_PG names no PostgreSQL"));
        ONCE.call_once(say);
        return;
    };
    let pooler = std::env::var("JOBS_TEST_PGBOUNCER").ok().filter(|_| manner == Manner::Pooled);
    let mut options = PostgresOptions::new(pooler.as_ref().unwrap_or(&url));
    options.pooled = manner == Manner::Pooled;
    options.schema = format!("conformance {} {}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    options.callers_clock = true;
    options.slack = Duration::ZERO;
    let drop_schema = format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", options.schema);
    conformance::run(async {
        // One test, one subject, for the rest of the process.
        fact(Box::leak(Box::new(Schema(options)))).await;
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("a connection");
        let ((), dropped) = tokio::join!(
            async {
                let _ = connection.await;
            },
            async {
                let dropped = client.batch_execute(&drop_schema).await;
                drop(client);
                dropped
            }
        );
        dropped.expect("the schema can be dropped");
    });
}

macro_rules! facts {
    (($manner:ident) $($topic:ident: $name:ident = $promise:literal;)*) => {
        $(
            #[test]
            fn $name() {
                show(Manner::$manner, |subject| conformance::$topic::$name(subject));
            }
        )*
    };
}

mod own {
    use super::*;
    jobs_runtime::__conformance_table! { [facts] (Own) }
}

mod pooled {
    use super::*;
    jobs_runtime::__conformance_table! { [facts] (Pooled) }
}
