//! A store around another: it counts the calls, tells when something was changed, and fails where a test wants it to.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jobs_core::record::{Unserved, WorkerRecord};
use jobs_core::store::{
    Beat, CancelAnswer, Claim, ClaimRequest, Completion, CompletionAnswer, Enqueued, Fire, Fired, Held, JobFilter, JobPage,
    JobStore, ManageStore, NewSchedule, NewWorker, Now, Rescue, Retention, ScheduleRecord, ScheduleStore, Signal, Store,
    StoreFuture, StoreInfo,
};
use jobs_core::{Counts, JobId, JobRecord, NewJob, StoreError, WorkerId};
use jobs_runtime::env::Clock;
use jobs_runtime::testing::TestClock;
use tokio::sync::watch;

use crate::bounded;

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does nothing and answers an error.
    Error,
    /// It does nothing and never answers.
    Hang,
    /// It takes effect, and answers an error. A claim that takes nothing has nothing to lose: the next one does.
    LoseAnswer,
    /// It takes effect, and answers when [`Tap::deliver`] is called.
    Late,
    /// It panics.
    Panic,
}

/// The store.
pub struct Tap {
    inner: Arc<dyn Store>,
    changes: watch::Sender<u64>,
    calls: watch::Sender<BTreeMap<&'static str, u64>>,
    faults: Mutex<BTreeMap<&'static str, (Fault, usize)>>,
    /// The claim that has just been made brought no job.
    took_nothing: AtomicBool,
    frozen: watch::Sender<bool>,
    claimed: watch::Sender<Option<Duration>>,
    /// The calls whose answers are late.
    late: watch::Sender<BTreeSet<&'static str>>,
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tap")
    }
}

impl Tap {
    /// Taps a store. Each change is told to `changes`.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, changes: watch::Sender<u64>) -> Self {
        Self {
            inner,
            changes,
            calls: watch::Sender::new(BTreeMap::new()),
            faults: Mutex::new(BTreeMap::new()),
            took_nothing: AtomicBool::new(false),
            frozen: watch::Sender::new(false),
            claimed: watch::Sender::new(None),
            late: watch::Sender::new(BTreeSet::new()),
        }
    }

    fn faults(&self) -> MutexGuard<'_, BTreeMap<&'static str, (Fault, usize)>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the next calls of this name go wrong.
    pub fn fail(&self, call: &'static str, fault: Fault, times: usize) {
        self.faults().insert(call, (fault, times));
    }

    /// Lets the calls of this name go well again.
    pub fn mend(&self, call: &'static str) {
        self.faults().remove(call);
    }

    /// Whether the answer of this call is late now.
    #[must_use]
    pub fn is_late(&self, call: &str) -> bool {
        self.late.borrow().contains(call)
    }

    /// Hands out the answers of this call that are late.
    pub fn deliver(&self, call: &str) {
        self.late.send_if_modified(|late| late.remove(call));
    }

    /// Lets no call begin until the thaw.
    pub fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    /// Lets all calls go on.
    pub fn thaw(&self) {
        self.frozen.send_replace(false);
    }

    /// Lets whoever takes jobs look for them, and waits until he has done so at the time that the clock shows now.
    pub async fn looked_for_jobs_at(&self, clock: &TestClock) {
        let now = clock.now().steady;
        self.inner.signal().jobs();
        let mut claimed = self.claimed.subscribe();
        let _ = bounded("somebody to look for jobs", claimed.wait_for(|at| at.is_some_and(|at| at >= now))).await;
    }

    /// Says that there may be jobs.
    pub fn signal_jobs(&self) {
        self.inner.signal().jobs();
    }

    /// Says that there may be cancellations.
    pub fn signal_commands(&self) {
        self.inner.signal().commands();
    }

    /// How often a call was made.
    #[must_use]
    pub fn calls(&self, call: &str) -> u64 {
        self.calls.borrow().get(call).copied().unwrap_or(0)
    }

    /// How often any call was made.
    #[must_use]
    pub fn all_calls(&self) -> u64 {
        self.calls.borrow().values().sum()
    }

    /// Waits until a call was made so many times more.
    pub async fn more_calls(&self, call: &'static str, more: u64) {
        let wanted = self.calls(call) + more;
        let mut calls = self.calls.subscribe();
        let made = calls.wait_for(|calls| calls.get(call).copied().unwrap_or(0) >= wanted);
        let _ = bounded(&format!("{more} more calls of `{call}`"), made).await;
    }

    fn fault(&self, call: &'static str) -> Option<Fault> {
        let mut faults = self.faults();
        let (fault, left) = faults.get_mut(call)?;
        let fault = *fault;
        *left = left.saturating_sub(1);
        if *left == 0 {
            faults.remove(call);
        }
        Some(fault)
    }

    fn through<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        make: impl FnOnce(&'a dyn Store) -> StoreFuture<'a, T> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        let lost = || StoreError::Unavailable { message: "a test wanted it so".into(), source: None };
        Box::pin(async move {
            self.calls.send_modify(|calls| *calls.entry(call).or_default() += 1);
            // The sender lives in `self`.
            let _ = self.frozen.subscribe().wait_for(|frozen| !frozen).await;
            let fault = self.fault(call);
            match fault {
                Some(Fault::Error) => return Err(lost()),
                Some(Fault::Hang) => return pending().await,
                Some(Fault::Panic) => panic!("the store panicked in `{call}`"),
                Some(Fault::LoseAnswer | Fault::Late) | None => {}
            }
            let answer = make(&*self.inner).await;
            match fault {
                Some(Fault::Late) => {
                    self.late.send_if_modified(|late| late.insert(call));
                    self.changes.send_modify(|changes| *changes += 1);
                    let _ = self.late.subscribe().wait_for(|late| !late.contains(call)).await;
                    answer
                }
                Some(fault) if call == "claim" && self.took_nothing.swap(false, Ordering::Relaxed) => {
                    let mut faults = self.faults();
                    faults.entry(call).or_insert((fault, 0)).1 += 1;
                    answer
                }
                Some(_) => Err(lost()),
                None => answer,
            }
        })
    }

    /// The same for a call that changes something.
    fn change<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        make: impl FnOnce(&'a dyn Store) -> StoreFuture<'a, T> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move {
            let answer = self.through(call, make).await;
            self.changes.send_modify(|changes| *changes += 1);
            answer
        })
    }
}

