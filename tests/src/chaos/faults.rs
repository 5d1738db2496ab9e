//! The list of faults: what was done to whom, from when until when. Whoever makes a fault notes it before and after.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::clock;

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
    /// Everything was late.
    Slow,
    /// The connections that were there fell silent.
    Silence,
    /// An answer was lost with its connection, after the server had done what was asked.
    LostAnswer,
    /// Nobody did it: the host itself gave no time to anybody.
    Stall,
}

impl What {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Kill,
        Self::Freeze,
        Self::Stop,
        Self::Lock,
        Self::FullDisk,
        Self::Restart,
        Self::Terminate,
        Self::Crowd,
        Self::Cut,
        Self::Refuse,
        Self::Swallow,
        Self::Slow,
        Self::Silence,
        Self::LostAnswer,
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
            Self::FullDisk => "full disks",
            Self::Restart => "restarts of the server",
            Self::Terminate => "terminated backends",
            Self::Crowd => "full connection tables",
            Self::Cut => "cut connections",
            Self::Refuse => "refused connections",
            Self::Swallow => "black holes",
            Self::Slow => "slow networks",
            Self::Silence => "silent connections",
            Self::LostAnswer => "lost answers",
            Self::Stall => "stalls of the host",
        }
    }

    /// Whether it is the store, or the way to it, that fails.
    #[must_use]
    pub const fn is_of_store(self) -> bool {
        !matches!(self, Self::Kill | Self::Freeze | Self::Stop | Self::Stall)
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
pub struct Journal(Mutex<Vec<Fault>>);

/// The place of a fault that lasts.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

impl Journal {
    /// Notes a fault that is about to begin.
    pub fn begin(&self, what: What, whom: &str) -> Mark {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.push(Fault { what, whom: whom.to_owned(), from: clock::now(), to: Duration::MAX });
        Mark(faults.len() - 1)
    }

    /// Notes that it is over.
    pub fn end(&self, mark: Mark) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[mark.0].to = clock::now();
    }

    /// Notes a fault that nobody announced and that has just ended.
    pub fn past(&self, what: What, lasted: Duration) {
        let to = clock::now();
        let fault = Fault { what, whom: String::new(), from: to.saturating_sub(lasted), to };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// All faults so far.
    #[must_use]
    pub fn all(&self) -> Vec<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
