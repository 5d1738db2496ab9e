//! The warden: stops jobs whose time is up and jobs that somebody cancelled. First by asking, after a grace by dropping them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::StoreError;
use jobs_core::store::{Beat, Changes};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{Mutex, watch};

use super::Shared;
use super::executor::Outcome;
use super::lease::Lease;
use super::pool::{Leash, Pool, Reason};
use super::supervisor::Part;

/// How often the store is asked for cancellations at most.
const SELDOM: Duration = Duration::from_millis(100);

/// A job that is stopped at a deadline on the steady clock.
pub(crate) struct Watched {
    pub(crate) deadline: Duration,
    pub(crate) leash: Arc<Leash>,
    pub(crate) reason: Reason,
}

/// Stops jobs.
pub(crate) struct Warden {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    lease: Arc<Lease>,
    outcomes: UnboundedSender<Outcome>,
    changes: watch::Receiver<Changes>,
    beats: watch::Receiver<Beat>,
    commands: u64,
    watched: Arc<Mutex<UnboundedReceiver<Watched>>>,
    /// What is to be done, by its time and the order in which it came.
    deadlines: BTreeMap<(Duration, Reverse<u64>), Watched>,
    order: u64,
}

impl Warden {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        pool: &Arc<Pool>,
        lease: &Arc<Lease>,
        outcomes: UnboundedSender<Outcome>,
        beats: watch::Receiver<Beat>,
        watched: &Arc<Mutex<UnboundedReceiver<Watched>>>,
    ) -> Self {
        let mut changes = shared.store.signal().listen();
        changes.mark_changed();
        Self {
            shared: Arc::clone(shared),
            pool: Arc::clone(pool),
            lease: Arc::clone(lease),
            outcomes,
            changes,
            beats,
            // Something may have been cancelled before anybody listened.
            commands: u64::MAX,
            watched: Arc::clone(watched),
            deadlines: BTreeMap::new(),
            order: 0,
        }
    }

    fn watch(&mut self, watched: Watched) {
        self.order += 1;
        // Deadlines of jobs that have ended long ago must not gather.
        if self.deadlines.len() > 1_000 && self.order.is_multiple_of(1_000) {
            self.deadlines.retain(|_, watched| Arc::strong_count(&watched.leash) > 1);
        }
        self.deadlines.insert((watched.deadline, Reverse(self.order)), watched);
    }

    fn act(&mut self) {
        let now = self.shared.env.now().steady;
        let later = self.deadlines.split_off(&(now + Duration::from_nanos(1), Reverse(u64::MAX)));
        for (_, watched) in std::mem::replace(&mut self.deadlines, later) {
            if watched.leash.reason().is_some() {
                watched.leash.abort.cancel();
            } else {
                self.stop(watched.leash, watched.reason);
            }
        }
    }

    fn stop(&mut self, leash: Arc<Leash>, reason: Reason) {
        leash.stop(reason);
        let deadline = self.shared.env.now().steady.saturating_add(self.shared.options.cancel_grace);
        self.watch(Watched { deadline, leash, reason });
    }

    async fn read_cancellations(&mut self) -> Result<(), StoreError> {
        let (worker, _) = self.lease.current();
        let load = self.pool.load();
        if load.running + load.waiting == 0 {
            return Ok(());
        }
        for id in self.shared.within_patience(self.shared.store.cancellations(worker)).await? {
            if let Some(leash) = self.pool.leash(id).filter(|leash| leash.reason().is_none()) {
                self.stop(leash, Reason::Cancelled);
            } else if let Some(job) = self.pool.take_waiting_one(id) {
                // Handed back, it ends as cancelled.
                let _ = self.outcomes.send(Outcome::hand_back(&job, self.pool.epoch()));
            }
        }
        Ok(())
    }
}

impl Part for Warden {
    async fn run_once(&mut self) -> Result<(), StoreError> {
        let env = self.shared.env.clone();
        let next = self.deadlines.keys().next().map(|(deadline, _)| *deadline);
        let watched = Arc::clone(&self.watched);
        let mut watched = watched.lock().await;
        let mut came = Vec::new();
        tokio::select! {
            biased;
            () = async {
                match next {
                    Some(next) => env.clock.sleep_until(next).await,
                    None => std::future::pending().await,
                }
            } => self.act(),
            _ = watched.recv_many(&mut came, 1_000) => {}
            // A cancellation may meet a job whose claim is still on its way: each heartbeat looks again.
            _ = self.beats.changed() => {
                self.beats.mark_unchanged();
                self.read_cancellations().await?;
            }
            _ = self.changes.changed() => {
                let commands = self.changes.borrow_and_update().commands;
                if commands != self.commands {
                    self.read_cancellations().await?;
                    self.commands = commands;
                    env.sleep(SELDOM).await;
                }
            }
        }
        drop(watched);
        for watched in came {
            self.watch(watched);
        }
        Ok(())
    }
}
