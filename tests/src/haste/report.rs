//! What a person reads: what is wrong, one by one, and one line in the end.

use std::time::Duration;

use super::check::{Evidence, Verdict, Wrong};
use super::clock::{SPEED, fast};
use super::plan::Plan;
use crate::chaos::check::{Breach, Findings};
use crate::chaos::evidence::Why;
use crate::chaos::faults::What;

/// The most lines of one sort.
const MOST: usize = 20;

/// Says what begins.
pub(super) fn begin(plan: &Plan) {
    let chaos = &plan.chaos;
    let minutes = fast(chaos.length).as_secs() / 60;
    let without = plan.without.map(|guard| format!(", without the guard `{guard}`")).unwrap_or_default();
    println!(
        "haste on {:?}: seed {}, {} s at {SPEED} times the speed are {minutes} minutes, {} workers{without}",
        chaos.store,
        chaos.seed,
        chaos.length.as_secs(),
        chaos.workers
    );
}

/// Says what came of it. The last line is the summary.
pub(super) fn end(plan: &Plan, evidence: &Evidence, verdict: &Verdict, findings: &Findings, took: Duration) {
    let wall = evidence.course.clock.wall;
    println!("from {wall} to {}, settled after {:.1} s", evidence.course.ends, took.as_secs_f64());
    for (planned, account) in &evidence.accounts {
        let jobs = evidence.work.records.iter().filter(|job| job.schedule.as_deref() == Some(planned.key)).count();
        let latest = account.iter().map(jobs_core::store::TickRecord::late_by).max().unwrap_or_default();
        println!("{}: {} accounts, {jobs} jobs, the latest dealt with after {} s", planned.key, account.len(), latest.as_secs());
    }
    if plan.chaos.verbose {
        findings.explained.iter().for_each(|line| println!("{line}"));
    }
    for sort in [Wrong::Doubled, Wrong::Missed, Wrong::Early, Wrong::AgainstPolicy] {
        let lines = verdict.wrong.iter().filter(|(wrong, _)| *wrong == sort);
        lines.take(MOST).for_each(|(_, text)| println!("{sort:?}: {text}"));
    }
    findings.violations.iter().take(MOST).for_each(|violation| println!("{violation}"));
    println!("{}", summary(evidence, verdict, findings));
}

fn summary(evidence: &Evidence, verdict: &Verdict, findings: &Findings) -> String {
    let list = |parts: Vec<String>| if parts.is_empty() { "none".to_owned() } else { parts.join(", ") };
    let reasons = verdict.skipped.iter().map(|(why, number)| format!("{why} {number}")).collect();
    let causes = findings.repeated.iter().map(|(cause, number)| format!("{} {number}", cause.name())).collect();
    let count = |what| evidence.work.faults.iter().filter(|fault| fault.what == what).count();
    let unexplained = findings.of(Breach::Unexplained);
    let lives = evidence.work.lives.iter().filter(|life| life.why == Why::Ordered).count();
    format!(
        "ticks expected {}, fired {}, stood for by later ones {}, skipped by policy {} ({}), doubled {}, missed {}, early {}, against their \
         policy {}; executions {}, not counted {} ({}: each explained), unexplained {unexplained}, other violations {}; kills {}, freezes {}, \
         polite stops {}, processes {lives}",
        verdict.expected,
        verdict.fired,
        verdict.stood_for,
        verdict.skipped.values().sum::<usize>(),
        list(reasons),
        verdict.of(Wrong::Doubled),
        verdict.of(Wrong::Missed),
        verdict.of(Wrong::Early),
        verdict.of(Wrong::AgainstPolicy),
        findings.executions,
        findings.repeated.values().sum::<usize>(),
        list(causes),
        findings.violations.len() - unexplained,
        count(What::Kill),
        count(What::Freeze),
        count(What::Stop),
    )
}
