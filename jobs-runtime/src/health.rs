//! Health: what every part of the engine does, as a typed snapshot that says what is wrong while it is wrong.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jobs_core::store::{Decision, Rescue};
use jobs_core::{StoreError, WorkerId};

use crate::env::Env;

/// How the runtime does, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Every part of the engine, by name.
    pub parts: BTreeMap<&'static str, PartHealth>,
    /// The worker as which this process is known; `None` before it is registered and while its lease is lost.
    pub worker: Option<WorkerId>,
    /// Jobs that run.
    pub running: usize,
    /// Jobs that were fetched ahead and wait in this process.
    pub fetched_ahead: usize,
    /// The queues of this process that are paused, as it last heard.
    pub paused: Vec<Arc<str>>,
    /// Whether the user's runtime has not run a new task for a heartbeat: jobs block all its threads.
    pub no_free_runtime_thread: bool,
    /// Whether a call of the store has been without an answer for a heartbeat.
    pub store_is_silent: bool,
    /// What has happened since the start.
    pub totals: Totals,
    /// The version of the time zone data in use, if it says one.
    pub zone_data: String,
}

/// What has happened since the start of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Jobs that ended well.
    pub completed: u64,
    /// Attempts that failed and will be repeated.
    pub retried: u64,
    /// Jobs that ended as failed.
    pub failed: u64,
    /// Jobs that snoozed.
    pub snoozed: u64,
    /// Jobs that ended as cancelled.
    pub cancelled: u64,
    /// Jobs that were handed back.
    pub handed_back: u64,
    /// Jobs that were parked, because their arguments do not decode.
    pub parked: u64,
    /// Late outcomes that changed nothing.
    pub stale: u64,
    /// Outcomes that were dropped with a lost lease.
    pub dropped: u64,
    /// Leases lost.
    pub leases_lost: u64,
    /// Jobs of dead workers that this process freed.
    pub rescued: u64,
    /// Ticks of schedules that this process fired.
    pub ticks: u64,
}

/// How one part does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartHealth {
    /// What it does.
    pub status: PartStatus,
    /// When it last ended a step well.
    pub well_at: Option<Timestamp>,
    /// What went wrong last.
    pub error: Option<String>,
    /// How often it was started anew after a panic.
    pub restarts: u32,
}

/// What a part does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartStatus {
    /// It works.
    Running,
    /// Its last step failed; it tries again by itself.
    Failing,
    /// It has ended.
    Stopped,
}

impl Health {
    /// Whether everything works.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.worker.is_some()
            && !self.no_free_runtime_thread
            && !self.store_is_silent
            && self.parts.values().all(|part| part.status == PartStatus::Running)
    }
}

/// Where the parts write how they do.
#[derive(Debug, Default)]
pub(crate) struct Board {
    parts: Mutex<BTreeMap<&'static str, PartHealth>>,
    worker: Mutex<Option<WorkerId>>,
    totals: Counters,
    probe: Arc<Probe>,
    silent: AtomicUsize,
}

/// A call of the store that has no answer yet, though it should.
#[derive(Debug)]
pub(crate) struct Silent<'a>(&'a AtomicUsize);

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Counters {
    completed: AtomicU64,
    retried: AtomicU64,
    failed: AtomicU64,
    snoozed: AtomicU64,
    cancelled: AtomicU64,
    handed_back: AtomicU64,
    parked: AtomicU64,
    stale: AtomicU64,
    dropped: AtomicU64,
    leases_lost: AtomicU64,
    rescued: AtomicU64,
    ticks: AtomicU64,
}

/// Whether the user's runtime still runs what it is given.
#[derive(Debug, Default)]
struct Probe {
    sent: AtomicUsize,
    answered: AtomicUsize,
    blocked: AtomicBool,
}

fn add(counter: &AtomicU64, number: usize) {
    counter.fetch_add(number as u64, Ordering::Relaxed);
}

