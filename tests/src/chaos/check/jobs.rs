//! Each job: whether it is there, whether it has ended once, and as its runs say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jobs_core::{JobId, JobRecord, State};

use super::losses::Losses;
use super::runs::{self, History};
use super::{Breach, Findings};
use crate::chaos::effects::{EFFECT, Fate, fate};
use crate::chaos::evidence::Evidence;
use crate::chaos::ledger::End;
use crate::chaos::work::{self, RETRIES};

/// How many of the crashes that quarantine a job the ledger must show. The first of four may have hit a job that had not begun.
const SEEN_CRASHES: usize = 3;

pub(super) fn check(evidence: &Evidence, histories: &BTreeMap<JobId, History<'_>>, losses: &Losses<'_>, findings: &mut Findings) {
    let mut records: BTreeMap<JobId, Vec<&JobRecord>> = BTreeMap::new();
    let mut followers: BTreeMap<JobId, usize> = BTreeMap::new();
    for record in &evidence.records {
        records.entry(record.id).or_default().push(record);
        if let Some(parent) = record.parent {
            *followers.entry(parent).or_default() += 1;
        }
    }
    let acknowledged = &evidence.enqueued.acknowledged;
    let ids: BTreeSet<JobId> = acknowledged.keys().chain(records.keys()).chain(histories.keys()).copied().collect();
    for id in ids {
        let none = History::default();
        let history = histories.get(&id).unwrap_or(&none);
        if evidence.enqueued.made_again.contains(&id) {
            findings.add(Breach::MadeAgain, id, "it was enqueued again, and the store said that it was new");
        }
        let Some(found) = records.get(&id) else {
            findings.add(Breach::Lost, id, format!("the store does not have it; it ran {} times", history.runs.len()));
            continue;
        };
        let completions = history.applied.iter().filter(|(_, decision)| *decision == "completed").count();
        if found.len() > 1 || completions > 1 {
            let text = format!("the store has it {} times, and said {completions} times that it took its end", found.len());
            findings.add(Breach::CompletedTwice, id, text);
        }
        let record = found[0];
        let is_known = acknowledged.contains_key(&id) || evidence.enqueued.unanswered.contains(&id);
        if !is_known && record.tick.is_none() && record.parent.is_none() {
            findings.add(Breach::Stranger, id, "nobody enqueued it");
        }
        if !record.state.is_finished() {
            // Nobody was left to run the last ticks.
            if record.tick.is_none_or(|tick| tick.as_millisecond() < evidence.dismissed_at - 3_000) {
                findings.add(Breach::Lost, id, format!("it has not ended: it is {}", record.state));
            }
            continue;
        }
        let ended = end(record, history, losses);
        let followers = followers.get(&id).copied().unwrap_or(0);
        let wanted = usize::from(record.kind == "first" && record.state == State::Completed);
        if followers != wanted {
            findings.add(Breach::CompletedTwice, id, format!("{followers} jobs follow on it, and not {wanted}"));
        }
        match ended {
            Ok(number) if acknowledged.contains_key(&id) => *number(findings) += 1,
            Ok(_) => {}
            Err(text) => findings.add(Breach::WrongEnd, id, text),
        }
        runs::check(id, record, history, losses, findings);
    }
    for id in &evidence.enqueued.unanswered {
        findings.add(Breach::Stranger, *id, "it was enqueued until the end, and never answered for");
    }
}

/// Where a job is counted that ended as it may.
type Number = fn(&mut Findings) -> &mut usize;

/// Whether a job ended as its runs say.
fn end(record: &JobRecord, history: &History<'_>, losses: &Losses<'_>) -> Result<Number, String> {
    let planned = work::failures(&record.kind, record.id);
    let ended_by = runs::output(record);
    let quarantined = record.error.as_deref().is_some_and(|error| error.starts_with("quarantined"));
    match record.state {
        // Whatever happens to its transaction is a failure.
        State::Completed if record.failures != planned && record.kind != EFFECT => {
            Err(format!("it failed {} times, and not {planned}", record.failures))
        }
        State::Completed => {
            let run = history.runs.iter().find(|run| Some(run.name()) == ended_by);
            match run {
                Some(run) if run.how == Some(End::Ok) && run.token == record.token => Ok(|findings| &mut findings.completed),
                Some(run) => Err(format!(
                    "it was completed by run {} of token {}, which ended as {:?}; its last token is {}",
                    run.name(),
                    run.token,
                    run.how,
                    record.token
                )),
                None => Err(format!("it was completed by the run {ended_by:?}, which is in no ledger")),
            }
        }
        State::Failed if quarantined => {
            let seen = history.runs.windows(2).map(|pair| (&pair[0], pair[1].begun));
            let last = history.runs.last().map(|run| (run, Duration::MAX));
            let harmed = seen.chain(last).filter(|(run, taken)| losses.of(run, *taken).is_some()).count();
            if harmed < SEEN_CRASHES {
                return Err(format!("it was quarantined, and the ledger shows {harmed} crashes"));
            }
            Ok(|findings| &mut findings.quarantined)
        }
        State::Failed if record.kind == EFFECT && fate(record.id) == Fate::Fails => Ok(|findings| &mut findings.failed),
        State::Cancelled if record.kind == EFFECT && fate(record.id) == Fate::Cancels => Ok(|findings| &mut findings.failed),
        State::Failed if planned > RETRIES && record.failures == planned => Ok(|findings| &mut findings.failed),
        state => Err(format!("it ended as {state} after {} failures, and {planned} were planned", record.failures)),
    }
}
