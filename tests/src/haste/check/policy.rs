//! Whether a tick met what its policies say: those for missed ticks and those for overlaps.
//!
//! A tick that waited has the time at which it got its job in its account, and not that at which it came, so that nothing can be told of how
//! late it was.

use jiff::{SignedDuration, Timestamp};
use jobs_core::JobRecord;
use jobs_core::schedule::{GRACE, Misfire, Overlap};
use jobs_core::store::{Skip, TickOutcome, TickRecord};

use super::{Case, SLACK, Verdict, Wrong, earlier, later, told};
use crate::chaos::faults::What;

pub(super) fn check(case: &Case<'_>, verdict: &mut Verdict) {
    for tick in &case.dealt {
        let broken = misfire(case, tick).or_else(|| overlap(case, tick));
        if let Some(rule) = broken {
            verdict.add(Wrong::AgainstPolicy, format!("{rule}: {}", told(tick)));
        }
    }
    if case.planned.overlap == Overlap::Queue {
        order(case, verdict);
    }
}

/// What of the policy for missed ticks is broken.
fn misfire(case: &Case<'_>, tick: &TickRecord) -> Option<&'static str> {
    let is_missed = tick.outcome == TickOutcome::Skipped(Skip::Misfire);
    let next = case.expected.iter().find(|next| **next > tick.instant).copied().unwrap_or(Timestamp::MAX);
    let late = tick.dealt_at.duration_since(tick.instant);
    let grace = SignedDuration::try_from(GRACE).unwrap_or(SignedDuration::MAX);
    // Nobody did anything meanwhile: who had looked what is due may have been kept from firing it.
    let stalled = || case.evidence.was(&[What::Stall], "", tick.instant, tick.dealt_at);
    // The next one was due for long when it was dealt with.
    let is_passed = next <= earlier(tick.dealt_at, SLACK);
    match case.planned.misfire {
        Misfire::Once if is_missed => Some("the latest of those that were missed gets a job"),
        Misfire::Once if case.planned.overlap == Overlap::Queue => None,
        Misfire::Once => (is_passed && !stalled()).then_some("only the latest of those that were missed gets a job"),
        Misfire::Skip if is_missed => {
            let is_in_time = late <= grace.saturating_sub(SLACK) && next > later(tick.dealt_at, SLACK);
            is_in_time.then_some("what is in time is not missed")
        }
        Misfire::Skip => {
            let is_late = is_passed || late > grace.saturating_add(SLACK);
            ((is_late && !stalled()) || tick.missed > 0).then_some("what was missed gets no job")
        }
        Misfire::All { .. } => (is_missed || tick.missed > 0).then_some("each that was missed gets a job"),
    }
}

/// What of the policy for overlaps is broken.
fn overlap(case: &Case<'_>, tick: &TickRecord) -> Option<&'static str> {
    let at = tick.dealt_at;
    let is_skipped = tick.outcome == TickOutcome::Skipped(Skip::Overlap);
    let is_fired = tick.outcome == TickOutcome::Fired;
    let others = || case.jobs.iter().filter(|job| Some(job.id) != tick.job && job.created_at <= later(at, SLACK));
    let lives_on =
        |job: &&JobRecord| job.created_at < earlier(at, SLACK) && job.finished_at.is_none_or(|end| end > later(at, SLACK));
    match case.planned.overlap {
        Overlap::Allow => is_skipped.then_some("a tick meets no other"),
        Overlap::Skip | Overlap::Queue if is_fired && others().any(lives_on) => {
            Some("a tick gets a job when no other of its schedule lives")
        }
        Overlap::Skip => (is_skipped && !others().any(|job| may_live(case, job, at))).then_some("it met no other"),
        Overlap::Queue if is_skipped => {
            let waited = case.dealt.iter().filter(|other| other.instant < tick.instant && other.dealt_at >= at).count();
            (waited < Overlap::MOST_QUEUED).then_some("there was room for it to wait")
        }
        Overlap::Queue | Overlap::Cancel => None,
    }
}

/// Whether the store may have had this job as one that had not ended: its end is written later than it comes, and much later where
/// somebody stood in the way.
fn may_live(case: &Case<'_>, job: &JobRecord, at: Timestamp) -> bool {
    let end = job.finished_at.unwrap_or(Timestamp::MAX);
    let output = job.output.as_deref().unwrap_or_default().trim_matches('"');
    let process = output.split_once('#').map_or("", |(process, _)| process);
    end >= earlier(at, SLACK)
        || case.evidence.was(&[What::Lock, What::Stuck, What::Stall], "", end, at)
        || case.evidence.was(&[What::Freeze], process, end, at)
}

/// Looks for ticks that waited and got their jobs before earlier ones.
fn order(case: &Case<'_>, verdict: &mut Verdict) {
    let mut jobs = case.jobs.clone();
    jobs.sort_by_key(|job| job.tick);
    for pair in jobs.windows(2) {
        if pair[1].created_at < earlier(pair[0].created_at, SLACK) {
            let text = format!("jobs {} and {} came in the wrong order", pair[0].id, pair[1].id);
            verdict.add(Wrong::AgainstPolicy, text);
        }
    }
}
