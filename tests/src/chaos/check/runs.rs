//! The runs of each job, put together from all ledgers, and whether each of them was right.
//!
//! Each run has the token of its claim, and tokens only grow: so the runs of a job in the order of their tokens are the history of who
//! held it. A run whose outcome the store has recorded counts. Any other has to be explained by what was done to its process before the
//! next run began.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jobs_core::{JobId, JobRecord, State};

use super::losses::Losses;
use super::{Breach, Findings};
use crate::chaos::clock::Seconds;
use crate::chaos::effects::EFFECT;
use crate::chaos::evidence::Evidence;
use crate::chaos::faults::What;
use crate::chaos::ledger::{End, Event};
use crate::chaos::work::retries;

/// One run.
#[derive(Clone, Debug)]
pub(super) struct Run<'a> {
    pub(super) process: &'a str,
    pub(super) number: u64,
    pub(super) begun: Duration,
    pub(super) attempt: u32,
    pub(super) token: i64,
    pub(super) tick: Option<i64>,
    pub(super) how: Option<End>,
    /// When it ended; without an end of its own, when its process did.
    pub(super) until: Duration,
}

impl Run<'_> {
    /// The name under which the store hears of it.
    pub(super) fn name(&self) -> String {
        format!("{}#{}", self.process, self.number)
    }
}

/// All that the ledgers have of one job.
#[derive(Clone, Debug, Default)]
pub(super) struct History<'a> {
    /// In the order of their tokens.
    pub(super) runs: Vec<Run<'a>>,
    /// What the store answered for: the token and what became of the job.
    pub(super) applied: Vec<(i64, &'a str)>,
}

/// The histories of all jobs.
pub(super) fn of_jobs(evidence: &Evidence) -> BTreeMap<JobId, History<'_>> {
    let mut histories: BTreeMap<JobId, History<'_>> = BTreeMap::new();
    for (process, entries) in &evidence.ledgers {
        let ends: HashMap<u64, (Duration, End)> = entries
            .iter()
            .filter_map(|entry| match entry.what {
                Event::End { run, how } => Some((run, (entry.at, how))),
                _ => None,
            })
            .collect();
        let died = death(evidence, process);
        for entry in entries {
            match &entry.what {
                Event::Begin { run, job, attempt, token, tick, .. } => {
                    let end = ends.get(run);
                    histories.entry(*job).or_default().runs.push(Run {
                        process,
                        number: *run,
                        begun: entry.at,
                        attempt: *attempt,
                        token: *token,
                        tick: *tick,
                        how: end.map(|(_, how)| *how),
                        until: end.map_or(died, |(at, _)| *at),
                    });
                }
                Event::Applied { job, token, decision } => histories.entry(*job).or_default().applied.push((*token, decision)),
                Event::Ready
                | Event::Lost
                | Event::Claimed { .. }
                | Event::End { .. }
                | Event::Stale { .. }
                | Event::Commit { .. } => {}
            }
        }
    }
    for history in histories.values_mut() {
        history.runs.sort_by_key(|run| (run.token, run.begun));
    }
    histories
}

/// From when on a process did nothing more.
fn death(evidence: &Evidence, process: &str) -> Duration {
    let killed = evidence.faults.iter().find(|fault| fault.what == What::Kill && fault.whom == process).map(|kill| kill.from);
    let ended = || evidence.lives.iter().find(|life| life.process == process).map(|life| life.ended);
    killed.or_else(ended).unwrap_or(Duration::MAX)
}

