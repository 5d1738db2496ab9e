//! The processes: none ends by itself, each ends in time when it is asked to, and none loses its lease for nothing.

use super::losses::Losses;
use super::{Breach, Findings};
use crate::chaos::evidence::{Evidence, Why};
use crate::chaos::ledger::Event;

pub(super) fn check(evidence: &Evidence, losses: &Losses<'_>, findings: &mut Findings) {
    for life in &evidence.lives {
        let name = &life.process;
        if life.why == Why::TooLate {
            findings.add(Breach::Process, None, format!("{name} was asked to stop, and did not end in time"));
        }
        let was_ready = evidence.ledgers.get(name).is_some_and(|entries| entries.iter().any(|entry| entry.what == Event::Ready));
        // One that starts while there is no store says so, and ends.
        let could_start = !losses.faults(name).any(|fault| fault.overlaps(life.began, life.ended));
        if life.why == Why::ByItself && (was_ready || could_start) {
            findings.add(Breach::Process, None, format!("{name} ended by itself, and nobody wanted it"));
        }
    }
    for (process, at) in losses.lost() {
        if !losses.excuses_lost_lease(process, at) {
            let text = format!("{process} lost its lease at {:.3}, and nothing was done to it", at.as_secs_f64());
            findings.add(Breach::Lease, None, text);
        }
    }
}
