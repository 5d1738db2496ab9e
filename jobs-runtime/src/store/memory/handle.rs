//! The handle that implements the store's traits: it takes the lock, passes the call on, and wakes listeners when the lock is free.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jobs_core::record::{Unserved, WorkerRecord};
use jobs_core::store::{
    Beat, CancelAnswer, Claim, ClaimRequest, Completion, CompletionAnswer, Enqueued, Fire, Fired, Held, JobFilter, JobPage,
    JobStore, ManageStore, NewWorker, Now, PausedQueue, Rescue, Retention, ScheduleAnswer, ScheduleChange, ScheduleFilter,
    ScheduleList, ScheduleStore, Signal, StoreFuture, StoreInfo, TickFilter, TickRecord,
};
use jobs_core::{Counts, JobId, JobRecord, NewJob, StoreError, WorkerId};

use super::state::{State, Wake};
use super::transaction::Transaction;

/// A store in this process's memory. Clones share the data: each is like another process on the same store, with its own end.
///
/// Every call takes effect at the first poll of its future, under one lock that is never held across an await.
#[derive(Debug, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    signal: Signal,
}

/// All that was stored at one instant.
#[cfg(feature = "mutants")]
#[derive(Clone, Debug)]
pub struct Snapshot(State);

impl Clone for MemoryStore {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), closed: AtomicBool::new(false) }
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of all that is stored, as a backup is one. For tests alone.
    #[cfg(feature = "mutants")]
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Puts back what a copy holds; what came later is forgotten. Nobody hears of it. For tests alone.
    #[cfg(feature = "mutants")]
    pub fn restore(&self, snapshot: &Snapshot) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&snapshot.0);
    }

    /// A transaction of the caller's own: all that `work` does takes effect at once, or nothing where it fails. What it writes elsewhere under
    /// a lock of its own is seen with it by nobody else before this ends.
    pub fn transaction<T>(
        &self,
        now: Now,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        let (answer, wake) = {
            let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            let mut changed = state.clone();
            let answer = work(&mut Transaction { state: &mut changed, now })?;
            let wake = std::mem::take(&mut changed.wake);
            *state = changed;
            (answer, wake)
        };
        self.tell(wake);
        Ok(answer)
    }

    fn tell(&self, wake: Wake) {
        if wake.jobs {
            self.shared.signal.jobs();
        }
        if wake.commands {
            self.shared.signal.commands();
        }
    }

    fn call<'a, T: 'a>(&'a self, call: impl FnOnce(&mut State) -> T + Send + 'a) -> StoreFuture<'a, T> {
        self.try_call(|state| Ok(call(state)))
    }

    fn try_call<'a, T: 'a>(&'a self, call: impl FnOnce(&mut State) -> Result<T, StoreError> + Send + 'a) -> StoreFuture<'a, T> {
        Box::pin(async move {
            if self.closed.load(Ordering::Acquire) {
                return Err(StoreError::Closed);
            }
            let (answer, wake) = {
                let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
                (call(&mut state), std::mem::take(&mut state.wake))
            };
            self.tell(wake);
            answer
        })
    }
}

