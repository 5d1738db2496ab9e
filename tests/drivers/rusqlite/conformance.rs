//! The store in a SQLite file passes the suite with a rusqlite from the lower part of the range that it allows: `lowest` and `middle` are
//! packages that each say which. The newest is what the workspace itself is tested with.
//!
//! With the SQLite that comes with these a file has one connection. So all processes of the suite share one handle, as the workers of one
//! process do, and one that is killed beside others is found out by its lease. The one fact that needs two handles is left out by
//! `tests/run`: `--skip closing_one_handle_leaves_the_others`.

use std::path::PathBuf;
use std::sync::Arc;

use jobs_runtime::Store;
use jobs_runtime::store::sqlite::{SqliteOptions, SqliteStore};
use jobs_runtime::testing::conformance::{BoxFuture, Subject};
use tempfile::TempDir;
use tokio::sync::Mutex;

struct Alone {
    _folder: TempDir,
    path: PathBuf,
    handle: Arc<Mutex<Option<Arc<dyn Store>>>>,
}

impl Alone {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let path = folder.path().join("jobs.db");
        Self { _folder: folder, path, handle: Arc::default() }
    }
}

impl Subject for Alone {
    fn open(&self) -> BoxFuture<Arc<dyn Store>> {
        let (options, handle) = (SqliteOptions::new(&self.path), Arc::clone(&self.handle));
        Box::pin(async move {
            let mut handle = handle.lock().await;
            let store: Arc<dyn Store> = match &*handle {
                Some(store) => Arc::clone(store),
                None => Arc::new(SqliteStore::open(options).await.expect("the file opens")),
            };
            *handle = Some(Arc::clone(&store));
            store
        })
    }

    fn kill(&self, killed: Arc<dyn Store>) -> BoxFuture<()> {
        let handle = Arc::clone(&self.handle);
        Box::pin(async move {
            let mut handle = handle.lock().await;
            drop(killed);
            // Where no other process is left, the next one opens the file anew.
            if let Some(last) = handle.take_if(|store| Arc::strong_count(store) == 1) {
                last.close().await.expect("the threads end");
            }
        })
    }
}

jobs_runtime::conformance!(Alone::new);

#[tokio::test]
async fn nobody_else_may_open_the_file_and_is_told_why() {
    assert!(
        env!("CARGO_PKG_DESCRIPTION").ends_with(rusqlite::version()),
        "another SQLite than expected: {}",
        rusqlite::version()
    );
    let alone = Alone::new();
    let store = alone.open().await;
    assert!(store.info().notes.iter().any(|note| note.contains("WAL-reset bug")), "{:?}", store.info().notes);
    let other = SqliteStore::open(SqliteOptions::new(&alone.path)).await;
    let error = other.map(drop).expect_err("one connection is all that is allowed").to_string();
    assert!(error.contains("in use by another process") && error.contains("WAL-reset bug"), "{error}");
}
