//! A store around another: it counts the calls, tells when something was changed, and fails where a test wants it to.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jobs_core::StoreError;
use jobs_core::store::{Claim, Now, Store, StoreFuture};
use jobs_runtime::env::Clock;
use jobs_runtime::testing::TestClock;
use tokio::sync::watch;

use crate::around::{Around, Passage, Sort};
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
pub type Tap = Around<Faults>;

/// What goes wrong, and what has gone by.
pub struct Faults {
    changes: watch::Sender<u64>,
    calls: watch::Sender<BTreeMap<&'static str, u64>>,
    wanted: Mutex<BTreeMap<&'static str, (Fault, usize)>>,
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
        let passage = Faults {
            changes,
            calls: watch::Sender::new(BTreeMap::new()),
            wanted: Mutex::new(BTreeMap::new()),
            took_nothing: AtomicBool::new(false),
            frozen: watch::Sender::new(false),
            claimed: watch::Sender::new(None),
            late: watch::Sender::new(BTreeSet::new()),
        };
        Self { inner, passage }
    }

    /// Lets the next calls of this name go wrong.
    pub fn fail(&self, call: &'static str, fault: Fault, times: usize) {
        self.passage.faults().insert(call, (fault, times));
    }

    /// Lets the calls of this name go well again.
    pub fn mend(&self, call: &'static str) {
        self.passage.faults().remove(call);
    }

    /// Whether the answer of this call is late now.
    #[must_use]
    pub fn is_late(&self, call: &str) -> bool {
        self.passage.late.borrow().contains(call)
    }

    /// Hands out the answers of this call that are late.
    pub fn deliver(&self, call: &str) {
        self.passage.late.send_if_modified(|late| late.remove(call));
    }

    /// Lets no call begin until the thaw.
    pub fn freeze(&self) {
        self.passage.frozen.send_replace(true);
    }

    /// Lets all calls go on.
    pub fn thaw(&self) {
        self.passage.frozen.send_replace(false);
    }

    /// Lets whoever takes jobs look for them, and waits until he has done so at the time that the clock shows now.
    pub async fn looked_for_jobs_at(&self, clock: &TestClock) {
        let now = clock.now().steady;
        self.inner.signal().jobs();
        let mut claimed = self.passage.claimed.subscribe();
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
        self.passage.calls.borrow().get(call).copied().unwrap_or(0)
    }

    /// How often any call was made.
    #[must_use]
    pub fn all_calls(&self) -> u64 {
        self.passage.calls.borrow().values().sum()
    }

    /// Waits until a call was made so many times more.
    pub async fn more_calls(&self, call: &'static str, more: u64) {
        let wanted = self.calls(call) + more;
        let mut calls = self.passage.calls.subscribe();
        let made = calls.wait_for(|calls| calls.get(call).copied().unwrap_or(0) >= wanted);
        let _ = bounded(&format!("{more} more calls of `{call}`"), made).await;
    }
}

impl Faults {
    fn faults(&self) -> MutexGuard<'_, BTreeMap<&'static str, (Fault, usize)>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
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
}

impl Passage for Faults {
    fn pass<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        sort: Sort,
        store: &'a dyn Store,
        make: impl FnOnce(&'a dyn Store) -> StoreFuture<'a, T> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        let passing = self.through(call, store, make);
        match sort {
            Sort::Look => passing,
            Sort::Change => Box::pin(async move {
                let answer = passing.await;
                self.changes.send_modify(|changes| *changes += 1);
                answer
            }),
        }
    }

    fn took(&self, answer: &Result<Claim, StoreError>) {
        self.took_nothing.store(answer.as_ref().is_ok_and(|claim| claim.jobs.is_empty()), Ordering::Relaxed);
    }

    fn claimed(&self, now: Now) {
        self.claimed.send_replace(Some(now.steady));
    }
}

impl Faults {
    fn through<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        store: &'a dyn Store,
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
            let answer = make(store).await;
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
}