impl JobStore for MemoryStore {
    fn enqueue(&self, now: Now, jobs: Vec<NewJob>) -> StoreFuture<'_, Vec<Enqueued>> {
        self.try_call(move |state| state.enqueue(now, jobs))
    }

    fn register(&self, now: Now, worker: NewWorker) -> StoreFuture<'_, ()> {
        self.call(move |state| state.register(now, worker))
    }

    fn heartbeat(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, Beat> {
        self.call(move |state| state.heartbeat(now, worker))
    }

    fn rescue(&self, now: Now, _by: WorkerId) -> StoreFuture<'_, Rescue> {
        self.call(move |state| state.rescue(now))
    }

    fn leave(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, ()> {
        self.call(move |state| state.leave(now, worker))
    }

    fn abandon(&self, now: Now, held: Vec<Held>) -> StoreFuture<'_, u64> {
        self.call(move |state| state.abandon(now, &held))
    }

    fn claim(&self, now: Now, request: ClaimRequest) -> StoreFuture<'_, Claim> {
        self.call(move |state| state.claim(now, &request))
    }

    fn complete(&self, now: Now, outcomes: Vec<Completion>) -> StoreFuture<'_, Vec<CompletionAnswer>> {
        self.call(move |state| state.complete(now, outcomes))
    }

    fn reconcile(&self, now: Now, worker: WorkerId, known: Vec<Held>) -> StoreFuture<'_, u64> {
        self.call(move |state| state.reconcile(now, worker, &known))
    }

    fn cancellations(&self, worker: WorkerId) -> StoreFuture<'_, Vec<JobId>> {
        self.call(move |state| state.cancellations(worker))
    }

    fn signal(&self) -> &Signal {
        &self.shared.signal
    }

    fn info(&self) -> StoreInfo {
        StoreInfo {
            name: "memory",
            place: "this process".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            notes: Vec::new(),
        }
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async {
            self.closed.store(true, Ordering::Release);
            Ok(())
        })
    }
}

impl ScheduleStore for MemoryStore {
    fn change_schedules(&self, now: Now, change: ScheduleChange) -> StoreFuture<'_, Vec<ScheduleAnswer>> {
        self.call(move |state| state.change_schedules(now, change))
    }

    fn schedules(&self, now: Now, filter: ScheduleFilter) -> StoreFuture<'_, ScheduleList> {
        self.call(move |state| state.schedules(now, &filter))
    }

    fn ticks(&self, filter: TickFilter) -> StoreFuture<'_, Vec<TickRecord>> {
        self.call(move |state| state.ticks(&filter))
    }

    fn fire(&self, now: Now, ticks: Vec<Fire>) -> StoreFuture<'_, Vec<Fired>> {
        self.try_call(move |state| state.fire(now, &ticks))
    }
}

impl ManageStore for MemoryStore {
    fn job(&self, id: JobId) -> StoreFuture<'_, Option<JobRecord>> {
        self.call(move |state| state.job(id))
    }

    fn job_named(&self, name: String) -> StoreFuture<'_, Option<JobRecord>> {
        self.call(move |state| state.job_named(&name))
    }

    fn jobs(&self, filter: JobFilter) -> StoreFuture<'_, JobPage> {
        self.call(move |state| state.jobs(&filter))
    }

    fn counts(&self) -> StoreFuture<'_, Counts> {
        self.call(|state| state.index.counts)
    }

    fn cancel(&self, now: Now, ids: Vec<JobId>, reason: String) -> StoreFuture<'_, Vec<CancelAnswer>> {
        self.call(move |state| state.cancel(now, &ids, &reason))
    }

    fn requeue(&self, now: Now, ids: Vec<JobId>) -> StoreFuture<'_, Vec<bool>> {
        self.call(move |state| state.requeue(now, &ids))
    }

    fn pause(&self, now: Now, queues: Vec<String>) -> StoreFuture<'_, Vec<bool>> {
        self.call(move |state| state.pause(now, queues))
    }

    fn resume(&self, queues: Vec<String>) -> StoreFuture<'_, Vec<bool>> {
        self.call(move |state| state.resume(&queues))
    }

    fn paused(&self) -> StoreFuture<'_, Vec<PausedQueue>> {
        self.call(|state| state.paused())
    }

    fn prune(&self, now: Now, retention: Retention) -> StoreFuture<'_, usize> {
        self.call(move |state| state.prune(now, retention))
    }

    fn unserved(&self, _now: Now) -> StoreFuture<'_, Vec<Unserved>> {
        self.call(|state| state.unserved())
    }

    fn workers(&self) -> StoreFuture<'_, Vec<WorkerRecord>> {
        self.call(|state| state.workers())
    }
}
