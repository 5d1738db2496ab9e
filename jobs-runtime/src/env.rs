//! Time, chance and tasks: the only doors through which the engine reaches them.
//!
//! Nothing else in this crate reads a clock, draws a random number or spawns a task. A test gives an [`Env`] of its own, and one
//! seed then gives one history.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jobs_core::store::Now;
use jobs_core::{JobId, WorkerId};
use tokio::runtime::Handle;

/// A future in a box, with nothing to say.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// Waits for the first of several things; of those that have come at once, it takes the one that stands first. What `select!` would
/// take is chance that no seed tells.
#[cfg(not(feature = "mutants"))]
macro_rules! first {
    ($($branches:tt)*) => { tokio::select! { biased; $($branches)* } };
}

#[cfg(feature = "mutants")]
macro_rules! first {
    ($($branches:tt)*) => {
        if $crate::testing::guards::Guard::BiasedOrder.is_on() {
            tokio::select! { biased; $($branches)* }
        } else {
            tokio::select! { $($branches)* }
        }
    };
}

pub(crate) use first;

/// Time, chance and tasks.
#[derive(Clone)]
pub struct Env {
    /// Tells the time and waits.
    pub clock: Arc<dyn Clock>,
    /// Draws random numbers.
    pub rng: Rng,
    /// Spawns tasks.
    pub spawn: Arc<dyn Spawn>,
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
}

/// Tells the time and waits for it.
pub trait Clock: Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Now;

    /// Waits until the steady clock stands at `steady` or later.
    fn sleep_until(&self, steady: Duration) -> Task;
}

/// Spawns tasks of two sorts: parts of the engine, and jobs.
pub trait Spawn: Send + Sync + 'static {
    /// Runs a part of the engine.
    fn engine(&self, part: Task);

    /// Runs a job. The handle aborts it.
    fn job(&self, job: Task) -> tokio::task::AbortHandle;
}

/// A source of chance that clones share.
#[derive(Clone, Debug)]
pub struct Rng(Arc<Mutex<fastrand::Rng>>);

impl Rng {
    /// A source whose whole sequence follows from `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    /// A source seeded by the system.
    #[must_use]
    pub fn from_system() -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::new())))
    }

    fn with<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A number in `[0, 1)`.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        self.with(fastrand::Rng::f64)
    }

    /// `around` moved by up to a tenth to either side, so that processes started together drift apart.
    #[must_use]
    pub fn jitter(&self, around: Duration) -> Duration {
        around.mul_f64(0.9 + 0.2 * self.fraction())
    }

    fn bytes(&self) -> [u8; 10] {
        self.with(|rng| {
            let mut bytes = [0; 10];
            rng.fill(&mut bytes);
            bytes
        })
    }
}

impl Env {
    /// The system's clock and chance. Parts of the engine are spawned on `engine`, jobs on `jobs`.
    #[must_use]
    pub fn system(engine: Handle, jobs: Handle) -> Self {
        Self { clock: Arc::new(SystemClock::default()), rng: Rng::from_system(), spawn: Arc::new(TokioSpawn { engine, jobs }) }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Waits for `duration`.
    #[must_use]
    pub fn sleep(&self, duration: Duration) -> Task {
        self.clock.sleep_until(self.now().steady.saturating_add(duration))
    }

    /// A new job id.
    #[must_use]
    pub fn job_id(&self) -> JobId {
        JobId::from_parts(self.unix_millis(), self.rng.bytes())
    }

    /// A new worker id.
    #[must_use]
    pub fn worker_id(&self) -> WorkerId {
        WorkerId::from_parts(self.unix_millis(), self.rng.bytes())
    }

    fn unix_millis(&self) -> u64 {
        u64::try_from(self.now().wall.as_millisecond()).unwrap_or(0)
    }
}

/// The system's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now { wall: Timestamp::now(), steady: self.origin.elapsed() }
    }

    fn sleep_until(&self, steady: Duration) -> Task {
        // A far instant that the platform cannot express is never reached.
        match self.origin.checked_add(steady) {
            Some(instant) => Box::pin(tokio::time::sleep_until(instant.into())),
            None => Box::pin(std::future::pending()),
        }
    }
}

struct TokioSpawn {
    engine: Handle,
    jobs: Handle,
}

impl Spawn for TokioSpawn {
    fn engine(&self, part: Task) {
        self.engine.spawn(part);
    }

    fn job(&self, job: Task) -> tokio::task::AbortHandle {
        self.jobs.spawn(job).abort_handle()
    }
}
