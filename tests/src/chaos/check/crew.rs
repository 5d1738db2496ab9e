//! The processes: none ends by itself, each ends in time when it is asked to, and none loses its lease for nothing.

use super::losses::Losses;
use super::{Breach, Findings};
use crate::chaos::clock::Seconds;
use crate::chaos::evidence::{Evidence, Why};
use crate::chaos::faults::Fault;
use crate::chaos::ledger::Event;

pub(super) fn check(evidence: &Evidence, losses: &Losses<'_>, findings: &mut Findings) {
    for life in &evidence.lives {
        let name = &life.process;
        if life.why == Why::TooLate {
            findings.add(Breach::Process, None, format!("{name} was asked to stop, and did not end in time"));
        }
        let was_ready = evidence.ledgers.get(name).is_some_and(|entries| entries.iter().any(|entry| entry.what == Event::Ready));
        // One that starts while there is no store says so, and ends.
        let had_no_store =
            |fault: &Fault| fault.what.is_of_store() && fault.is_of(name) && fault.overlaps(life.began, life.ended);
        let could_start = !evidence.faults.iter().any(had_no_store);
        if life.why == Why::ByItself && (was_ready || could_start) {
            findings.add(Breach::Process, None, format!("{name} ended by itself, and nobody wanted it"));
        }
    }
    for (process, loss) in losses.lost() {
        if loss.by.is_empty() {
            let text = format!("{process} lost its lease at {}, and nothing that was done could cost it one", Seconds(loss.at));
            findings.add(Breach::Lease, None, text);
        } else {
            findings.explained.push(format!("{process}: {loss}"));
        }
    }
}
