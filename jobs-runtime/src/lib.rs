//! Durable, scheduled background jobs on an embedded SQLite file, or on PostgreSQL.
//!
//! ```standalone_crate
//! use jobs_runtime::{Enqueue, JobContext, Runtime, job};
//!
//! struct Greeting(&'static str);
//!
//! #[job(queue = "mail", retries = 3, timeout = "30s")]
//! async fn welcome(greeting: &Greeting, ctx: &JobContext, name: String) -> Result<String, std::io::Error> {
//!     Ok(format!("{} {name}, attempt {}", greeting.0, ctx.attempt()))
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::builder().store("memory:").provide(Greeting("hello")).start().await?;
//! let id = welcome::job("Ann".into()).enqueue(runtime.client()).await?;
//! # let _ = id;
//! runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod client;
mod closure;
pub mod env;
mod error;
pub mod guide;
pub mod health;
mod linking;
mod runtime;
mod scheduler;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod testing;
mod worker;

pub use client::{Client, Delivery, Prepared};
pub use closure::{ClosureJob, closure};
pub use error::Error;
pub use health::Health;
pub use jiff::Timestamp;
#[doc(inline)]
pub use jobs_core::lifecycle;
pub use jobs_core::{
    Backoff, BoxError, Chain, Counts, Ending, Enqueue, EnqueueError, Follows, IntoJob, Job, JobBuilder, JobContext, JobEntry,
    JobId, JobRecord, NewJob, ScheduleError, Scope, State, Statement, Store, StoreError, Verdict, When, WorkerId,
    store::CancelAnswer, store::Enqueued, store::JobFilter, store::JobPage, store::PausedQueue,
};
pub use jobs_macros::job;

/// Schedules: their language, their ticks, and what stands of them in a store.
pub mod schedule {
    pub use jobs_core::schedule::*;
    pub use jobs_core::store::{
        MAX_JITTER, MAX_SCHEDULES, NewSchedule, OverrideTimes, ScheduleAnswer, ScheduleRecord, Skip, TickCause, TickFilter,
        TickOutcome, TickRecord, Unreadable,
    };

    pub use crate::client::{ScheduleView, Schedules};
}

pub use runtime::{Builder, Manifest, ManifestJob, ManifestQueue, Runtime};

/// Runs all jobs of this program until the system asks to stop (Ctrl-C, and SIGTERM on Unix), then shuts down in order.
///
/// Settings come from `JOBS_…` variables, `jobs.toml` and defaults, as [`settings`] says. Prints a manifest of what it runs.
pub async fn start() -> Result<(), Error> {
    Runtime::builder().run().await
}

#[doc(hidden)]
pub use jobs_core::__private;

/// The code of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
