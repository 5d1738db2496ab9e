//! Prune: finished jobs go by age, in bites; those within the repeat window leave their identity behind.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::State as JobState;
use jobs_core::store::{BITE, Now, ONCE, REPEAT_WINDOW, Retention};

use super::state::{Job, State};
use crate::testing::guards::Guard;

/// Finished jobs by the time of their end, so that the old ones are found without a walk.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended {
    completed: BTreeSet<(Timestamp, i64)>,
    failed: BTreeSet<(Timestamp, i64)>,
    cancelled: BTreeSet<(Timestamp, i64)>,
    emptied: BTreeSet<(Timestamp, i64)>,
}

impl Ended {
    pub(super) fn add(&mut self, state: JobState, at: Timestamp, end: i64) {
        self.of(state).insert((at, end));
    }

    pub(super) fn remove(&mut self, state: JobState, at: Timestamp, end: i64) {
        self.of(state).remove(&(at, end));
        self.emptied.remove(&(at, end));
    }

    fn of(&mut self, state: JobState) -> &mut BTreeSet<(Timestamp, i64)> {
        match state {
            JobState::Failed => &mut self.failed,
            JobState::Cancelled => &mut self.cancelled,
            _ => &mut self.completed,
        }
    }
}

impl State {
    pub(super) fn prune(&mut self, now: Now, retention: Retention) -> usize {
        let window = now.wall.saturating_sub(REPEAT_WINDOW).unwrap_or(Timestamp::MIN);
        let mut changed = self.prune_emptied(window);
        for state in [JobState::Completed, JobState::Failed, JobState::Cancelled] {
            let kept = if Guard::Retention.is_on() { retention.of(state) } else { Duration::ZERO };
            let until = now.wall.saturating_sub(kept).unwrap_or(Timestamp::MIN);
            while changed < BITE
                && let Some(&(at, end)) = self.ended.of(state).first()
                && at <= until
            {
                if at <= window || !Guard::PrunedIds.is_on() {
                    self.forget(end);
                } else {
                    self.empty(state, at, end);
                }
                changed += 1;
            }
        }
        changed + self.prune_ticks(window, BITE - changed)
    }

    fn prune_emptied(&mut self, window: Timestamp) -> usize {
        let mut changed = 0;
        while changed < BITE
            && let Some(&(at, end)) = self.ended.emptied.first()
            && at <= window
        {
            self.forget(end);
            changed += 1;
        }
        changed
    }

    fn empty(&mut self, state: JobState, at: Timestamp, end: i64) {
        self.ended.of(state).remove(&(at, end));
        self.ended.emptied.insert((at, end));
        if let Some(job) = self.history.get_mut(&end) {
            job.empty();
        }
    }

    fn prune_ticks(&mut self, window: Timestamp, limit: usize) -> usize {
        let old = self
            .ticks
            .iter()
            .filter(|(_, tick)| tick.dealt_at <= window && tick.instant < ONCE)
            .map(|(account, _)| account.clone());
        let old: Vec<_> = old.take(limit).collect();
        for account in &old {
            self.ticks.remove(account);
        }
        old.len()
    }
}

impl Job {
    /// Drops what a job carried, and keeps what it was.
    fn empty(&mut self) {
        self.emptied = true;
        self.record.payload.clear();
        self.record.metadata = None;
        self.record.tags.clear();
        self.record.errors.clear();
        self.record.error = None;
        self.record.output = None;
        self.record.chain.clear();
    }
}
