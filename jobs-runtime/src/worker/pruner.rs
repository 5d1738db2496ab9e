//! The pruner: removes finished jobs whose retention is over, a bite at a time, seldom when there is nothing to remove.

use std::sync::Arc;
use std::time::Duration;

use jobs_core::StoreError;
use jobs_core::store::BITE;

use super::Shared;
use super::supervisor::Part;
use crate::telemetry;

/// The pause after a round that removed something, and after one that did not.
const BUSY: Duration = Duration::from_secs(60);
const IDLE: Duration = Duration::from_secs(600);

/// Lets other writers pass between two bites.
const BETWEEN: Duration = Duration::from_millis(5);

/// Removes old jobs.
pub(crate) struct Pruner {
    shared: Arc<Shared>,
    pause: Duration,
}

impl Pruner {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), pause: BUSY }
    }
}

impl Part for Pruner {
    async fn run_once(&mut self) -> Result<(), StoreError> {
        let env = &self.shared.env;
        env.sleep(env.rng.jitter(self.pause)).await;
        // A round that fails is made again after the supervisor's pause, and not after ten minutes.
        self.pause = Duration::ZERO;
        let mut pruned = 0;
        loop {
            let call = self.shared.store.prune(env.now(), self.shared.options.retention);
            let bite = self.shared.within_patience(call).await?;
            pruned += bite;
            if bite < BITE {
                break;
            }
            env.sleep(BETWEEN).await;
        }
        self.pause = if pruned > 0 { BUSY } else { IDLE };
        telemetry::pruned(pruned);
        Ok(())
    }
}
