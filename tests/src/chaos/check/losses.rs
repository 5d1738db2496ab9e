//! By what a process may have lost the jobs that it held: what was done to it, and the leases that it says it lost.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Cause;
use crate::chaos::evidence::Evidence;
use crate::chaos::faults::{Fault, What};
use crate::chaos::ledger::{Entry, Event};
use crate::chaos::plan::{HEARTBEAT, LEASE};

/// How long a process that wakes may take to see that it has lost everything: its threads are woken in any order.
pub(super) const WAKING: Duration = Duration::from_secs(2);

/// A run may begin at the very moment at which the lease is lost.
const RACE: Duration = Duration::from_millis(200);

/// A freeze that is shorter costs nobody his lease, also if the last renewal was a heartbeat ago; but for one whose renewals had not come
/// through before.
const SHORTEST_FREEZE: Duration = Duration::from_millis(1_500);

/// All losses of a run.
pub(super) struct Losses<'a> {
    evidence: &'a Evidence,
    /// When each process noticed that it had lost its lease.
    lost: BTreeMap<&'a str, Vec<Duration>>,
}

impl<'a> Losses<'a> {
    pub(super) fn new(evidence: &'a Evidence) -> Self {
        let lost =
            |entries: &'a [Entry]| entries.iter().filter(|entry| entry.what == Event::Lost).map(|entry| entry.at).collect();
        let lost = evidence.ledgers.iter().map(|(process, entries)| (&**process, lost(entries))).collect();
        Self { evidence, lost }
    }

    /// Everything that was done to this process.
    pub(super) fn faults(&self, process: &str) -> impl Iterator<Item = &'a Fault> {
        self.evidence.faults.iter().filter(move |fault| fault.is_of(process))
    }

    /// When each process noticed that it had lost its lease.
    pub(super) fn lost(&self) -> impl Iterator<Item = (&'a str, Duration)> {
        self.lost.iter().flat_map(|(process, times)| times.iter().map(|at| (*process, *at)))
    }

    /// By what a process lost a job that it had begun at `begun`, so that another could begin it at `taken`; and when that was.
    pub(super) fn cause(&self, process: &str, begun: Duration, taken: Duration) -> Option<(Cause, Duration)> {
        let of = |what| self.faults(process).find(move |fault| fault.what == what && fault.overlaps(begun, taken));
        if let Some(kill) = of(What::Kill) {
            return Some((Cause::Kill, kill.from));
        }
        if let Some(freeze) = self.froze(process, begun, taken, What::Freeze) {
            return Some((Cause::Freeze, freeze.from));
        }
        if let Some(stop) = of(What::Stop) {
            return Some((Cause::Stop, stop.from));
        }
        let mut lost = self.lost.get(process)?.iter();
        if let Some(at) = lost.find(|at| **at + RACE >= begun && **at <= taken) {
            return Some((Cause::LostLease, *at));
        }
        self.froze(process, begun, taken, What::Stall).map(|stall| (Cause::Stall, stall.from))
    }

    /// The time in which a process stood still for so long that its job could be taken at `taken`. It may have begun the job before, or
    /// at `begun` when it woke, though it was lost by then.
    pub(super) fn froze(&self, process: &str, begun: Duration, taken: Duration, what: What) -> Option<&'a Fault> {
        self.faults(process).find(|fault| {
            let lasted = taken.min(fault.to).saturating_sub(fault.from);
            let is_then = fault.from <= taken && fault.to.saturating_add(WAKING) >= begun;
            fault.what == what && is_then && (lasted >= SHORTEST_FREEZE || self.is_cut_off(process, fault.from))
        })
    }

    /// Whether anything was done to this process, or to its way to the store, that may have cost it a lease at this time.
    pub(super) fn excuses_lost_lease(&self, process: &str, at: Duration) -> bool {
        let froze = |fault: &Fault| matches!(fault.what, What::Freeze | What::Stall) && fault.overlaps(renewed(at), at);
        self.is_cut_off(process, at) || self.faults(process).any(froze)
    }

    /// Whether the store or the way to it had failed for this process in the time in which its lease should have been renewed.
    fn is_cut_off(&self, process: &str, at: Duration) -> bool {
        self.faults(process).any(|fault| fault.what.is_of_store() && fault.overlaps(renewed(at), at))
    }
}

/// Since when a lease that ends at this time was not renewed.
fn renewed(at: Duration) -> Duration {
    at.saturating_sub(LEASE + 2 * HEARTBEAT)
}
