//! The canceller: asks jobs to stop that somebody cancelled, and hands back those that still wait in this process.

use std::sync::Arc;
use std::time::Duration;

use jobs_core::StoreError;
use jobs_core::store::{Beat, Changes};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::Shared;
use super::executor::Outcome;
use super::lease::Lease;
use super::leash::Reason;
use super::pool::Pool;
use super::supervisor::Part;
use super::warden::{Measure, Watched};
use crate::env::first;

/// How often the store is asked for cancellations at most.
const SELDOM: Duration = Duration::from_millis(100);

/// Reads the wishes that jobs may stop.
pub(crate) struct Canceller {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    lease: Arc<Lease>,
    outcomes: UnboundedSender<Outcome>,
    watched: UnboundedSender<Watched>,
    changes: watch::Receiver<Changes>,
    beats: watch::Receiver<Beat>,
    commands: u64,
}

impl Canceller {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        pool: &Arc<Pool>,
        lease: &Arc<Lease>,
        outcomes: UnboundedSender<Outcome>,
        watched: UnboundedSender<Watched>,
        beats: watch::Receiver<Beat>,
    ) -> Self {
        let mut changes = shared.store.signal().listen();
        changes.mark_changed();
        Self {
            shared: Arc::clone(shared),
            pool: Arc::clone(pool),
            lease: Arc::clone(lease),
            outcomes,
            watched,
            changes,
            beats,
            // Something may have been cancelled before anybody listened.
            commands: u64::MAX,
        }
    }

    async fn read(&self) -> Result<(), StoreError> {
        let (worker, epoch) = self.lease.current();
        let load = self.pool.load();
        if load.running + load.waiting == 0 {
            return Ok(());
        }
        let cancelled = self.shared.within_patience(self.shared.store.cancellations(worker)).await?;
        if epoch != self.pool.epoch() {
            // These were wishes for jobs of a lease that is lost.
            return Ok(());
        }
        for id in cancelled {
            if let Some(leash) = self.pool.leash(id).filter(|leash| leash.reason().is_none()) {
                leash.stop(Reason::Cancelled);
                let deadline = self.shared.env.now().steady.saturating_add(self.shared.options.cancel_grace);
                // The warden ends with the engine, and then everything is stopped anyway.
                let _ = self.watched.send(Watched { deadline, leash, measure: Measure::Drop });
            } else if let Some(job) = self.pool.take_waiting_one(id) {
                // Handed back, it ends as cancelled.
                let _ = self.outcomes.send(Outcome::hand_back(&job, self.pool.epoch()));
            }
        }
        Ok(())
    }
}

impl Part for Canceller {
    async fn run_once(&mut self) -> Result<(), StoreError> {
        first! {
            // A cancellation may meet a job whose claim is still on its way: each heartbeat looks again.
            _ = self.beats.changed() => {
                self.beats.mark_unchanged();
                self.read().await?;
            }
            _ = self.changes.changed() => {
                let commands = self.changes.borrow_and_update().commands;
                if commands != self.commands {
                    self.read().await?;
                    self.commands = commands;
                    self.shared.env.sleep(SELDOM).await;
                }
            }
        }
        Ok(())
    }
}
