//! The rescuer: ends dead workers, frees what they held, and parks what nobody can run, whenever a heartbeat has found such.

use std::sync::Arc;

use jobs_core::StoreError;
use jobs_core::store::Beat;
use tokio::sync::watch;

use super::Shared;
use super::lease::Lease;
use super::supervisor::Part;
use crate::telemetry;

/// Frees the jobs of the dead.
pub(crate) struct Rescuer {
    shared: Arc<Shared>,
    lease: Arc<Lease>,
    beats: watch::Receiver<Beat>,
}

impl Rescuer {
    pub(crate) fn new(shared: &Arc<Shared>, lease: &Arc<Lease>, beats: watch::Receiver<Beat>) -> Self {
        Self { shared: Arc::clone(shared), lease: Arc::clone(lease), beats }
    }
}

impl Part for Rescuer {
    async fn run_once(&mut self) -> Result<(), StoreError> {
        if self.beats.changed().await.is_err() {
            return std::future::pending().await;
        }
        while self.beats.borrow_and_update().rescue {
            let (worker, _) = self.lease.current();
            let rescue = self.shared.within_patience(self.shared.store.rescue(self.shared.env.now(), worker)).await?;
            self.shared.board.rescued(&rescue);
            telemetry::rescued(&rescue);
            if !rescue.more {
                break;
            }
        }
        Ok(())
    }
}
