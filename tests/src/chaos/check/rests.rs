//! The queue that rests: what a process asked for when the pause had been answered, and got before anybody resumed the queue, is not of it.

use super::{Breach, Findings};
use crate::chaos::clock::Seconds;
use crate::chaos::evidence::Evidence;
use crate::chaos::ledger::Event;

pub(super) fn check(evidence: &Evidence, findings: &mut Findings) {
    for (process, entries) in &evidence.ledgers {
        for entry in entries {
            let Event::Claimed { job, token, asked } = entry.what else { continue };
            if let Some(rest) = evidence.rests.iter().find(|rest| rest.from < asked && entry.at < rest.to) {
                let (asked, from, to) = (Seconds(asked), Seconds(rest.from), Seconds(rest.to));
                let text = format!(
                    "{process} asked at {asked} and got it under token {token}, and its queue was paused from {from} to {to}"
                );
                findings.add(Breach::Paused, job, text);
            }
        }
    }
}
