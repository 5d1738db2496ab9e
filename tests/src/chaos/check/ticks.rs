//! The schedule: at most one job a tick, and no tick that is neither fired nor accounted for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::{JobId, JobRecord};

use super::runs::History;
use super::{Breach, Findings};
use crate::chaos::evidence::Evidence;

/// The period of the schedule in milliseconds.
const PERIOD: i64 = 1_000;

/// How old the last tick may be when all is well again.
const LAG: Duration = Duration::from_secs(5);

pub(super) fn check(evidence: &Evidence, histories: &BTreeMap<JobId, History<'_>>, findings: &mut Findings) {
    let jobs: BTreeMap<JobId, &JobRecord> =
        evidence.records.iter().filter(|record| record.tick.is_some()).map(|record| (record.id, record)).collect();
    doubled(evidence, histories, &jobs, findings);
    accounted(evidence, findings);
    for tick in &evidence.ticks {
        let Some(id) = tick.job else { continue };
        let instant = jobs.get(&id).and_then(|record| record.tick).map(Timestamp::as_millisecond);
        if instant != Some(tick.instant) {
            findings.add(Breach::TickMissed, id, format!("tick {} was fired, and its job is not there", tick.instant));
        }
    }
    let fired: BTreeSet<JobId> = evidence.ticks.iter().filter_map(|tick| tick.job).collect();
    for id in jobs.keys().filter(|id| !fired.contains(id)) {
        findings.add(Breach::TickDoubled, *id, "its tick is not accounted for");
    }
    findings.ticks = (fired.len(), evidence.ticks.iter().map(|tick| tick.missed).sum());
}

/// Looks for ticks with more than one job, by what the store has and by what ran.
fn doubled(
    evidence: &Evidence,
    histories: &BTreeMap<JobId, History<'_>>,
    jobs: &BTreeMap<JobId, &JobRecord>,
    findings: &mut Findings,
) {
    let mut of_tick: BTreeMap<i64, BTreeSet<JobId>> = BTreeMap::new();
    let stored = jobs.iter().filter_map(|(id, record)| Some((record.tick?.as_millisecond(), *id)));
    let ran = histories.iter().flat_map(|(id, history)| history.runs.iter().filter_map(|run| Some((run.tick?, *id))));
    let told = evidence.ticks.iter().filter_map(|tick| Some((tick.instant, tick.job?)));
    for (tick, id) in stored.chain(ran).chain(told) {
        of_tick.entry(tick).or_default().insert(id);
    }
    for (tick, ids) in of_tick.iter().filter(|(_, ids)| ids.len() > 1) {
        findings.add(Breach::TickDoubled, ids.first().copied(), format!("tick {tick} has {} jobs", ids.len()));
    }
}

/// Looks for ticks that nobody accounts for.
fn accounted(evidence: &Evidence, findings: &mut Findings) {
    for pair in evidence.ticks.windows(2) {
        let between = (pair[1].instant - pair[0].instant) / PERIOD - 1;
        if between != i64::from(pair[1].missed) {
            let text = format!("between {} and {} are {between} ticks", pair[0].instant, pair[1].instant);
            findings.add(Breach::TickMissed, pair[1].job, format!("{text}, and {} are accounted for", pair[1].missed));
        }
    }
    let last = evidence.ticks.last().map_or(0, |tick| tick.instant);
    if last != evidence.last_tick || evidence.lag > LAG {
        let text = format!("the last tick dealt with is {last}, that of the schedule {}", evidence.last_tick);
        findings.add(Breach::TickMissed, None, format!("{text}, {:?} before the end", evidence.lag));
    }
}