/// Judges the runs of a job.
pub(super) fn check(id: JobId, record: &JobRecord, history: &History<'_>, losses: &Losses<'_>, findings: &mut Findings) {
    findings.executions += history.runs.len();
    let counted = counted(record, history);
    let mut failures = 0;
    for (place, run) in history.runs.iter().enumerate() {
        let next = history.runs.get(place + 1);
        let name = run.name();
        if run.token == 0 || next.is_some_and(|next| next.token == run.token) {
            findings.add(Breach::Unexplained, id, format!("run {name} has no claim of its own"));
        }
        if run.token > record.token {
            findings.add(Breach::CompletedTwice, id, format!("run {name} was claimed after the job had ended"));
        }
        if run.attempt != failures + 1 || run.attempt > retries(&record.kind) + 1 {
            let text = format!("run {name} was attempt {} after {failures} recorded failures", run.attempt);
            findings.add(Breach::WrongAttempt, id, text);
        }
        if counted[place] {
            failures += u32::from(if record.kind == EFFECT { !has_ended(record, run) } else { run.how == Some(End::Failed) });
            if next.is_some_and(|next| next.begun < run.until) {
                findings.add(Breach::Overlap, id, format!("run {name} counted, and had not ended when the next one began"));
            }
            continue;
        }
        if history.applied.iter().any(|(token, decision)| *token == run.token && *decision != "handed-back") {
            findings.add(Breach::WrongEnd, id, format!("the store took the outcome of run {name}, and does not have it"));
        }
        let taken = next.map_or(Duration::MAX, |next| next.begun);
        let Some(loss) = losses.of(run, taken) else {
            findings.add(
                Breach::Unexplained,
                id,
                format!("run {name} did not count, and nothing was done that could cost it that"),
            );
            continue;
        };
        *findings.repeated.entry(loss.cause).or_default() += 1;
        findings.explained.push(format!("job {id}: run {name} from {} did not count: {loss}", Seconds(run.begun)));
        let stood_still = || losses.outages(run.process).is_some_and(|outages| outages.stood_still(taken, run.until));
        if run.until > taken && !stood_still() {
            findings.add(Breach::Overlap, id, format!("run {name} had not ended when the next one began"));
        }
        if next.is_some() {
            let slowest = findings.recoveries.entry(loss.cause.name()).or_default();
            *slowest = taken.saturating_sub(loss.at.max(run.begun)).max(*slowest);
        }
    }
}

/// Which runs the store has recorded: the one that it has the output of, those whose errors it keeps, and as many that snoozed as it
/// counts, those first whose process had an answer.
fn counted(record: &JobRecord, history: &History<'_>) -> Vec<bool> {
    if record.kind == EFFECT {
        return counted_with_effect(record, history);
    }
    let answered = |run: &Run<'_>| history.applied.contains(&(run.token, "snoozed"));
    let snoozed = || history.runs.iter().filter(|run| run.how == Some(End::Snoozed));
    let (sure, unsure): (Vec<_>, Vec<_>) = snoozed().partition(|run| answered(run));
    let tokens: Vec<i64> = sure.iter().chain(&unsure).map(|run| run.token).take(record.snoozes as usize).collect();
    let counts = |run: &Run<'_>| match run.how {
        Some(End::Ok) => record.state == State::Completed && output(record) == Some(run.name()),
        Some(End::Failed) => record.errors.iter().any(|error| error.error == run.name()),
        Some(End::Snoozed) => tokens.contains(&run.token),
        Some(End::Stopped | End::Dropped) | None => false,
    };
    history.runs.iter().map(counts).collect()
}

/// The same of a job with an effect. What goes wrong with its transaction is a failure, too, whatever its fn has done: of the runs with one
/// number of an attempt the last one counts, if there were as many failures.
fn counted_with_effect(record: &JobRecord, history: &History<'_>) -> Vec<bool> {
    let is_last = |place: usize, run: &Run<'_>| history.runs.get(place + 1).is_none_or(|next| next.attempt > run.attempt);
    let runs = history.runs.iter().enumerate();
    runs.map(|(place, run)| has_ended(record, run) || (run.attempt <= record.failures && is_last(place, run))).collect()
}

/// Whether this run has ended its job as it wanted to: well, or as one that is not wanted any more.
fn has_ended(record: &JobRecord, run: &Run<'_>) -> bool {
    match record.state {
        State::Completed => output(record) == Some(run.name()),
        State::Cancelled => run.token == record.token,
        _ => false,
    }
}

/// The run that the store says has ended the job.
pub(super) fn output(record: &JobRecord) -> Option<String> {
    serde_json::from_str(record.output.as_deref()?).ok()
}