impl JobStore for Tap {
    fn enqueue(&self, now: Now, jobs: Vec<NewJob>) -> StoreFuture<'_, Vec<Enqueued>> {
        self.change("enqueue", move |store| store.enqueue(now, jobs))
    }

    fn register(&self, now: Now, worker: NewWorker) -> StoreFuture<'_, ()> {
        self.change("register", move |store| store.register(now, worker))
    }

    fn heartbeat(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, Beat> {
        self.change("heartbeat", move |store| store.heartbeat(now, worker))
    }

    fn undisturbed(&self, worker: WorkerId) -> StoreFuture<'_, bool> {
        self.through("undisturbed", move |store| store.undisturbed(worker))
    }

    fn rescue(&self, now: Now, by: WorkerId) -> StoreFuture<'_, Rescue> {
        self.change("rescue", move |store| store.rescue(now, by))
    }

    fn leave(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, ()> {
        self.change("leave", move |store| store.leave(now, worker))
    }

    fn abandon(&self, now: Now, held: Vec<Held>) -> StoreFuture<'_, u64> {
        self.change("abandon", move |store| store.abandon(now, held))
    }

    fn claim(&self, now: Now, request: ClaimRequest) -> StoreFuture<'_, Claim> {
        let claim = self.change("claim", move |store| {
            Box::pin(async move {
                let answer = store.claim(now, request).await;
                self.took_nothing.store(answer.as_ref().is_ok_and(|claim| claim.jobs.is_empty()), Ordering::Relaxed);
                answer
            })
        });
        Box::pin(async move {
            let answer = claim.await;
            self.claimed.send_replace(Some(now.steady));
            answer
        })
    }

    fn complete(&self, now: Now, outcomes: Vec<Completion>) -> StoreFuture<'_, Vec<CompletionAnswer>> {
        self.change("complete", move |store| store.complete(now, outcomes))
    }

    fn reconcile(&self, now: Now, worker: WorkerId, known: Vec<Held>) -> StoreFuture<'_, u64> {
        self.change("reconcile", move |store| store.reconcile(now, worker, known))
    }

    fn cancellations(&self, worker: WorkerId) -> StoreFuture<'_, Vec<JobId>> {
        self.through("cancellations", move |store| store.cancellations(worker))
    }

    fn signal(&self) -> &Signal {
        self.inner.signal()
    }

    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.change("close", |store| store.close())
    }
}

impl ScheduleStore for Tap {
    fn declare(&self, now: Now, schedules: Vec<NewSchedule>, known: Arc<BTreeSet<String>>) -> StoreFuture<'_, ()> {
        self.change("declare", move |store| store.declare(now, schedules, known))
    }

    fn schedules(&self) -> StoreFuture<'_, Vec<ScheduleRecord>> {
        self.through("schedules", |store| store.schedules())
    }

    fn fire(&self, now: Now, ticks: Vec<Fire>) -> StoreFuture<'_, Vec<Fired>> {
        self.change("fire", move |store| store.fire(now, ticks))
    }
}

impl ManageStore for Tap {
    fn job(&self, id: JobId) -> StoreFuture<'_, Option<JobRecord>> {
        self.inner.job(id)
    }

    fn job_named(&self, name: String) -> StoreFuture<'_, Option<JobRecord>> {
        self.inner.job_named(name)
    }

    fn jobs(&self, filter: JobFilter) -> StoreFuture<'_, JobPage> {
        self.inner.jobs(filter)
    }

    fn counts(&self) -> StoreFuture<'_, Counts> {
        self.inner.counts()
    }

    fn cancel(&self, now: Now, ids: Vec<JobId>, reason: String) -> StoreFuture<'_, Vec<CancelAnswer>> {
        self.change("cancel", move |store| store.cancel(now, ids, reason))
    }

    fn requeue(&self, now: Now, ids: Vec<JobId>) -> StoreFuture<'_, Vec<bool>> {
        self.change("requeue", move |store| store.requeue(now, ids))
    }

    fn prune(&self, now: Now, retention: Retention) -> StoreFuture<'_, usize> {
        self.change("prune", move |store| store.prune(now, retention))
    }

    fn unserved(&self, now: Now) -> StoreFuture<'_, Vec<Unserved>> {
        self.through("unserved", move |store| store.unserved(now))
    }

    fn workers(&self) -> StoreFuture<'_, Vec<WorkerRecord>> {
        self.inner.workers()
    }
}
