//! The store in memory passes the suite.

use std::sync::Arc;

use jobs_runtime::Store;
use jobs_runtime::store::memory::MemoryStore;
use jobs_runtime::testing::conformance::{BoxFuture, Subject};

struct Memory(MemoryStore);

impl Subject for Memory {
    fn open(&self) -> BoxFuture<Arc<dyn Store>> {
        let handle: Arc<dyn Store> = Arc::new(self.0.clone());
        Box::pin(async { handle })
    }

    fn kill(&self, handle: Arc<dyn Store>) -> BoxFuture<()> {
        Box::pin(async { drop(handle) })
    }
}

jobs_runtime::conformance!(|| Memory(MemoryStore::new()));
