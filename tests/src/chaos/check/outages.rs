//! When a process could not renew its lease, by what was done to it, to the store, and to its way there.
//!
//! It renews every second, and lets go 2.4 s after it sent the last renewal that was granted; others may take what it holds 3 s after that
//! renewal came. So no lease ends but in a time without a stretch that is long enough for a renewal, most of which nothing got through.

use std::time::Duration;

use crate::chaos::evidence::Evidence;
use crate::chaos::faults::{Fault, What};
use crate::chaos::plan::{HEARTBEAT, LEASE};

/// How long a process relies on a renewal.
pub(super) const OWN: Duration = LEASE.saturating_sub(Duration::from_millis(600));

/// How long others must respect one.
pub(super) const OTHERS: Duration = LEASE;

/// In any such stretch in which nothing is in its way a renewal is granted: one is due every second, or a tenth later, and takes a moment.
const BREATH: Duration = HEARTBEAT.saturating_add(Duration::from_millis(400));

/// By how much a process may notice late that its time is over.
const LATE: Duration = Duration::from_millis(200);

/// How long a process that wakes may take to see that it has lost everything: its threads are woken in any order.
pub(super) const WAKING: Duration = Duration::from_secs(2);

/// In any such stretch without a fault an outcome is written, also if it was on its way in a connection that has fallen silent.
const SETTLING: Duration = Duration::from_secs(4);

/// What was done to one process.
pub(super) struct Outages<'a> {
    /// In the order in which they began.
    faults: Vec<&'a Fault>,
}

impl<'a> Outages<'a> {
    pub(super) fn of(evidence: &'a Evidence, process: &str) -> Self {
        // What is lost of a job's own transaction is in nobody else's way.
        let is_its = |fault: &&Fault| fault.is_of(process) && fault.what != What::LostCommit;
        let mut faults: Vec<&Fault> = evidence.faults.iter().filter(is_its).collect();
        faults.sort_by_key(|fault| fault.from);
        Self { faults }
    }

    /// The faults that may have kept it from renewing for as long as `lease`, so that its lease was over at `at`.
    pub(super) fn cost(&self, at: Duration, lease: Duration) -> Option<Vec<&'a Fault>> {
        let from = at.saturating_sub(lease);
        let met: Vec<&Fault> = self
            .faults
            .iter()
            .copied()
            .filter(|fault| fault.what.is_outage() && fault.from < at && after(fault) > from)
            .collect();
        let while_they_last = met.iter().map(|fault| (fault.from, fault.to));
        let lost = at.saturating_sub(from).saturating_sub(gaps(while_they_last, from, at).sum());
        let longest = gaps(met.iter().map(|fault| (fault.from, after(fault))), from, at).max().unwrap_or_default();
        (lost + BREATH + LATE >= lease && longest < BREATH).then_some(met)
    }

    /// The time in which it stood still, of this sort, that had cost it its lease by `taken`, and what else had a part in that. What it
    /// held then it may have begun at `begun`, before or as it woke.
    pub(super) fn froze(&self, what: What, begun: Duration, taken: Duration) -> Option<(&'a Fault, Vec<&'a Fault>)> {
        let is_then = |fault: &&&Fault| fault.what == what && fault.from <= taken && after(fault) >= begun;
        self.faults.iter().filter(is_then).find_map(|fault| Some((*fault, self.cost(taken.min(fault.to), OTHERS)?)))
    }

    /// What has cost it the lease that it says it lost at `noticed`.
    pub(super) fn lease(&self, noticed: Duration) -> Option<Vec<&'a Fault>> {
        let froze = |fault: &&&Fault| fault.what.is_standstill() && fault.to <= noticed && noticed <= after(fault);
        let woke = self.faults.iter().filter(froze).map(|fault| fault.to);
        std::iter::once(noticed).chain(woke).find_map(|at| self.cost(at, OWN))
    }

    /// What of this sort was done to it between these two.
    pub(super) fn done(&self, what: What, from: Duration, to: Duration) -> Option<&'a Fault> {
        self.faults.iter().copied().find(|fault| fault.what == what && fault.overlaps(from, to))
    }

    /// Whether it stood still from `from` on, and had not quite woken at `to`.
    pub(super) fn stood_still(&self, from: Duration, to: Duration) -> bool {
        self.faults.iter().any(|fault| fault.what.is_standstill() && fault.from <= from && after(fault) >= to)
    }

    /// Whether there was time between these two in which an outcome would have been written.
    pub(super) fn was_calm(&self, from: Duration, to: Duration) -> bool {
        let troubled = self.faults.iter().map(|fault| (fault.from, after(fault)));
        gaps(troubled, from, to).any(|gap| gap >= SETTLING)
    }
}

/// Until when a fault may be felt: whoever has failed for a while tries again after at most as long again and a half.
fn after(fault: &Fault) -> Duration {
    const LONGEST: Duration = Duration::from_millis(7_500);
    const MOMENT: Duration = Duration::from_millis(500);
    let felt = if fault.what.is_standstill() {
        WAKING
    } else {
        fault.to.saturating_sub(fault.from).min(LONGEST).mul_f64(1.5).min(LONGEST) + MOMENT
    };
    fault.to.saturating_add(felt)
}

/// The stretches between `from` and `to` that none of these times covers, which are in the order in which they begin.
fn gaps(times: impl Iterator<Item = (Duration, Duration)>, from: Duration, to: Duration) -> impl Iterator<Item = Duration> {
    let mut reached = from;
    times.chain([(to, to)]).map(move |(begin, end)| {
        let gap = begin.min(to).saturating_sub(reached);
        reached = reached.max(end);
        gap
    })
}
