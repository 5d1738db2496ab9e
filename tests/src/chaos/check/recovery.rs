//! How long it took until jobs ended again after the store, or the way to it, had failed. Where the next fault came before that, nothing
//! can be told.

use std::time::Duration;

use super::Findings;
use crate::chaos::evidence::Evidence;
use crate::chaos::faults::Fault;
use crate::chaos::ledger::{End, Event};

pub(super) fn measure(evidence: &Evidence, findings: &mut Findings) {
    for fault in evidence.faults.iter().filter(|fault| fault.what.is_of_store()) {
        let Some(end) = first_end(evidence, fault) else { continue };
        let disturbed = |other: &&Fault| *other != fault && meets(fault, other) && other.overlaps(fault.to, end);
        if !evidence.faults.iter().any(|other| disturbed(&other)) {
            let slowest = findings.recoveries.entry(fault.what.name()).or_default();
            *slowest = end.saturating_sub(fault.to).max(*slowest);
        }
    }
}

/// When a job ended well for the first time after a fault, in a process that it hit.
fn first_end(evidence: &Evidence, fault: &Fault) -> Option<Duration> {
    let ledgers = evidence.ledgers.iter().filter(|(process, _)| fault.is_of(process));
    let ends = ledgers.filter_map(|(_, entries)| {
        let good = entries.iter().filter(|entry| matches!(entry.what, Event::End { how: End::Ok, .. }));
        good.map(|entry| entry.at).find(|at| *at > fault.to)
    });
    ends.min()
}

/// Whether some process is hit by both.
fn meets(one: &Fault, other: &Fault) -> bool {
    one.is_of(&other.whom) || other.is_of(&one.whom)
}
