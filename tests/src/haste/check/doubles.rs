//! Whether a tick has more than one job, by what the store has, what its accounts say, and what ran; whether each of its jobs is there; and
//! whether anything came before its time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jobs_core::{JobId, JobRecord};

use super::{Case, Verdict, Wrong, earlier, told};
use crate::chaos::ledger::Event;

pub(super) fn check(case: &Case<'_>, verdict: &mut Verdict) {
    let key = case.planned.key;
    let entries = || case.evidence.work.ledgers.values().flatten();
    let runs = entries().filter_map(|entry| match &entry.what {
        Event::Begin { job, kind, tick: Some(tick), .. } if kind == key => Some((*job, *tick, entry.at)),
        _ => None,
    });
    let runs: Vec<(JobId, Timestamp, Timestamp)> = runs
        .filter_map(|(job, tick, at)| Some((job, Timestamp::from_millisecond(tick).ok()?, case.evidence.clock().wall_at(at))))
        .collect();
    let stored = case.jobs.iter().filter_map(|job| Some((job.tick?, job.id)));
    let accounted = case.dealt.iter().filter_map(|tick| Some((tick.instant, tick.job?)));
    let ran = runs.iter().map(|(job, tick, _)| (*tick, *job));
    let mut of_tick: BTreeMap<Timestamp, BTreeSet<JobId>> = BTreeMap::new();
    for (tick, job) in stored.chain(accounted).chain(ran) {
        of_tick.entry(tick).or_default().insert(job);
    }
    for (tick, jobs) in &of_tick {
        if jobs.len() > 1 {
            let jobs: Vec<String> = jobs.iter().map(ToString::to_string).collect();
            verdict.add(Wrong::Doubled, format!("{key} {tick}: jobs {}", jobs.join(", ")));
        } else if !case.dealt.iter().any(|dealt| dealt.instant == *tick && dealt.job.is_some()) {
            verdict.add(Wrong::Doubled, format!("{key} {tick}: a job that no account has"));
        }
    }
    are_there(case, verdict);
    for (job, tick, began) in runs {
        if began < earlier(tick, case.evidence.early()) {
            verdict.add(Wrong::Early, format!("{key} {tick}: job {job} began at {began}"));
        }
    }
}

/// Looks for the job of each tick that was fired.
fn are_there(case: &Case<'_>, verdict: &mut Verdict) {
    let of: BTreeMap<JobId, &JobRecord> = case.jobs.iter().map(|job| (job.id, *job)).collect();
    for tick in &case.dealt {
        if tick.dealt_at < earlier(tick.instant, case.evidence.early_account(case.planned)) {
            verdict.add(Wrong::Early, told(tick));
        }
        let Some(id) = tick.job else { continue };
        if of.get(&id).and_then(|job| job.tick) != Some(tick.instant) {
            verdict.add(Wrong::Missed, format!("its job is not there: {}", told(tick)));
        }
    }
}
