//! The effects of jobs that write by a transaction of their own: one for each that was completed, none for any other.

use std::collections::{BTreeMap, BTreeSet};

use jobs_core::{JobId, State};

use super::{Breach, Findings};
use crate::chaos::effects::EFFECT;
use crate::chaos::evidence::{Effect, Evidence};
use crate::chaos::ledger::{Entry, Event, Step};

/// The table "exactly once".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Jobs of the kind that were answered for.
    pub jobs: usize,
    /// Those that were completed.
    pub completed: usize,
    /// Rows.
    pub effects: usize,
    /// Completed jobs without a row.
    pub missing: usize,
    /// Rows beyond the first of a job.
    pub doubled: usize,
    /// Rows of jobs that were not completed, or of no job at all.
    pub strays: usize,
    /// Runs that were begun.
    pub runs: usize,
    /// Commits that were asked for.
    pub commits: usize,
    /// Those whose answer never came.
    pub lost: usize,
    /// Those of them that took place nevertheless.
    pub took_place: usize,
    /// Completions that were refused, since the job was not held under its token any more.
    pub refused: usize,
}

pub(super) fn check(evidence: &Evidence, findings: &mut Findings) {
    let mut rows: BTreeMap<JobId, Vec<&Effect>> = BTreeMap::new();
    for effect in &evidence.effects {
        rows.entry(effect.job).or_default().push(effect);
    }
    let mut table = count(evidence);
    for record in evidence.records.iter().filter(|record| record.kind == EFFECT) {
        let rows = rows.remove(&record.id).unwrap_or_default();
        let runs = || rows.iter().map(|row| format!("{} of token {}", row.run, row.token)).collect::<Vec<_>>().join(", ");
        let is_completed = record.state == State::Completed;
        table.completed += usize::from(is_completed);
        if !is_completed {
            table.strays += rows.len();
            if !rows.is_empty() {
                let text = format!("it is {}, and there are effects of it: by {}", record.state, runs());
                findings.add(Breach::EffectStray, record.id, text);
            }
            continue;
        }
        table.doubled += rows.len().saturating_sub(1);
        match &rows[..] {
            [] => {
                table.missing += 1;
                findings.add(Breach::EffectMissing, record.id, "it was completed, and there is no effect of it");
            }
            [row] if row.token != record.token || super::runs::output(record).as_ref() != Some(&row.run) => {
                let text = format!("its effect is by {}, which did not complete it", runs());
                findings.add(Breach::EffectStray, record.id, text);
            }
            [_] => {}
            _ => findings.add(Breach::EffectDoubled, record.id, format!("it has {} effects: by {}", rows.len(), runs())),
        }
    }
    for (job, rows) in rows {
        table.strays += rows.len();
        findings.add(Breach::EffectStray, job, format!("there are {} effects of it, and no such job with an effect", rows.len()));
    }
    beside(evidence, findings);
    findings.effects = table;
}

/// A job that was completed by an ordinary outcome, which is written after each commit and finds the job completed.
fn beside(evidence: &Evidence, findings: &mut Findings) {
    let own: BTreeSet<JobId> = evidence.records.iter().filter(|record| record.kind == EFFECT).map(|record| record.id).collect();
    for entry in evidence.ledgers.values().flatten() {
        if let Event::Applied { job, token, decision } = &entry.what
            && decision == "completed"
            && own.contains(job)
        {
            findings.add(Breach::EffectMissing, *job, format!("it was completed under token {token} without its transaction"));
        }
    }
}

fn count(evidence: &Evidence) -> Table {
    let entries = || evidence.ledgers.values().flatten();
    let commits = |wanted: Step| {
        let commit = move |entry: &Entry| match entry.what {
            Event::Commit { job, token, step } if step == wanted => Some((job, token)),
            _ => None,
        };
        entries().filter_map(commit).collect::<Vec<_>>()
    };
    let answered: BTreeSet<(JobId, i64)> = commits(Step::Answered).into_iter().collect();
    let asked = commits(Step::Asked);
    let lost: Vec<&(JobId, i64)> = asked.iter().filter(|commit| !answered.contains(commit)).collect();
    let there: BTreeSet<(JobId, i64)> = evidence.effects.iter().map(|effect| (effect.job, effect.token)).collect();
    Table {
        jobs: evidence.enqueued.acknowledged.values().filter(|kind| *kind == EFFECT).count(),
        effects: evidence.effects.len(),
        runs: entries().filter(|entry| matches!(&entry.what, Event::Begin { kind, .. } if kind == EFFECT)).count(),
        commits: asked.len(),
        lost: lost.len(),
        took_place: lost.iter().filter(|commit| there.contains(commit)).count(),
        refused: commits(Step::Refused).len(),
        ..Table::default()
    }
}
