//! Where the jobs of a test are: in memory, in a file, or in a schema of its own in a database.

use std::future::Future;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use jobs_runtime::Client;
use tokio_postgres::NoTls;

use crate::program::Program;

/// A store for one test.
pub(crate) struct Place {
    /// None: the file that the program chooses by itself.
    url: Option<String>,
    /// Dropped with this value.
    schema: Option<Schema>,
    variables: Vec<(&'static str, &'static str)>,
}

struct Schema {
    database: String,
    name: String,
}

impl Place {
    /// Shows a fact in the process's own memory.
    pub(crate) fn memory(fact: fn(&Self)) {
        fact(&Self { url: Some("memory:".to_owned()), schema: None, variables: Vec::new() });
    }

    /// Shows it on the file that the program makes in its folder when it is told nothing.
    pub(crate) fn sqlite(fact: fn(&Self)) {
        fact(&Self { url: None, schema: None, variables: Vec::new() });
    }

    /// Shows it in a schema of the database that `JOBS_TEST_PG` names; `tests/run` brings one.
    pub(crate) fn postgres(fact: fn(&Self)) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Ok(database) = std::env::var("JOBS_TEST_PG") else {
            let test = thread::current();
            // Past what keeps the output of tests that pass.
            let why = "left out: JOBS_TEST_PG names no PostgreSQL";
            let _ = writeln!(std::io::stderr(), "{}: {why}", test.name().unwrap_or("a test"));
            return;
        };
        let name = format!("example_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let sign = if database.contains('?') { '&' } else { '?' };
        let url = Some(format!("{database}{sign}schema={name}"));
        // There a killed process is found when its lease has run out.
        let variables = vec![("JOBS_LEASE", "5s"), ("JOBS_HEARTBEAT", "1s")];
        fact(&Self { url, schema: Some(Schema { database, name }), variables });
    }

    /// Starts a program on this store.
    pub(crate) fn start(&self, program: &str, folder: &Path, words: &[&str]) -> Program {
        let mut variables = self.variables.clone();
        variables.extend(self.url.as_deref().map(|url| ("JOBS_STORE", url)));
        Program::start_with(program, folder, words, &variables)
    }

    /// A client of this store, which is `file` if it is a file.
    pub(crate) async fn client(&self, file: &Path) -> Client {
        let url = self.url.clone().unwrap_or_else(|| format!("sqlite://{}", file.display()));
        Client::connect_to(url).await.expect("the store opens")
    }

    /// Part of what the quickstart says of where its state is.
    pub(crate) fn said(&self) -> &str {
        match (&self.url, &self.schema) {
            (None, _) => "quickstart.db",
            (_, None) => "this process",
            (_, Some(schema)) => &schema.name,
        }
    }

    /// What a program says of this store.
    pub(crate) fn name(&self) -> &'static str {
        match (&self.url, &self.schema) {
            (None, _) => "sqlite",
            (_, None) => "memory",
            (_, Some(_)) => "postgres",
        }
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        // Fails where no program has made it: then it was shown of another store.
        let sql = format!("DROP SCHEMA {} CASCADE", self.name);
        let dropping = async {
            let (client, connection) = tokio_postgres::connect(&self.database, NoTls).await?;
            let connection = tokio::spawn(connection);
            client.batch_execute(&sql).await?;
            drop(client);
            connection.await.expect("the connection ends well")
        };
        // A test that failed has said why.
        let dropped = thread::scope(|scope| scope.spawn(|| wait(dropping)).join());
        assert!(thread::panicking() || matches!(dropped, Ok(Ok(()))), "{sql}: {dropped:?}");
    }
}

/// Runs a future to its end.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("there is room for a runtime");
    runtime.block_on(future)
}

/// Shows a fact on several stores, each in a test of its own.
macro_rules! on {
    ($($store:ident),+: $fact:ident) => {
        mod $fact {
            $(
                #[test]
                fn $store() {
                    crate::place::Place::$store(super::$fact);
                }
            )+
        }
    };
}
pub(crate) use on;
