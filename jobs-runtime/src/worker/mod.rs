//! The worker: everything of one process that takes jobs and runs them.
//!
//! ```text
//! Fetcher ──claims──► Pool ──jobs──► Executor ──outcomes──► Completer ──► Store
//!    ▲                  │ running          ▲
//!    └── room ──────────┘                  │ stop, abort
//! Heartbeat ──► Lease    Warden, Canceller ┘ (timeouts, cancellations)    Pauser
//!     └──► Rescuer    Pruner
//! ```
//!
//! Each part is a [`Part`](supervisor::Part): a small struct with `run_once`, started and watched by the supervisor. None knows
//! another; they meet in the [`Pool`](pool::Pool), in the [`Lease`](lease::Lease) and in the store.

pub(crate) mod canceller;
pub(crate) mod completer;
pub(crate) mod durations;
pub(crate) mod executor;
pub(crate) mod fetcher;
mod follow;
pub(crate) mod guard;
pub(crate) mod heartbeat;
pub(crate) mod lease;
pub(crate) mod leash;
pub(crate) mod pauser;
pub(crate) mod pool;
pub(crate) mod pruner;
pub(crate) mod rescuer;
pub(crate) mod supervisor;
mod unit;
pub(crate) mod warden;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jobs_core::Services;
use jobs_core::registry::Registry;
use jobs_core::store::{NewSchedule, Now, Retention, Store};
use jobs_core::{Backoff, StoreError};

use self::pool::Pool;
use crate::env::{Env, first};
use crate::health::Board;
use crate::scheduler::Runs;

/// Waits until no job runs.
pub(crate) async fn idle(pool: &Pool) {
    loop {
        let changed = pool.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        if pool.load().running == 0 {
            return;
        }
        changed.await;
    }
}

/// What every part is made of.
pub(crate) struct Shared {
    pub(crate) env: Env,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) registry: Registry,
    pub(crate) services: Arc<Services>,
    pub(crate) options: Options,
    pub(crate) kinds: Arc<BTreeSet<String>>,
    /// The schedules in the code of this build, by key.
    pub(crate) schedules: BTreeMap<String, NewSchedule>,
    pub(crate) runs: Runs,
    /// When this process began to be known.
    pub(crate) began: OnceLock<Now>,
    pub(crate) board: Arc<Board>,
    pub(crate) redact: Option<Redact>,
}

/// Rewrites the text of an error before it is kept.
pub(crate) type Redact = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// The settings of a worker, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) name: String,
    pub(crate) build: String,
    pub(crate) concurrency: usize,
    pub(crate) queues: Vec<QueueOption>,
    pub(crate) lease: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) retries: u32,
    pub(crate) backoff: Backoff,
    pub(crate) timeout: Option<Duration>,
    pub(crate) cancel_grace: Duration,
    pub(crate) drain: Duration,
    pub(crate) shutdown_grace: Duration,
    pub(crate) retention: Retention,
    pub(crate) output_limit: usize,
    pub(crate) error_limit: usize,
    pub(crate) schedules: bool,
    /// How long one call of the store may take.
    pub(crate) patience: Duration,
}

impl Options {
    /// How long a transaction may be open that keeps everybody else from writing: so short that a heartbeat that waits for it, a third of the
    /// lease after the one before, still comes in time.
    pub(crate) fn longest_transaction(&self) -> Duration {
        self.lease / 3
    }
}

/// A queue that is served.
#[derive(Clone, Debug)]
pub(crate) struct QueueOption {
    pub(crate) name: Arc<str>,
    /// How many of its jobs run at once; `None`: as many as the process runs in all.
    pub(crate) concurrency: Option<usize>,
}

impl Shared {
    /// For how long this process has been known.
    pub(crate) fn up_for(&self) -> Duration {
        let now = self.env.now();
        let began = self.began.get_or_init(|| now);
        // A steady clock may stand still while the machine sleeps.
        let by_the_wall = Duration::try_from(now.wall.duration_since(began.wall)).unwrap_or_default();
        now.steady.saturating_sub(began.steady).max(by_the_wall)
    }

    /// Runs a store call under the deadline that every wait on a database has.
    pub(crate) async fn within_patience<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.within(self.options.patience, call).await
    }

    /// Runs a store call under a deadline. Health says so while it takes longer than a heartbeat.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        tokio::pin!(call);
        let soon = self.options.heartbeat.min(limit);
        first! {
            answer = &mut call => return answer,
            () = self.env.sleep(soon) => {}
        }
        let _silent = self.board.silent();
        first! {
            answer = &mut call => answer,
            () = self.env.sleep(limit.saturating_sub(soon)) => Err(StoreError::Unavailable {
                message: format!("no answer within {}", jobs_core::duration::format(limit)).into(),
                source: None,
            }),
        }
    }
}
