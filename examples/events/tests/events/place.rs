//! Where the application of a test lives: a folder for its mail, and a database of its own.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jobs_runtime::{Client, State};
use sqlx::any::install_default_drivers;
use sqlx::migrate::MigrateDatabase;
use sqlx::{Any, AnyPool, AssertSqlSafe};
use tempfile::TempDir;

/// How long any wait may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A place for one test.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    /// `DATABASE_URL`.
    pub(crate) url: String,
    /// More variables of the application.
    pub(crate) variables: &'static [(&'static str, &'static str)],
}

impl Place {
    /// Shows a fact on a file.
    pub(crate) fn sqlite(fact: &impl AsyncFn(&Self)) {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let url = format!("sqlite:{}", folder.path().join("events.db").display());
        wait(fact(&Self { folder, url, variables: &[] }));
    }

    /// Shows it in a database of the server that `JOBS_TEST_PG` names; `tests/run` brings one.
    pub(crate) fn postgres(fact: &impl AsyncFn(&Self)) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Ok(server) = std::env::var("JOBS_TEST_PG") else {
            let test = thread::current();
            // Past what keeps the output of tests that pass.
            let why = "left out: JOBS_TEST_PG names no PostgreSQL";
            let _ = writeln!(std::io::stderr(), "{}: {why}", test.name().unwrap_or("a test"));
            return;
        };
        let (server, _) = server.rsplit_once('/').expect("the URL names a database");
        let database = format!("events_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let url = format!("{server}/{database}");
        // There a killed process is found when its lease has run out.
        let variables = &[("JOBS_LEASE", "5s"), ("JOBS_HEARTBEAT", "1s")];
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let place = Self { folder, url, variables };
        wait(async {
            Any::create_database(&place.url).await.expect("a database can be made");
            // A role that is called like the schema of jobs would find its own tables there.
            let own_tables = format!("ALTER DATABASE {database} SET search_path = public");
            sqlx::query(AssertSqlSafe(own_tables)).execute(&place.rows().await).await.expect("it is ours to change");
            fact(&place).await;
            Any::force_drop_database(&place.url).await.expect("it is ours to drop");
        });
    }

    /// A client of the jobs.
    pub(crate) async fn client(&self) -> Client {
        Client::connect_to(&self.url).await.expect("the store opens")
    }

    /// The rows.
    pub(crate) async fn rows(&self) -> AnyPool {
        AnyPool::connect(&self.url).await.expect("the database opens")
    }

    /// The mail so far: its text by the name of its file.
    pub(crate) fn mail(&self) -> BTreeMap<String, String> {
        let Ok(folder) = fs::read_dir(self.folder.path().join("mail")) else { return BTreeMap::new() };
        let files: Vec<PathBuf> = folder.map(|entry| entry.expect("it can be listed").path()).collect();
        let name = |path: &PathBuf| path.file_stem().map(|name| name.to_string_lossy().into_owned());
        let text = |path: &PathBuf| fs::read_to_string(path).expect("mail is text");
        files.iter().filter(|path| path.is_file()).map(|path| (name(path).expect("it has a name"), text(path))).collect()
    }

    /// Waits for this number of completed jobs, with nothing else to do now.
    pub(crate) async fn until_done(&self, client: &Client, completed: u64) {
        until("all jobs are completed", async || {
            let counts = client.counts().await.expect("the store answers");
            assert_eq!((counts.failed, counts.parked, counts.retryable), (0, 0, 0), "{counts:?}");
            assert!(counts.of(State::Completed) <= completed, "{counts:?}");
            let waits = counts.available + counts.running;
            (waits == 0 && counts.completed == completed).then_some(())
        })
        .await;
    }
}

/// Looks until there is something, for a bounded time.
pub(crate) async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Runs a future to its end.
fn wait<F: Future>(future: F) -> F::Output {
    install_default_drivers();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("there is room for a runtime");
    runtime.block_on(future)
}

/// Shows facts on both stores, each in a test of its own.
macro_rules! on_both {
    ($($fact:ident),+ $(,)?) => {
        $(
            mod $fact {
                #[test]
                fn sqlite() {
                    crate::place::Place::sqlite(&super::$fact);
                }

                #[test]
                fn postgres() {
                    crate::place::Place::postgres(&super::$fact);
                }
            }
        )+
    };
}
pub(crate) use on_both;
