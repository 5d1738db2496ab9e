//! The store in a SQLite file passes the suite.

#![cfg(feature = "sqlite")]

use std::path::PathBuf;
use std::sync::Arc;

use jobs_runtime::Store;
use jobs_runtime::store::sqlite::{SqliteOptions, SqliteStore};
use jobs_runtime::testing::conformance::{BoxFuture, Subject};
use tempfile::TempDir;

struct Sqlite {
    _folder: TempDir,
    path: PathBuf,
}

impl Sqlite {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let path = folder.path().join("jobs.db");
        Self { _folder: folder, path }
    }
}

impl Subject for Sqlite {
    fn open(&self) -> BoxFuture<Arc<dyn Store>> {
        let options = SqliteOptions::new(&self.path);
        Box::pin(async move {
            let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).await.expect("the file opens"));
            store
        })
    }

    /// Closing says nothing to the others: the system lets go of the locks, as it does when a process dies.
    fn kill(&self, handle: Arc<dyn Store>) -> BoxFuture<()> {
        Box::pin(async move { handle.close().await.expect("the threads end") })
    }
}

jobs_runtime::conformance!(Sqlite::new);
