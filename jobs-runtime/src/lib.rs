//! Durable, scheduled background jobs on an embedded SQLite file or PostgreSQL.

pub mod env;
pub mod settings;
pub mod store;
pub mod testing;

pub use jobs_core::{
    Backoff, BoxError, Counts, Enqueue, EnqueueError, IntoJob, Job, JobBuilder, JobContext, JobEntry, JobId, JobRecord, NewJob,
    State, Store, StoreError, Verdict, When, WorkerId,
};
pub use jobs_macros::job;

pub use jobs_core::__private;
