//! Rescue: dead workers go first, then whatever nobody holds any more is freed, then jobs are parked and freed by who can run them.

use jobs_core::State as JobState;
use jobs_core::store::{BITE, Now, QUARANTINE, Rescue};

use super::state::State;
use crate::testing::guards::Guard;

impl State {
    pub(super) fn rescue(&mut self, now: Now) -> Rescue {
        let mut answer = Rescue::default();
        let known = self.workers.len();
        self.workers.retain(|_, worker| !worker.is_dead(now));
        answer.workers = known - self.workers.len();
        for seq in self.orphans() {
            self.free_orphan(now, seq, &mut answer);
        }
        for seq in self.strangers(BITE.saturating_sub(answer.freed + answer.quarantined)) {
            self.change(seq, |job| {
                job.record.state = JobState::Parked;
                job.record.error = Some("no live worker knows this kind".to_owned());
                job.shapes.clear();
            });
            answer.parked += 1;
        }
        for seq in self.decodable(BITE.saturating_sub(answer.freed + answer.quarantined + answer.parked)) {
            self.unpark(seq);
        }
        answer.more = self.needs_rescue(now);
        answer
    }

    pub(super) fn needs_rescue(&self, now: Now) -> bool {
        self.workers.values().any(|worker| worker.is_dead(now))
            || !self.orphans().is_empty()
            || !self.strangers(1).is_empty()
            || !self.decodable(1).is_empty()
    }

    /// Running jobs whose worker is gone, a bite at most.
    fn orphans(&self) -> Vec<i64> {
        let gone = self.index.held.iter().filter(|(worker, _)| !self.workers.contains_key(worker));
        gone.flat_map(|(_, jobs)| jobs).copied().take(BITE).collect()
    }

    fn free_orphan(&mut self, now: Now, seq: i64, answer: &mut Rescue) {
        let Some(job) = self.live.get(&seq) else { return };
        // The first crash only put it on probation; those after it count.
        let counted = job.record.crashes + u32::from(!Guard::FirstCrash.is_on());
        let quarantined = counted >= QUARANTINE && Guard::Quarantine.is_on();
        self.change(seq, |job| {
            job.record.crashes += 1;
            job.record.failures += u32::from(!Guard::NoAttempt.is_on());
            job.crash_tokens.insert(job.record.token);
        });
        if quarantined {
            let error =
                format!("quarantined: {QUARANTINE} workers died while this job was on probation; requeue it when you know why");
            self.finish(seq, now.wall, JobState::Failed, Some(error));
            answer.quarantined += 1;
        } else {
            self.hand_back(now.wall, seq);
            answer.freed += 1;
        }
    }

    /// Available jobs of kinds that no live worker knows. Where nobody lives, nobody can tell.
    fn strangers(&self, limit: usize) -> Vec<i64> {
        if self.workers.is_empty() {
            return Vec::new();
        }
        let stripes = [&self.index.ready, &self.index.probation].into_iter().flat_map(|ready| {
            let strange = ready.stripes().filter(|(_, kind)| !self.workers.values().any(|worker| worker.knows(kind)));
            strange.filter_map(|(queue, kind)| ready.stripe(queue, kind))
        });
        stripes.flatten().map(|(.., seq)| *seq).take(limit).collect()
    }

    /// Parked jobs that some live worker may be able to run.
    fn decodable(&self, limit: usize) -> Vec<i64> {
        let freed = self.index.parked.iter().filter(|(parking, _)| self.workers.values().any(|worker| worker.frees(parking)));
        freed.flat_map(|(_, jobs)| jobs).copied().take(limit).collect()
    }

    /// Makes a parked job available. It keeps the shapes that could not decode it.
    pub(super) fn unpark(&mut self, seq: i64) {
        self.change(seq, |job| job.record.error = job.record.errors.last().map(|last| last.error.clone()));
        self.free(seq);
    }
}
