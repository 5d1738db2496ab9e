//! The lease of this process: until when it holds, and what happens when it is lost.
//!
//! The deadline that the process keeps for itself counts from the moment it *sent* the last renewal, on its steady clock, and lies
//! before the moment at which others may judge it. At the deadline it asks its jobs to stop, drops those that do not, forgets their
//! outcomes, and begins again under a new id.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jobs_core::store::{Held, NewKind, NewWorker};
use jobs_core::{StoreError, WorkerId};
use tokio::sync::Notify;

use super::Shared;
use super::pool::Pool;
use super::supervisor::Part;
use crate::env::first;
use crate::telemetry;
use crate::testing::guards::Guard;

/// Which worker this process is, and for how long.
pub(crate) struct Lease {
    inner: Mutex<Inner>,
    changed: Notify,
    pool: Arc<Pool>,
}

struct Inner {
    worker: WorkerId,
    /// Until when the lease holds, on the steady clock; `None` while it is lost.
    deadline: Option<Duration>,
    /// Workers that this process was before, with what they held, until the store has heard of their end.
    former: Vec<(WorkerId, Vec<Held>)>,
}

impl Lease {
    /// Begins as a worker that must still be registered.
    pub(crate) fn new(pool: &Arc<Pool>, worker: WorkerId) -> Self {
        let inner = Inner { worker, deadline: None, former: Vec::new() };
        Self { inner: Mutex::new(inner), changed: Notify::new(), pool: Arc::clone(pool) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker, and the time in which claims under it count.
    pub(crate) fn current(&self) -> (WorkerId, u64) {
        let inner = self.lock();
        (inner.worker, self.pool.epoch())
    }

    /// The same, but only while there is a lease: a worker may be known to the store before this process knows of it, and then
    /// nobody here watches its deadline.
    pub(crate) fn held(&self) -> Option<(WorkerId, u64)> {
        let inner = self.lock();
        inner.deadline.map(|_| (inner.worker, self.pool.epoch()))
    }

    /// Until when the lease holds, on the steady clock.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.lock().deadline
    }

    /// Waits until there is a lease.
    pub(crate) async fn wait_until_held(&self) {
        loop {
            let changed = self.changed.notified();
            if self.deadline().is_some() {
                return;
            }
            changed.await;
        }
    }

    /// A renewal that was sent at `sent` has been granted to `worker`.
    pub(crate) fn renewed(&self, worker: WorkerId, deadline: Duration) {
        let mut inner = self.lock();
        if inner.worker == worker {
            inner.deadline = Some(inner.deadline.map_or(deadline, |before| before.max(deadline)));
        }
        drop(inner);
        self.changed.notify_waiters();
    }

    /// The lease of this time is lost. Says so to the keeper, who does what follows; later news of the same time changes nothing.
    pub(crate) fn lose(&self, epoch: u64) {
        if epoch == self.pool.epoch() {
            self.lock().deadline = None;
            self.changed.notify_waiters();
        }
    }

    /// Ends the workers that this process was before: what the store still holds for them goes back, and it hears that they live.
    pub(crate) async fn end_former(&self, shared: &Shared) -> Result<(), StoreError> {
        loop {
            let Some((former, held)) = self.lock().former.first().cloned() else { break };
            let now = shared.env.now();
            // If nobody has judged it yet, what it holds goes back in order; else its crashes are taken back.
            shared.within_patience(shared.store.leave(now, former)).await?;
            if Guard::Abandon.is_on() {
                shared.within_patience(shared.store.abandon(now, held)).await?;
            }
            self.lock().former.remove(0);
        }
        Ok(())
    }
}

/// Keeps the lease: registers, watches the deadline, and lets go of everything when it is lost.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    lease: Arc<Lease>,
    kinds: Arc<[NewKind]>,
    registered: bool,
}

impl Keeper {
    pub(crate) fn new(shared: &Arc<Shared>, pool: &Arc<Pool>, lease: &Arc<Lease>) -> Self {
        let kinds = shared.registry.names().map(|(name, entry)| NewKind::of(name, entry, &shared.options.build)).collect();
        let registered = lease.deadline().is_some();
        Self { shared: Arc::clone(shared), pool: Arc::clone(pool), lease: Arc::clone(lease), kinds, registered }
    }

