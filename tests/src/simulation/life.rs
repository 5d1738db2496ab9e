//! The life of a simulated process: it runs, stands still, or is gone; its own idea of the time; and how much its threads have to do.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jobs_core::store::Now;
use jobs_runtime::env::{Clock, Env, Rng, Spawn, Task};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

use super::executor::Executor;
use super::plan::Dice;

/// What the clocks show when a simulation begins.
pub(super) const DAWN: Timestamp = Timestamp::constant(1_767_700_800, 0);

/// By how many milliseconds a step of a job is late at most: less than a process waits for jobs that it has dropped.
pub(super) const LATEST: u64 = 400;

/// One process, from its start to its end. Clones are the same.
#[derive(Clone)]
pub(super) struct Life(Arc<Mutex<Inner>>);

struct Inner {
    name: String,
    executor: Executor,
    origin: Instant,
    stands: Stands,
    /// When it last went on after it had stood still.
    thawed: Option<Duration>,
    /// Since when its calls come through as they should; `None` if they do not.
    well: Option<Duration>,
    /// Whether it was asked to stop.
    leaving: bool,
    /// Since when it hears wake-ups; `None` if it hears none.
    hears: Option<Duration>,
    /// How far its wall clock is off.
    skew: SignedDuration,
    /// Whether that was ever set.
    jumped: bool,
    /// By how much its jobs are late, where its threads have much to do.
    busy: Option<Dice>,
    /// How to wake each of its tasks.
    tasks: BTreeMap<u64, Waker>,
    last: u64,
    gone: watch::Sender<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Running,
    Frozen,
    Gone,
}

impl Life {
    /// A process that runs. `origin` is the instant at which the simulation began.
    pub(super) fn new(name: impl Into<String>, origin: Instant, executor: &Executor) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            name: name.into(),
            executor: executor.clone(),
            origin,
            stands: Stands::Running,
            thawed: None,
            well: Some(origin.elapsed()),
            leaving: false,
            hears: Some(origin.elapsed()),
            skew: SignedDuration::ZERO,
            jumped: false,
            busy: None,
            tasks: BTreeMap::new(),
            last: 0,
            gone: watch::Sender::new(false),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether both are the same process.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Its name.
    pub(super) fn name(&self) -> String {
        self.lock().name.clone()
    }

    /// Gives its threads much to do, as chance has it: each step of a job comes late.
    pub(super) fn keep_busy(&self, dice: Dice) {
        self.lock().busy = Some(dice);
    }

    /// By how much the next step of a job is late.
    fn lateness(&self) -> Option<Duration> {
        self.lock().busy.as_mut().map(|dice| dice.between(0, LATEST))
    }

    /// Ends it at once. Nothing of it runs any more; its tasks are dropped.
    pub(super) fn kill(&self) {
        self.change(Stands::Gone);
    }

    /// Lets it stand still, as SIGSTOP or the suspend of its machine does.
    pub(super) fn freeze(&self) {
        self.change(Stands::Frozen);
    }

    /// Lets it go on.
    pub(super) fn thaw(&self) {
        if self.is_frozen() {
            self.change(Stands::Running);
            let mut inner = self.lock();
            inner.thawed = Some(inner.origin.elapsed());
        }
    }

    fn change(&self, to: Stands) {
        let woken: Vec<Waker> = {
            let mut inner = self.lock();
            if inner.stands == Stands::Gone {
                return;
            }
            inner.stands = to;
            if to == Stands::Gone {
                inner.gone.send_replace(true);
            }
            inner.tasks.values().cloned().collect()
        };
        for waker in woken {
            waker.wake();
        }
    }

    /// Sets its wall clock forward or back.
    pub(super) fn jump(&self, by: SignedDuration) {
        let mut inner = self.lock();
        inner.skew = inner.skew.saturating_add(by);
        inner.jumped = true;
    }

    /// Whether its wall clock has been right all its life.
    pub(super) fn knows_the_time(&self) -> bool {
        !self.lock().jumped
    }

    /// Sets its wall clock right.
    pub(super) fn set_right(&self) {
        self.lock().skew = SignedDuration::ZERO;
    }

    /// Whether it is gone.
    pub(super) fn is_gone(&self) -> bool {
        self.lock().stands == Stands::Gone
    }

    /// Waits until it is gone.
    pub(super) async fn gone(&self) {
        let mut gone = self.lock().gone.subscribe();
        // The sender lives in this very life.
        let _ = gone.wait_for(|gone| *gone).await;
    }

    /// Whether it stands still.
    pub(super) fn is_frozen(&self) -> bool {
        self.lock().stands == Stands::Frozen
    }

