//! The stores: one folder each, and the opening of a store by its settings.

pub mod memory;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod names;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jobs_core::StoreError;
use jobs_core::store::{Fire, Fired, Store, TickFilter};

use crate::settings::{Settings, StoreUrl};

/// Why a job was cancelled for the next tick of its schedule.
pub(crate) const CANCELLED_FOR_A_TICK: &str = "a later tick of its schedule has come (overlap = \"cancel\")";

/// How many accounts of ticks a filter asks for.
pub(crate) const fn ticks_of(filter: &TickFilter) -> usize {
    if filter.limit == 0 || filter.limit > 1_000 { 1_000 } else { filter.limit }
}

/// When a process began that has run for so long.
pub(crate) fn start_of(now: Timestamp, up_for: Duration) -> Timestamp {
    now.saturating_sub(SignedDuration::try_from(up_for).unwrap_or_default()).unwrap_or(now)
}

/// Whether a tick began to wait for the run before it. Whoever runs that shall hear of it, and of its cancellation.
pub(crate) fn newly_queued(ticks: &[Fire], answers: &[Fired]) -> bool {
    let waits = |(tick, answer): (&Fire, &Fired)| {
        *answer == Fired::Queued && !matches!(tick.occasion, jobs_core::store::Occasion::Queued { .. })
    };
    ticks.iter().zip(answers).any(waits)
}

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
            options.shared = settings.sqlite_shared;
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
