//! The stores: one folder each, and the opening of a store by its settings.

pub mod memory;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod names;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::sync::Arc;

use jobs_core::StoreError;
use jobs_core::store::Store;

use crate::settings::{Settings, StoreUrl};

/// Opens the store that the settings name.
#[cfg_attr(not(any(feature = "postgres", feature = "sqlite")), allow(clippy::unused_async, reason = "opening a file waits"))]
pub(crate) async fn open(settings: &Settings) -> Result<Arc<dyn Store>, StoreError> {
    match &settings.store {
        StoreUrl::Memory => Ok(Arc::new(memory::MemoryStore::new())),
        #[cfg(feature = "sqlite")]
        StoreUrl::Sqlite(path) => {
            use crate::settings::Synchronous;
            let mut options = sqlite::SqliteOptions::new(path);
            options.busy_timeout = settings.sqlite_busy_timeout;
            options.synchronous = match settings.sqlite_synchronous {
                Synchronous::Full => sqlite::Synchronous::Full,
                Synchronous::Normal => sqlite::Synchronous::Normal,
            };
            Ok(Arc::new(sqlite::SqliteStore::open(options).await?))
        }
        #[cfg(feature = "postgres")]
        StoreUrl::Postgres(url) => {
            let mut options = postgres::PostgresOptions::new(url);
            options.schema.clone_from(&settings.postgres_schema);
            options.pooled = settings.postgres_pooled;
            options.deadline = settings.postgres_deadline;
            options.migrate = settings.postgres_migrate;
            Ok(Arc::new(postgres::PostgresStore::open(options).await?))
        }
        #[cfg(not(feature = "postgres"))]
        StoreUrl::Postgres(_) => Err(StoreError::Unusable(
            "this build has no PostgreSQL store: add the feature `postgres` of jobs-runtime in Cargo.toml".to_owned(),
        )),
        #[cfg(not(feature = "sqlite"))]
        StoreUrl::Sqlite(_) => Err(StoreError::Unusable(
            "this build has no SQLite store: add the feature `sqlite` of jobs-runtime in Cargo.toml".to_owned(),
        )),
    }
}
