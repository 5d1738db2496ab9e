//! Whether the account of a schedule covers all ticks of the rule: each account begins where the one before it ended, its instant is a tick,
//! and it says how many it stands for.

use jiff::Timestamp;
use jobs_core::store::{TickOutcome, TickRecord};

use super::super::course::OFF;
use super::super::schedules::Planned;
use super::{Case, Evidence, Verdict, Wrong, earlier, later, told};

/// From when on a schedule counts: from its first declaration, which comes before any process is ready.
pub(super) fn declared(evidence: &Evidence, planned: &Planned, account: &[TickRecord], verdict: &mut Verdict) -> Timestamp {
    let (origin, ready) = (evidence.course.clock.wall, evidence.first_ready());
    let Some(first) = account.first() else { return ready };
    if first.since < earlier(origin, OFF) || first.since > later(ready, OFF) {
        let text = format!("{} counts from {}, and was declared from {origin} to {ready}", planned.key, first.since);
        verdict.add(Wrong::Missed, text);
    }
    first.since
}

pub(super) fn check(case: &Case<'_>, declared: Timestamp, verdict: &mut Verdict) {
    let mut last = declared;
    for tick in &case.dealt {
        let covered: Vec<Timestamp> = between(&case.expected, last, tick.instant).collect();
        if tick.since != last {
            verdict.add(Wrong::Missed, format!("the account before ends at {last}: {}", told(tick)));
        }
        if covered.last() != Some(&tick.instant) {
            verdict.add(Wrong::Early, format!("no tick of the rule: {}", told(tick)));
        } else if covered.len() != tick.missed as usize + 1 {
            verdict.add(Wrong::Missed, format!("there are {} ticks up to it: {}", covered.len(), told(tick)));
        }
        if tick.outcome == TickOutcome::Queued {
            verdict.add(Wrong::Missed, format!("it waits still: {}", told(tick)));
        }
        last = tick.instant;
    }
    for tick in between(&case.expected, last, case.evidence.course.ends) {
        verdict.add(Wrong::Missed, format!("{} {tick}: nobody accounts for it", case.planned.key));
    }
}

/// The ticks after `after`, up to `until`.
fn between(ticks: &[Timestamp], after: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
    ticks.iter().copied().filter(move |tick| *tick > after && *tick <= until)
}
