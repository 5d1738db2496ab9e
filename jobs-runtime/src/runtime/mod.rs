//! The runtime: what [`start`](crate::start) starts, and the handle by which a program holds it.
//!
//! `builder` gathers what the program gives, `checks` finds every mistake before anything runs, `engine` is the thread with all
//! parts on it, `manifest` says what was started, `shutdown` ends it in four steps, `signals` listens to the system.

mod apply;
mod builder;
mod checks;
mod engine;
mod manifest;
mod shutdown;
mod signals;

pub use builder::Builder;
pub use manifest::{Manifest, ManifestJob, ManifestQueue};

use std::fmt;
use std::sync::Arc;

use crate::client::Client;
use crate::error::Error;
use crate::health::Health;
use engine::Engine;

/// A running job system. Dropping it stops everything at once, and running jobs are handed back; [`shutdown`](Self::shutdown) lets
/// them end first.
pub struct Runtime {
    engine: Arc<Engine>,
    client: Client,
    manifest: Manifest,
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("store", &self.manifest.store).finish_non_exhaustive()
    }
}

impl Runtime {
    /// Begins a runtime with parts of one's own.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Enqueues jobs and looks at them.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What was started.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// How every part does.
    #[must_use]
    pub fn health(&self) -> Health {
        self.engine.health()
    }

    /// Ends in four steps: no more jobs are taken, running jobs may end, those that do not are asked to stop, and what is left is
    /// handed back without using an attempt. Takes as long as `shutdown.drain` and `shutdown.grace` allow.
    pub async fn shutdown(self) {
        self.engine.shutdown().await;
    }

    /// Runs until the system asks to stop (Ctrl-C, and SIGTERM on Unix), then shuts down. A second signal skips the waiting for
    /// running jobs, a third the grace.
    pub async fn run_until_signalled(self) -> Result<(), Error> {
        self.run_until(signals::Signals::new()?).await
    }

    async fn run_until(self, mut signals: signals::Signals) -> Result<(), Error> {
        signals.next().await;
        let shutdown = self.engine.shutdown();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => return Ok(()),
                () = signals.next() => self.engine.hurry(),
            }
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.engine.abandon();
    }
}
