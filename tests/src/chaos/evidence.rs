//! All that is known at the end of a run: what the check goes by, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jobs_core::{JobId, JobRecord};

use super::faults::{Fault, What};
use super::ledger::Entry;

/// All that is known.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The ledger of each process.
    pub ledgers: BTreeMap<String, Vec<Entry>>,
    /// What became of each process.
    pub lives: Vec<Life>,
    /// What was done, by whoever did it.
    pub faults: Vec<Fault>,
    /// When the queue that rests did so for sure, in order.
    pub rests: Vec<Rest>,
    /// What was tried, and had no effect.
    pub in_vain: Vec<What>,
    /// What the producer was told.
    pub enqueued: Enqueued,
    /// What the store says in the end, each row that it has.
    pub records: Vec<JobRecord>,
    /// The rows of the table of effects.
    pub effects: Vec<Effect>,
    /// The account of ticks, in order.
    pub ticks: Vec<Tick>,
    /// The last tick that the schedule itself knows, in milliseconds since the Unix epoch.
    pub last_tick: i64,
    /// When the crew was told to go, by the same clock: what was fired about then may not have run.
    pub dismissed_at: i64,
    /// How old the last tick was then.
    pub lag: Duration,
    /// What the store's own check of its file says, if it is not well.
    pub damage: Option<String>,
}

/// A row that a job has written by a transaction of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The job.
    pub job: JobId,
    /// The token under which it was held.
    pub token: i64,
    /// The run, as the job has it for output.
    pub run: String,
}

/// A time in which a queue was paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// When the pause had been answered.
    pub from: Duration,
    /// When the resume was asked for.
    pub to: Duration,
}

/// The life of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// Its name.
    pub process: String,
    /// When it was started.
    pub began: Duration,
    /// When it was seen to have ended.
    pub ended: Duration,
    /// Why.
    pub why: Why,
}

/// Why a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was killed, or asked to stop.
    Ordered,
    /// It was asked to stop, and had to be killed in the end.
    TooLate,
    /// Nobody wanted it.
    ByItself,
}

/// What the producer was told.
#[derive(Clone, Debug, Default)]
pub struct Enqueued {
    /// Jobs that the store answered for, each with its kind.
    pub acknowledged: BTreeMap<JobId, String>,
    /// Jobs for which it never did, until the end.
    pub unanswered: BTreeSet<JobId>,
    /// Jobs that it answered for, and said were new when they came once more.
    pub made_again: BTreeSet<JobId>,
    /// Enqueues that failed or were given up, and were repeated.
    pub lost_answers: u64,
    /// Enqueues that were repeated although they had been answered.
    pub repeats: u64,
}

/// A tick as the store accounts for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The instant, in milliseconds since the Unix epoch.
    pub instant: i64,
    /// How many earlier ones it stands for.
    pub missed: u32,
    /// Its job; none where the last one was not done.
    pub job: Option<JobId>,
}
