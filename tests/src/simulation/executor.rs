//! Runs all tasks of a simulation in an order that follows from the seed alone.
//!
//! Those that are woken at one instant run in order of their birth, or in one that is drawn from the seed, whoever was woken first: tokio
//! wakes those who wait for one channel in an order of its own chance.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use jobs_runtime::env::Task;
use jobs_runtime::testing::guards::Guard;

/// The tasks. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Executor(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// Each with its waker. A task that is being polled is not here.
    tasks: BTreeMap<u64, (Task, Waker)>,
    ready: BTreeSet<u64>,
    last: u64,
    /// Draws the order, where it is not that of their birth.
    order: Option<fastrand::Rng>,
    driver: Option<Waker>,
}

/// Wakes one task.
struct Call {
    executor: Executor,
    nth: u64,
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        let driver = {
            let mut inner = self.executor.lock();
            inner.ready.insert(self.nth);
            inner.driver.clone()
        };
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}

impl Executor {
    /// Draws the order of those that are woken at one instant.
    pub(super) fn shuffle(&self, seed: u64) {
        self.lock().order = Some(fastrand::Rng::with_seed(seed));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waker(&self, nth: u64) -> Waker {
        Waker::from(Arc::new(Call { executor: self.clone(), nth }))
    }

    /// Runs a task beside the others.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let nth = {
            let mut inner = self.lock();
            inner.last += 1;
            inner.last
        };
        let waker = self.waker(nth);
        self.lock().tasks.insert(nth, (Box::pin(task), waker.clone()));
        waker.wake();
    }

    /// Runs all tasks until this one has ended. Those that are left are dropped.
    pub(super) async fn run<T>(&self, main: impl Future<Output = T>) -> T {
        let mut main = pin!(main);
        let first = self.waker(0);
        first.wake_by_ref();
        let answer = tokio::task::unconstrained(poll_fn(|context| {
            self.lock().driver = Some(context.waker().clone());
            loop {
                let ready = self.ready();
                if ready.is_empty() {
                    return Poll::Pending;
                }
                for nth in ready {
                    if nth == 0 {
                        if let Poll::Ready(answer) = main.as_mut().poll(&mut Context::from_waker(&first)) {
                            return Poll::Ready(answer);
                        }
                    } else {
                        self.poll(nth);
                    }
                }
            }
        }))
        .await;
        self.clear();
        answer
    }

    /// Who is woken, in the order in which they run.
    fn ready(&self) -> Vec<u64> {
        let mut inner = self.lock();
        let mut ready: Vec<u64> = std::mem::take(&mut inner.ready).into_iter().collect();
        if !Guard::OrderOfBirth.is_on() {
            fastrand::shuffle(&mut ready);
        } else if let Some(order) = &mut inner.order {
            order.shuffle(&mut ready);
        }
        ready
    }

    fn poll(&self, nth: u64) {
        let found = self.lock().tasks.remove(&nth);
        let Some((mut task, waker)) = found else { return };
        if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            self.lock().tasks.insert(nth, (task, waker));
        }
    }

    /// Drops all tasks, and those that they spawn while they are dropped. Each holds this executor.
    fn clear(&self) {
        loop {
            let tasks = std::mem::take(&mut self.lock().tasks);
            if tasks.is_empty() {
                break;
            }
        }
        let driver = self.lock().driver.take();
        drop(driver);
    }
}
