//! The heartbeat: renews the lease, and learns in the same transaction what else there is to do.

use std::sync::Arc;
use std::time::Duration;

use jobs_core::StoreError;
use jobs_core::store::Beat;
use tokio::sync::watch;

use super::Shared;
use super::lease::{Keeper, Lease};
use super::supervisor::Part;
use crate::testing::guards::Guard;

/// Renews the lease.
pub(crate) struct Heartbeat {
    shared: Arc<Shared>,
    lease: Arc<Lease>,
    beats: watch::Sender<Beat>,
    next: Option<Duration>,
}

impl Heartbeat {
    pub(crate) fn new(shared: &Arc<Shared>, lease: &Arc<Lease>, beats: watch::Sender<Beat>) -> Self {
        Self { shared: Arc::clone(shared), lease: Arc::clone(lease), beats, next: None }
    }
}

impl Part for Heartbeat {
    async fn run_once(&mut self) -> Result<(), StoreError> {
        self.lease.wait_until_held().await;
        let env = &self.shared.env;
        if let Some(next) = self.next {
            env.clock.sleep_until(next).await;
        }
        self.shared.board.probe(env);
        let Some((worker, epoch)) = self.lease.held() else { return Ok(()) };
        let sent = env.now();
        self.next = Some(sent.steady.saturating_add(env.rng.jitter(self.shared.options.heartbeat)));
        let valid = Keeper::valid(self.shared.options.lease);
        // One call that gets no answer must leave time for another before the lease runs out.
        let beat = self.shared.within(valid / 2, self.shared.store.heartbeat(sent, worker)).await;
        if beat.is_err() {
            // Again after the supervisor's pause: a store that is back must not hear of it only when the next beat is due.
            self.next = None;
        }
        let beat = beat?;
        if !beat.alive {
            self.lease.lose(epoch);
            return Ok(());
        }
        let from = if Guard::DeadlineFromSent.is_on() { sent } else { env.now() };
        self.lease.renewed(worker, from.steady.saturating_add(valid));
        self.beats.send_replace(beat);
        Ok(())
    }
}