    /// How long before the end of the lease time the process lets go, to be done when others may judge it.
    pub(crate) fn margin(lease: Duration) -> Duration {
        lease / 5
    }

    /// For how long the process relies on a renewal, from the moment at which it was sent.
    pub(crate) fn valid(lease: Duration) -> Duration {
        if Guard::Margin.is_on() { lease.saturating_sub(Self::margin(lease)) } else { lease }
    }

    /// Makes the worker known, after the end of those that this process was before.
    pub(crate) async fn register(&mut self) -> Result<(), StoreError> {
        // A keeper that was started anew does not know whether its predecessor got so far.
        self.pool.abort_fenced();
        self.wait_for_dropped().await;
        self.lease.end_former(&self.shared).await?;
        let (worker, _) = self.lease.current();
        let sent = self.shared.env.now();
        let options = &self.shared.options;
        let new = NewWorker {
            id: worker,
            name: options.name.clone(),
            build: options.build.clone(),
            kinds: Arc::clone(&self.kinds),
            queues: options.queues.iter().map(|queue| queue.name.to_string()).collect(),
            schedules: self.shared.schedules.keys().cloned().collect(),
            lease: options.lease,
            up_for: self.shared.up_for(),
        };
        if let Err(error) = self.shared.within_patience(self.shared.store.register(sent, new)).await {
            // The answer may have been lost. An id is used once, so this one is given up like a lost one.
            self.take_new_id(Vec::new());
            return Err(error);
        }
        self.registered = true;
        self.lease.renewed(worker, sent.steady + Self::valid(options.lease));
        self.shared.board.worker(worker);
        telemetry::registered(worker, &options.name);
        Ok(())
    }

    /// Waits until the jobs of a lost lease are gone, since what is handed back may begin elsewhere at once. What blocks its thread
    /// cannot be dropped, and is waited for no longer than others must wait anyway.
    async fn wait_for_dropped(&self) {
        let limit = Self::margin(self.shared.options.lease) / 2;
        first! {
            () = super::idle(&self.pool) => {}
            () = self.shared.env.sleep(if Guard::GoneBeforeHandBack.is_on() { limit } else { Duration::ZERO }) => {}
        }
    }

    fn take_new_id(&self, held: Vec<Held>) {
        let mut inner = self.lease.lock();
        let next = if Guard::NewId.is_on() { self.shared.env.worker_id() } else { inner.worker };
        let former = std::mem::replace(&mut inner.worker, next);
        inner.deadline = None;
        inner.former.push((former, held));
    }

    async fn fence(&mut self) {
        let held = self.pool.fence();
        self.registered = false;
        telemetry::lease_lost(held.len());
        self.shared.board.lease_lost();
        self.take_new_id(held);
        // Half of the margin for those that stop when asked, and half for those that are dropped.
        self.shared.env.sleep(Self::margin(self.shared.options.lease) / 2).await;
        self.pool.abort_fenced();
    }
}

impl Part for Keeper {
    async fn run_once(&mut self) -> Result<(), StoreError> {
        if !self.registered {
            return self.register().await;
        }
        let lease = Arc::clone(&self.lease);
        let changed = lease.changed.notified();
        let Some(deadline) = lease.deadline() else {
            self.fence().await;
            return Ok(());
        };
        first! {
            () = changed => return Ok(()),
            () = self.shared.env.clock.sleep_until(deadline), if Guard::OwnDeadline.is_on() => {}
        }
        if self.lease.deadline().is_some_and(|later| later > deadline) {
            return Ok(());
        }
        let (worker, epoch) = self.lease.current();
        let soon = Self::margin(self.shared.options.lease) / 4;
        let undisturbed = first! {
            answer = self.shared.store.undisturbed(worker) => answer.unwrap_or(false),
            () = self.shared.env.sleep(soon) => false,
        };
        if undisturbed {
            // Nobody has written since the last renewal, so nobody can have judged: look again soon.
            self.lease.renewed(worker, self.shared.env.now().steady.saturating_add(soon));
        } else {
            self.lease.lose(epoch);
        }
        Ok(())
    }
}
