//! What a person reads: the faults, the story of whatever is wrong, and one line in the end.

use std::collections::BTreeSet;
use std::time::Duration;

use jobs_core::JobId;

use super::check::{Breach, Findings};
use super::evidence::Evidence;
use super::faults::{Fault, What};
use super::ledger::Event;
use super::plan::Plan;
use super::stage::Stage;

/// The most stories that are told in full.
const STORIES: usize = 5;

/// How long before a job's first run its story begins.
const BEFORE: Duration = Duration::from_secs(5);

/// Says what begins.
pub(super) fn begin(plan: &Plan) {
    let Plan { store, length, seed, workers, .. } = plan;
    println!("chaos on {store:?}: seed {seed}, {} s, {workers} workers", length.as_secs());
}

/// Says what came of it. The last line is the summary.
pub(super) fn end(plan: &Plan, stage: &Stage, evidence: &Evidence, findings: &Findings, took: Duration) {
    if plan.verbose {
        findings.explained.iter().for_each(|line| println!("{line}"));
    }
    let count = |what| evidence.faults.iter().filter(|fault| fault.what == what).count();
    let faults = What::ALL.map(|what| (what.name(), count(what)));
    println!("faults: {}", list(faults.into_iter().filter(|(_, number)| *number > 0)));
    let in_vain = |what| evidence.in_vain.iter().filter(|tried| **tried == what).count();
    let in_vain = What::ALL.map(|what| (what.name(), in_vain(what)));
    println!("tried without effect: {}", list(in_vain.into_iter().filter(|(_, number)| *number > 0)));
    let enqueued = &evidence.enqueued;
    println!("enqueues repeated: {} without an answer, {} that had one", enqueued.lost_answers, enqueued.repeats);
    let late = evidence.ledgers.values().flatten().filter(|entry| matches!(entry.what, Event::Stale { .. })).count();
    println!("late outcomes turned away: {late}");
    let (fired, passed_over) = findings.ticks;
    println!("ticks: {fired} fired, {passed_over} passed over by later ones; {} executions in all", findings.executions);
    let recoveries = findings.recoveries.iter().map(|(what, time)| (*what, format!("{:.1} s", time.as_secs_f64())));
    let got = evidence.ledgers.values().flatten().filter(|entry| matches!(entry.what, Event::Claimed { .. })).count();
    println!("rests of a queue: {}, and {got} claims of its jobs", evidence.rests.len());
    exactly_once(findings);
    println!("slowest recoveries: {}", list(recoveries));
    for (place, violation) in findings.violations.iter().enumerate() {
        println!("{violation}");
        if let Some(job) = violation.job.filter(|_| place < STORIES) {
            tell(evidence, job);
        }
    }
    println!("never happened: {}", left_out(plan, stage, evidence));
    println!("{}", summary(evidence, findings, took));
}

/// The table of jobs whose effect and completion are one commit.
fn exactly_once(findings: &Findings) {
    let table = &findings.effects;
    println!("exactly once:");
    for (what, number) in [
        ("jobs with an effect", table.jobs),
        ("jobs completed", table.completed),
        ("effects", table.effects),
        ("effects missing", table.missing),
        ("effects doubled", table.doubled),
        ("effects of jobs not completed", table.strays),
        ("runs begun", table.runs),
        ("commits asked for", table.commits),
        ("commits whose answer was lost", table.lost),
        ("of these took place", table.took_place),
        ("completions refused as stale", table.refused),
    ] {
        println!("  {what:<32}{number:>8}");
    }
}

/// What belongs to such a run and was not done in this one, and why.
fn left_out(plan: &Plan, stage: &Stage, evidence: &Evidence) -> String {
    let happened = |what: &What| evidence.faults.iter().any(|fault| fault.what == *what);
    let missing = What::ALL.into_iter().filter(|what| what.belongs_to(plan.store) && !happened(what));
    let why = |what| match evidence.in_vain.iter().filter(|tried| **tried == what).count() {
        0 => stage.why_never(what).unwrap_or("not drawn").to_owned(),
        tried => format!("tried {tried} times, without effect"),
    };
    let missing: Vec<String> = missing.map(|what| format!("{} ({})", what.name(), why(what))).collect();
    if missing.is_empty() { "nothing that could".to_owned() } else { missing.join(", ") }
}