impl Board {
    fn parts(&self) -> MutexGuard<'_, BTreeMap<&'static str, PartHealth>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, name: &'static str, change: impl FnOnce(&mut PartHealth)) {
        let new = PartHealth { status: PartStatus::Running, well_at: None, error: None, restarts: 0 };
        change(self.parts().entry(name).or_insert(new));
    }

    pub(crate) fn started(&self, name: &'static str) {
        self.change(name, |part| part.status = PartStatus::Running);
    }

    pub(crate) fn well(&self, name: &'static str, env: &Env) {
        let now = env.now().wall;
        self.change(name, |part| {
            part.status = PartStatus::Running;
            part.well_at = Some(now);
        });
    }

    pub(crate) fn failing(&self, name: &'static str, error: &StoreError) {
        let text = error.to_string();
        self.change(name, |part| {
            part.status = PartStatus::Failing;
            part.error = Some(text);
        });
    }

    pub(crate) fn restarted(&self, name: &'static str, panic: &str) {
        self.change(name, |part| {
            part.status = PartStatus::Failing;
            part.error = Some(format!("panicked: {panic}"));
            part.restarts = part.restarts.saturating_add(1);
        });
    }

    pub(crate) fn stopped(&self, name: &'static str) {
        self.change(name, |part| part.status = PartStatus::Stopped);
    }

    pub(crate) fn worker(&self, worker: WorkerId) {
        *self.worker.lock().unwrap_or_else(PoisonError::into_inner) = Some(worker);
    }

    pub(crate) fn lease_lost(&self) {
        *self.worker.lock().unwrap_or_else(PoisonError::into_inner) = None;
        add(&self.totals.leases_lost, 1);
    }

    pub(crate) fn recorded(&self, decision: &Decision) {
        let totals = &self.totals;
        let counter = match decision {
            Decision::Complete { .. } => &totals.completed,
            Decision::Retry { .. } => &totals.retried,
            Decision::Fail { .. } => &totals.failed,
            Decision::Snooze { .. } => &totals.snoozed,
            Decision::Cancel { .. } => &totals.cancelled,
            Decision::HandBack => &totals.handed_back,
            Decision::Park { .. } => &totals.parked,
        };
        add(counter, 1);
    }

    pub(crate) fn stale(&self) {
        add(&self.totals.stale, 1);
    }

    pub(crate) fn dropped(&self, number: usize) {
        add(&self.totals.dropped, number);
    }

    pub(crate) fn rescued(&self, rescue: &Rescue) {
        add(&self.totals.rescued, rescue.freed);
    }

    pub(crate) fn ticks(&self, number: usize) {
        add(&self.totals.ticks, number);
    }

    /// A call of the store has had no answer for long; until the guard is dropped.
    pub(crate) fn silent(&self) -> Silent<'_> {
        self.silent.fetch_add(1, Ordering::Relaxed);
        Silent(&self.silent)
    }

    /// Sends a task to the user's runtime, and looks whether the last one has run.
    pub(crate) fn probe(&self, env: &Env) {
        let probe = Arc::clone(&self.probe);
        let sent = probe.sent.load(Ordering::Relaxed);
        let blocked = probe.answered.load(Ordering::Relaxed) < sent;
        if probe.blocked.swap(blocked, Ordering::Relaxed) != blocked {
            crate::telemetry::runtime_blocked(blocked);
        }
        if !blocked {
            probe.sent.store(sent + 1, Ordering::Relaxed);
            env.spawn.job(Box::pin(async move { probe.answered.store(sent + 1, Ordering::Relaxed) }));
        }
    }

    pub(crate) fn snapshot(&self, running: usize, fetched_ahead: usize, paused: Vec<Arc<str>>) -> Health {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let totals = &self.totals;
        Health {
            parts: self.parts().clone(),
            worker: *self.worker.lock().unwrap_or_else(PoisonError::into_inner),
            running,
            fetched_ahead,
            paused,
            no_free_runtime_thread: self.probe.blocked.load(Ordering::Relaxed),
            store_is_silent: self.silent.load(Ordering::Relaxed) > 0,
            totals: Totals {
                completed: get(&totals.completed),
                retried: get(&totals.retried),
                failed: get(&totals.failed),
                snoozed: get(&totals.snoozed),
                cancelled: get(&totals.cancelled),
                handed_back: get(&totals.handed_back),
                parked: get(&totals.parked),
                stale: get(&totals.stale),
                dropped: get(&totals.dropped),
                leases_lost: get(&totals.leases_lost),
                rescued: get(&totals.rescued),
                ticks: get(&totals.ticks),
            },
            zone_data: zone_data(),
        }
    }
}

/// The version of the time zone data: of the system's where it says one, else of the bundled data.
pub(crate) fn zone_data() -> String {
    let system = ["/usr/share/zoneinfo/tzdata.zi", "/usr/share/zoneinfo/+VERSION"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .and_then(|text| {
            let first = text.lines().next()?;
            Some(first.strip_prefix("# version ").unwrap_or(first).chars().take(32).collect::<String>())
        });
    match system {
        Some(version) => format!("{version} (system)"),
        None => "bundled, or of the system without a version".to_owned(),
    }
}
