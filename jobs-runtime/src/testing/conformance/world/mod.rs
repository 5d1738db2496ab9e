//! What the facts are written with: a world with its time, the processes in it, and the workers in them.
//!
//! `process` calls the store for one process, `worker` claims and beats, `script` has the jobs and outcomes that facts use, and
//! `ticking` declares and fires schedules.

mod process;
mod script;
mod ticking;
mod worker;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::store::{Now, Rescue};

use super::Subject;

pub(super) use process::Process;
pub(super) use script::{done, fail, held, ids, job, many, park, retry, together};
pub(super) use ticking::{REPORT, fired, of_build, saved, schedule};
pub(super) use worker::{Skills, Worker};

/// A second.
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// How long the suite's leases last.
pub(super) const LEASE: Duration = Duration::from_secs(15);

/// How often a worker beats.
const BEAT: Duration = Duration::from_secs(5);

/// How long others beat until a killed process has been found dead.
pub(super) const KILLED: Duration = Duration::from_secs(20);

/// How long others beat until a frozen worker has been found dead.
pub(super) const FROZEN: Duration = Duration::from_secs(30);

/// The kind that most facts use.
pub(super) const MAIL: &str = "mail";

/// The time, and the last number drawn for an id.
#[derive(Debug)]
struct Common {
    now: Mutex<Now>,
    last: AtomicU64,
}

impl Common {
    fn now(&self) -> Now {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn chance(&self) -> (u64, [u8; 10]) {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let mut chance = [0; 10];
        chance[2..].copy_from_slice(&number.to_be_bytes());
        (u64::try_from(self.now().wall.as_millisecond()).expect("the suite's time is after 1970"), chance)
    }
}

/// The subject, and the time in which it is looked at.
pub(super) struct World<'a> {
    subject: &'a dyn Subject,
    common: Arc<Common>,
}

impl<'a> World<'a> {
    pub(super) fn new(subject: &'a dyn Subject) -> Self {
        let wall = Timestamp::from_second(1_767_225_600).expect("a time of the year 2026");
        let now = Now { wall, steady: Duration::from_secs(1_000) };
        Self { subject, common: Arc::new(Common { now: Mutex::new(now), last: AtomicU64::new(1) }) }
    }

    pub(super) fn wall(&self) -> Timestamp {
        self.common.now().wall
    }

    pub(super) fn advance(&self, by: Duration) {
        let mut now = self.common.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.wall += by;
        now.steady += by;
    }

    /// Somebody sets the clock back.
    pub(super) fn set_back(&self, by: Duration) {
        self.common.now.lock().unwrap_or_else(PoisonError::into_inner).wall -= by;
    }

    /// A new process, with no worker in it.
    pub(super) async fn process(&self) -> Process {
        Process { store: self.subject.open().await, common: Arc::clone(&self.common) }
    }

    /// A worker in a process of its own that knows these kinds and serves the default queue.
    pub(super) async fn worker(&self, kinds: &[&str]) -> Worker {
        self.process().await.worker(&Skills::new(kinds)).await
    }

    /// Kills a worker's process.
    pub(super) async fn kill(&self, worker: Worker) {
        self.subject.kill(worker.process.store).await;
    }

    /// Lets time pass while these workers beat, and do what their beats ask for. Whoever else there is, is frozen.
    pub(super) async fn pass(&self, span: Duration, alive: &[&Worker]) -> Rescue {
        let mut total = Rescue::default();
        let mut left = span;
        while !left.is_zero() {
            let step = left.min(BEAT);
            left -= step;
            self.advance(step);
            for worker in alive {
                let beat = worker.beat().await;
                assert!(beat.alive, "a worker that beats every {BEAT:?} lost its lease of {LEASE:?}");
                if beat.rescue {
                    add(&mut total, worker.rescue().await);
                }
            }
        }
        total
    }
}

fn add(total: &mut Rescue, more: Rescue) {
    total.workers += more.workers;
    total.freed += more.freed;
    total.quarantined += more.quarantined;
    total.parked += more.parked;
}