fn list(items: impl Iterator<Item = (&'static str, impl std::fmt::Display)>) -> String {
    let items: Vec<String> = items.map(|(name, number)| format!("{name} {number}")).collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

fn summary(evidence: &Evidence, findings: &Findings, took: Duration) -> String {
    let of = |breach| findings.of(breach);
    let repeated = list(findings.repeated.iter().map(|(cause, number)| (cause.name(), number)));
    let explained: usize = findings.repeated.values().sum();
    let slowest = findings.recoveries.values().max().copied().unwrap_or_default().as_secs_f64();
    let known = [Breach::Lost, Breach::CompletedTwice, Breach::Unexplained, Breach::TickDoubled, Breach::TickMissed];
    let other = findings.violations.iter().filter(|violation| !known.contains(&violation.breach)).count();
    let rate = f64::from(u32::try_from(findings.executions).unwrap_or(u32::MAX)) / took.as_secs_f64();
    format!(
        "acknowledged {}, completed {}, failed as planned {}, quarantined {}, lost {}, completed twice {}, executed more than once \
         {explained} ({repeated}: each explained), unexplained {}, ticks doubled {}, ticks missed {}, other violations {other}, slowest \
         recovery {slowest:.1} s, rate {rate:.0}/s",
        evidence.enqueued.acknowledged.len(),
        findings.completed,
        findings.failed,
        findings.quarantined,
        of(Breach::Lost),
        of(Breach::CompletedTwice),
        of(Breach::Unexplained),
        of(Breach::TickDoubled),
        of(Breach::TickMissed),
    )
}

/// Tells all that is known of a job: what is stored, and line by line what happened to it, and meanwhile to whoever held it.
fn tell(evidence: &Evidence, job: JobId) {
    for record in evidence.records.iter().filter(|record| record.id == job) {
        println!("    stored: {record:?}");
    }
    let mut lines: Vec<(Duration, String)> = Vec::new();
    let mut holders: BTreeSet<&str> = BTreeSet::new();
    for (process, entries) in &evidence.ledgers {
        let mut runs: BTreeSet<u64> = BTreeSet::new();
        for entry in entries {
            let is_its = match &entry.what {
                Event::Begin { run, job: its, .. } => *its == job && runs.insert(*run),
                Event::End { run, .. } => runs.contains(run),
                Event::Claimed { job: its, .. }
                | Event::Applied { job: its, .. }
                | Event::Stale { job: its, .. }
                | Event::Commit { job: its, .. } => *its == job,
                Event::Lost | Event::Ready => false,
            };
            if is_its {
                holders.insert(process);
                lines.push((entry.at, format!("{process}: {}", entry.what)));
            }
        }
    }
    let first = lines.iter().map(|(at, _)| *at).min().unwrap_or_default().saturating_sub(BEFORE);
    let last = lines.iter().map(|(at, _)| *at).max().unwrap_or_default();
    for (process, entries) in evidence.ledgers.iter().filter(|(process, _)| holders.contains(&***process)) {
        let gone = entries.iter().filter(|entry| entry.what == Event::Lost && entry.at >= first && entry.at <= last);
        lines.extend(gone.map(|entry| (entry.at, format!("{process}: lost its lease"))));
    }
    let met = |fault: &&Fault| fault.overlaps(first, last) && holders.iter().any(|process| fault.is_of(process));
    lines.extend(evidence.faults.iter().filter(met).map(|fault| (fault.from, format!("    {fault}"))));
    lines.sort();
    for (at, line) in lines {
        println!("    {:.6} {line}", at.as_secs_f64());
    }
}
