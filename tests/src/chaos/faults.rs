//! The list of faults: what was done to whom, from when until when. Whoever makes a fault notes it before and after; one that was tried
//! and had no effect is noted as that, and explains nothing.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::clock::{self, Seconds};
use super::plan::StoreKind;

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What was done.
    pub what: What,
    /// To whom: all whose name begins so. The producer is `producer`, a worker is `w2.007`, its slot `w2.`, and nothing means all.
    pub whom: String,
    /// From when.
    pub from: Duration,
    /// Until when; [`Duration::MAX`] while it lasts.
    pub to: Duration,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The process was killed.
    Kill,
    /// The process was frozen, and woken unless it was killed.
    Freeze,
    /// The process was asked to stop.
    Stop,
    /// Somebody else held the lock of the file.
    Lock,
    /// Nobody could have the lock of the file, since a frozen process held it.
    Stuck,
    /// There was no room on the disk.
    FullDisk,
    /// The server was stopped at once, and started again.
    Restart,
    /// Connections were ended by the server.
    Terminate,
    /// The server had no connection left.
    Crowd,
    /// Connections were cut by the network.
    Cut,
    /// Connections were cut, and new ones refused.
    Refuse,
    /// Nothing got through.
    Swallow,
    /// Everything was late by a part of a second.
    Slow,
    /// Everything was late by more than a lease bears.
    Crawl,
    /// The connections that were there fell silent.
    Silence,
    /// An answer was lost with its connection, after the server had done what was asked.
    LostAnswer,
    /// The answer to the commit of a job's own transaction was lost with its connection, and nothing of the store itself.
    LostCommit,
    /// Nobody did it: the host itself gave no time to anybody.
    Stall,
}

impl What {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Kill,
        Self::Freeze,
        Self::Stop,
        Self::Lock,
        Self::Stuck,
        Self::FullDisk,
        Self::Restart,
        Self::Terminate,
        Self::Crowd,
        Self::Cut,
        Self::Refuse,
        Self::Swallow,
        Self::Slow,
        Self::Crawl,
        Self::Silence,
        Self::LostAnswer,
        Self::LostCommit,
        Self::Stall,
    ];

    /// What many of them are called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kills",
            Self::Freeze => "freezes",
            Self::Stop => "polite stops",
            Self::Lock => "locked files",
            Self::Stuck => "files locked by the frozen",
            Self::FullDisk => "full disks",
            Self::Restart => "restarts of the server",
            Self::Terminate => "terminated backends",
            Self::Crowd => "full connection tables",
            Self::Cut => "cut connections",
            Self::Refuse => "refused connections",
            Self::Swallow => "black holes",
            Self::Slow => "slow networks",
            Self::Crawl => "crawling networks",
            Self::Silence => "silent connections",
            Self::LostAnswer => "lost answers",
            Self::LostCommit => "lost answers to commits of jobs",
            Self::Stall => "stalls of the host",
        }
    }

    /// Whether it is the store, or the way to it, that fails.
    #[must_use]
    pub const fn is_of_store(self) -> bool {
        !matches!(self, Self::Kill | Self::Freeze | Self::Stop | Self::Stall | Self::LostCommit)
    }
}

impl What {
    /// Whether a process cannot renew its lease while it lasts. What is over at once, or lets new connections through, may hold it up
    /// and costs no lease by itself.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        match self {
            Self::Freeze
            | Self::Stall
            | Self::Lock
            | Self::Stuck
            | Self::FullDisk
            | Self::Restart
            | Self::Crowd
            | Self::Refuse
            | Self::Swallow
            | Self::Crawl => true,
            Self::Kill
            | Self::Stop
            | Self::Terminate
            | Self::Cut
            | Self::Slow
            | Self::Silence
            | Self::LostAnswer
            | Self::LostCommit => false,
        }
    }

    /// Whether it is the process that stands still.
    #[must_use]
    pub const fn is_standstill(self) -> bool {
        matches!(self, Self::Freeze | Self::Stall)
    }

    /// Whether it is done to workers of this store, or to the store.
    #[must_use]
    pub const fn belongs_to(self, store: StoreKind) -> bool {
        match self {
            Self::Kill | Self::Freeze | Self::Stop => true,
            Self::Lock | Self::FullDisk => matches!(store, StoreKind::Sqlite),
            // Nobody makes them.
            Self::Stall | Self::Stuck => false,
            _ => matches!(store, StoreKind::Postgres),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whom = if self.whom.is_empty() { "all" } else { &self.whom };
        write!(f, "{:?} of {whom} from {} for {} s", self.what, Seconds(self.from), Seconds(self.to.saturating_sub(self.from)))
    }
}

impl Fault {
    /// Whether it was done to this process.
    #[must_use]
    pub fn is_of(&self, process: &str) -> bool {
        process.starts_with(&self.whom)
    }

    /// Whether it lasted at some time between these two, or at one of them.
    #[must_use]
    pub fn overlaps(&self, from: Duration, to: Duration) -> bool {
        self.from <= to && self.to >= from
    }
}

/// The list.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    faults: Vec<Fault>,
    in_vain: Vec<What>,
}

/// The place of a fault that lasts.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

impl Journal {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a fault that begins now.
    pub fn begin(&self, what: What, whom: &str) -> Mark {
        let mut noted = self.noted();
        noted.faults.push(Fault { what, whom: whom.to_owned(), from: clock::now(), to: Duration::MAX });
        Mark(noted.faults.len() - 1)
    }

    /// Notes that it is over.
    pub fn end(&self, mark: Mark) {
        self.noted().faults[mark.0].to = clock::now();
    }

    /// Notes a fault that has just ended, of which nobody knew before whether it would be one.
    pub fn past(&self, what: What, whom: &str, from: Duration) {
        self.between(what, whom, from, clock::now());
    }

    /// Notes a fault that was seen afterwards.
    pub fn between(&self, what: What, whom: &str, from: Duration, to: Duration) {
        self.noted().faults.push(Fault { what, whom: whom.to_owned(), from, to });
    }

    /// Notes that this was tried, and had no effect.
    pub fn in_vain(&self, what: What) {
        self.noted().in_vain.push(what);
    }

    /// All faults so far.
    #[must_use]
    pub fn all(&self) -> Vec<Fault> {
        self.noted().faults.clone()
    }

    /// What was tried so far and had no effect.
    #[must_use]
    pub fn all_in_vain(&self) -> Vec<What> {
        self.noted().in_vain.clone()
    }
}