    /// Whether it stands still, or did so until just now: it has not yet had the time to find out what it missed.
    pub(super) fn is_behind(&self) -> bool {
        let inner = self.lock();
        let now = inner.origin.elapsed();
        inner.stands == Stands::Frozen || inner.thawed.is_some_and(|thawed| now.saturating_sub(thawed) < Duration::from_secs(3))
    }

    /// Says whether its calls come through as they should from now on.
    pub(super) fn set_well(&self, well: bool) {
        let mut inner = self.lock();
        let now = inner.origin.elapsed();
        inner.well = well.then(|| inner.well.unwrap_or(now));
    }

    /// Says whether it hears wake-ups from now on.
    pub(super) fn set_hears(&self, hears: bool) {
        let mut inner = self.lock();
        let now = inner.origin.elapsed();
        inner.hears = hears.then(|| inner.hears.unwrap_or(now));
    }

    /// It was asked to stop, and does not hear of all that happens any more.
    pub(super) fn leave(&self) {
        self.lock().leaving = true;
    }

    /// Whether nothing has gone wrong for it for so long.
    pub(super) fn has_been_well(&self, length: Duration) -> bool {
        let inner = self.lock();
        let is_long_ago = |since: Duration| since.saturating_add(length) <= inner.origin.elapsed();
        inner.stands == Stands::Running
            && !inner.leaving
            && inner.well.is_some_and(is_long_ago)
            && inner.thawed.is_none_or(is_long_ago)
    }

    /// Whether it has heard all wake-ups since then.
    pub(super) fn has_heard_since(&self, then: Duration) -> bool {
        self.lock().hears.is_some_and(|hears| hears <= then)
    }

    /// What this process does with time, chance and tasks.
    pub(super) fn env(&self, rng: Rng) -> Env {
        Env { clock: Arc::new(self.clone()), rng, spawn: Arc::new(self.clone()) }
    }

    /// Runs something as a part of this process.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.begin(Box::pin(task));
    }

    fn begin(&self, task: Task) {
        let (living, executor) = {
            let mut inner = self.lock();
            inner.last += 1;
            (Living { life: self.clone(), nth: inner.last, task: Some(task) }, inner.executor.clone())
        };
        executor.spawn(living);
    }

    /// What runs its tasks.
    pub(super) fn executor(&self) -> Executor {
        self.lock().executor.clone()
    }
}

impl Clock for Life {
    fn now(&self) -> Now {
        let inner = self.lock();
        let steady = inner.origin.elapsed();
        let wall = DAWN.saturating_add(steady).and_then(|wall| wall.saturating_add(inner.skew)).unwrap_or(Timestamp::MAX);
        Now { wall, steady }
    }

    fn sleep_until(&self, steady: Duration) -> Task {
        match self.lock().origin.checked_add(steady) {
            Some(instant) => Box::pin(tokio::time::sleep_until(instant)),
            None => Box::pin(std::future::pending()),
        }
    }
}

impl Spawn for Life {
    fn engine(&self, part: Task) {
        self.begin(part);
    }

    fn job(&self, job: Task) -> tokio::task::AbortHandle {
        self.begin(Box::pin(Late { life: self.clone(), task: job, until: None }));
        // The engine drops jobs by itself; this handle is of a task that does nothing.
        tokio::spawn(async {}).abort_handle()
    }
}

/// A job on threads that may have much to do: it goes on some time after it was woken.
struct Late {
    life: Life,
    task: Task,
    until: Option<Pin<Box<Sleep>>>,
}

impl Future for Late {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.until.is_none() {
            self.until = self.life.lateness().map(|late| Box::pin(tokio::time::sleep(late)));
        }
        if let Some(until) = &mut self.until {
            ready!(until.as_mut().poll(context));
            self.until = None;
        }
        self.task.as_mut().poll(context)
    }
}

/// A task of a process, which goes on only while the process does.
struct Living {
    life: Life,
    nth: u64,
    task: Option<Task>,
}

impl Future for Living {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let nth = self.nth;
        let stands = {
            let mut inner = self.life.lock();
            let stands = inner.stands;
            if stands != Stands::Gone {
                inner.tasks.insert(nth, context.waker().clone());
            }
            stands
        };
        match (stands, self.task.as_mut()) {
            (Stands::Frozen, Some(_)) => Poll::Pending,
            (Stands::Running, Some(task)) => task.as_mut().poll(context),
            // What a killed process leaves behind may spawn while it is dropped: it is gone by then.
            (Stands::Gone, _) | (_, None) => {
                self.task = None;
                Poll::Ready(())
            }
        }
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        self.task = None;
        let waker = self.life.lock().tasks.remove(&self.nth);
        drop(waker);
    }
}
