//! The rules of how a job may move, by what made it move, and of what pruning may take.

use std::time::Duration;

use jiff::Timestamp;
use jobs_core::store::{BITE, CompletionAnswer, Decision, Now, QUARANTINE, REPEAT_WINDOW, Retention};
use jobs_core::{JobRecord, State, WorkerId};

/// Why a job may have changed.
pub(super) enum Cause<'a> {
    Enqueue,
    Claim { worker: WorkerId },
    Outcome { decision: &'a Decision, answer: &'a CompletionAnswer },
    Rescue { now: Now },
    HandBack { worker: WorkerId },
    Abandon { token: i64 },
    Register,
    Cancel,
    Requeue,
}

/// What else is known when a job has moved.
pub(super) struct Facts {
    /// Who held it.
    pub(super) holder: Option<WorkerId>,
    /// Whether the lease of its holder holds.
    pub(super) lives: bool,
    /// Whether a living worker knows its kind.
    pub(super) known: bool,
    /// How many workers were lost while they held it, since it showed itself alive.
    pub(super) lost: usize,
}

/// The rule that a move breaks.
pub(super) fn broken(cause: &Cause<'_>, before: &JobRecord, after: &JobRecord, facts: &Facts) -> Option<&'static str> {
    use State::{Available, Cancelled, Completed, Failed, Parked, Retryable, Running, Scheduled};
    let waits = |state| matches!(state, Available | Scheduled | Retryable);
    let freed = before.state == Running && matches!(after.state, Available | Cancelled);
    let still = before.state == after.state || (waits(before.state) && after.state == Available);
    let count = |record: &JobRecord| (record.failures, record.snoozes, record.crashes);
    let counted = |failures, snoozes| after.failures == before.failures + failures && after.snoozes == before.snoozes + snoozes;
    if after.token != before.token + i64::from(matches!(cause, Cause::Claim { .. })) {
        return Some("a token grows by one with each claim, and by nothing else");
    }
    if before.state == Running && before.cancel_requested && after.state != Running && !after.state.is_finished() {
        return Some("a job that was asked to stop does not run again");
    }
    let fine = match cause {
        Cause::Claim { .. } if before.state == Running => return Some("a job has one valid token at a time"),
        Cause::Claim { .. } => waits(before.state) && after.state == Running && count(before) == count(after),
        Cause::Outcome { answer: CompletionAnswer::Applied, decision } => {
            let to = |state| after.state == state;
            match decision {
                Decision::Complete { .. } => to(Completed) && counted(0, 0),
                Decision::Fail { .. } => to(Failed) && counted(1, 0),
                Decision::Cancel { .. } => to(Cancelled) && counted(0, 0),
                Decision::Retry { .. } => (to(Retryable) || to(Cancelled)) && counted(1, 0) && after.crashes == 0,
                Decision::Snooze { .. } => (to(Scheduled) || to(Cancelled)) && counted(0, 1) && after.crashes == 0,
                Decision::HandBack => (to(Available) || to(Cancelled)) && count(before) == count(after),
                Decision::Park { .. } => (to(Parked) || to(Cancelled)) && count(before) == count(after),
            }
        }
        Cause::Enqueue | Cause::Outcome { .. } => still && count(before) == count(after),
        Cause::Rescue { .. } => {
            if before.state == Running && after.state != Running && facts.lives {
                return Some("a worker whose lease holds keeps its jobs");
            }
            if !counted(0, 0) {
                return Some("a rescue uses no attempt");
            }
            let crashed = after.crashes == before.crashes + 1;
            match (before.state, after.state) {
                (Running, Failed) => {
                    if facts.lost <= QUARANTINE as usize {
                        return Some("no innocent job is quarantined");
                    }
                    crashed
                }
                (Running, Available | Cancelled) => crashed && after.crashes <= QUARANTINE,
                // Two steps at once: freed, and then parked since nobody is left who knows it.
                (Running, Parked) => crashed,
                (_, Parked) if waits(before.state) => !facts.known,
                (Parked, Available) => true,
                _ => still && count(before) == count(after),
            }
        }
        Cause::HandBack { worker } => (still || (freed && facts.holder == Some(*worker))) && count(before) == count(after),
        // What no rescue has freed yet goes back.
        Cause::Abandon { .. } if freed => !facts.lives && count(before) == count(after),
        Cause::Abandon { .. } => still && counted(0, 0) && after.crashes <= before.crashes,
        Cause::Register => still || (before.state == Parked && after.state == Available),
        Cause::Cancel => {
            (still || (!before.state.is_finished() && before.state != Running && after.state == Cancelled))
                && count(before) == count(after)
        }
        Cause::Requeue => {
            still || ((before.state.is_finished() || before.state == Parked) && after.state == Available && after.failures == 0)
        }
    };
    (!fine || !allowed(before.state, after.state)).then_some("a job moves only as the table of moves allows")
}

/// A round of pruning.
pub(super) struct Round {
    /// When it was.
    pub(super) now: Timestamp,
    /// What it was asked to keep.
    pub(super) retention: Retention,
    /// How many rows it changed.
    pub(super) changed: usize,
}

/// The rule that pruning breaks. A job may go when its retention is over, and its id when the repeat window is, too.
pub(super) fn pruned(round: &Round, before: &JobRecord, after: Option<&JobRecord>) -> Option<&'static str> {
    let ended = before.finished_at.filter(|_| before.state.is_finished());
    let old = |age: Duration| ended.is_some_and(|ended| ended.saturating_add(age).is_ok_and(|until| until <= round.now));
    // What is emptied stays so, even if this round would have kept it for longer.
    let is_empty = before.payload.is_empty();
    let (over, forgotten) = (is_empty || old(round.retention.of(before.state)), old(REPEAT_WINDOW));
    let Some(after) = after else {
        return match (over, forgotten) {
            (true, true) => None,
            (true, false) => Some("an id is remembered for the repeat window, whatever the retention"),
            (false, _) => Some("a job that is stored stays"),
        };
    };
    // Those that live are looked at when they move.
    ended?;
    if after == before {
        // A round that was not full has left nothing to do.
        let must_go = if is_empty { forgotten } else { over };
        return (must_go && round.changed < BITE).then_some("finished jobs go when their retention is over");
    }
    if !over {
        return Some("nothing goes before its retention is over");
    }
    let mut emptied = before.clone();
    emptied.payload.clear();
    emptied.tags.clear();
    emptied.errors.clear();
    emptied.chain.clear();
    (emptied.metadata, emptied.error, emptied.output) = (None, None, None);
    (*after != emptied).then_some("what is pruned within the repeat window keeps what it was")
}

/// Whether the table of moves has a way of one or two steps; several things may happen to a job in one call.
fn allowed(before: State, after: State) -> bool {
    let between = |state: &State| !state.is_finished() && before.may_become(*state) && state.may_become(after);
    before == after || before.may_become(after) || State::ALL.iter().any(between)
}
