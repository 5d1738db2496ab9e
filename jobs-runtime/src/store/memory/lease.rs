//! Workers and their leases, judged by the steady clock since the last renewal.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::record::WorkerRecord;
use jobs_core::store::{Beat, Held, NewWorker, Now};
use jobs_core::{JobId, State as JobState, WorkerId};

use super::index::Parking;
use super::state::{Job, State};
use crate::store::start_of;
use crate::testing::guards::Guard;

/// A worker that is known.
#[derive(Clone, Debug)]
pub(super) struct Worker {
    name: String,
    pub(super) build: String,
    /// The shape of the arguments of each kind it can run.
    kinds: BTreeMap<String, String>,
    queues: Vec<String>,
    /// The keys of the schedules that its build has.
    pub(super) schedules: Vec<String>,
    lease: Duration,
    pub(super) started_at: Timestamp,
    renewed_at: Timestamp,
    renewed: Duration,
}

impl Worker {
    pub(super) fn has_lease(&self, now: Now) -> bool {
        now.steady.saturating_sub(self.renewed) <= self.lease
    }

    /// Whether others may take what it holds.
    pub(super) fn is_dead(&self, now: Now) -> bool {
        let lease = if Guard::RescueOfTheDeadOnly.is_on() { self.lease } else { self.lease / 4 };
        now.steady.saturating_sub(self.renewed) > lease
    }

    pub(super) fn knows(&self, kind: &str) -> bool {
        self.kinds.contains_key(kind)
    }

    pub(super) fn serves(&self, queue: &str) -> bool {
        self.queues.iter().any(|served| served == queue)
    }

    /// Whether it may be able to run these parked jobs.
    pub(super) fn frees(&self, parking: &Parking) -> bool {
        self.kinds.get(&parking.kind).is_some_and(|shape| !parking.shapes.contains(shape))
    }
}

impl State {
    pub(super) fn register(&mut self, now: Now, worker: NewWorker) {
        let known = Worker {
            name: worker.name,
            build: worker.build,
            kinds: worker.kinds.iter().map(|kind| (kind.name.clone(), kind.shape.clone())).collect(),
            queues: worker.queues,
            schedules: worker.schedules,
            lease: worker.lease,
            started_at: start_of(now.wall, worker.up_for),
            renewed_at: now.wall,
            renewed: now.steady,
        };
        let parked = self.index.parked.iter().filter(|(parking, _)| known.frees(parking));
        let freed: BTreeSet<i64> = parked.flat_map(|(_, jobs)| jobs).copied().collect();
        self.workers.insert(worker.id, known);
        for seq in freed {
            self.unpark(seq);
        }
    }

    pub(super) fn has_lease(&self, now: Now, worker: WorkerId) -> bool {
        self.workers.get(&worker).is_some_and(|worker| worker.has_lease(now))
    }

    pub(super) fn heartbeat(&mut self, now: Now, id: WorkerId) -> Beat {
        let Some(worker) =
            self.workers.get_mut(&id).filter(|worker| worker.has_lease(now) || !Guard::ExpiredStaysExpired.is_on())
        else {
            return Beat::default();
        };
        worker.renewed = worker.renewed.max(now.steady);
        worker.renewed_at = now.wall;
        Beat {
            alive: true,
            rescue: self.needs_rescue(now),
            next_due: self.next_due(),
            waiting: !self.index.ready.is_empty() || !self.index.probation.is_empty(),
            paused: !self.paused.is_empty(),
        }
    }

    pub(super) fn leave(&mut self, now: Now, worker: WorkerId) {
        if self.workers.remove(&worker).is_some() {
            for seq in self.held_by(worker) {
                self.hand_back(now.wall, seq);
            }
        }
    }

    pub(super) fn reconcile(&mut self, now: Now, worker: WorkerId, known: &[Held]) -> u64 {
        let known: BTreeSet<(JobId, i64)> = known.iter().map(|held| (held.id, held.token)).collect();
        let mut handed_back = 0;
        for seq in self.held_by(worker) {
            let is_known = self.live.get(&seq).is_some_and(|job| known.contains(&(job.record.id, job.record.token)));
            if !is_known {
                self.hand_back(now.wall, seq);
                handed_back += 1;
            }
        }
        handed_back
    }

    pub(super) fn abandon(&mut self, now: Now, held: &[Held]) -> u64 {
        let mut taken_back = 0;
        for Held { id, token } in held {
            let Some((seq, job)) = self.seq_of(*id).and_then(|seq| Some((seq, self.live.get(&seq)?))) else { continue };
            if job.crash_tokens.contains(token) {
                self.change(seq, |job| {
                    job.record.crashes = job.record.crashes.saturating_sub(1);
                    job.crash_tokens.remove(token);
                });
            } else if job.record.token == *token && self.is_deserted(job) {
                self.hand_back(now.wall, seq);
            } else {
                continue;
            }
            taken_back += 1;
        }
        taken_back
    }

    /// Whether a job runs under a worker that is gone, since no rescue has come to it yet.
    fn is_deserted(&self, job: &Job) -> bool {
        job.record.state == JobState::Running && job.worker.is_some_and(|worker| !self.workers.contains_key(&worker))
    }

    pub(super) fn cancellations(&self, worker: WorkerId) -> Vec<JobId> {
        let held = self.held_by(worker).into_iter().filter_map(|seq| self.live.get(&seq));
        held.filter(|job| job.cancel.is_some()).map(|job| job.record.id).collect()
    }

    pub(super) fn workers(&self) -> Vec<WorkerRecord> {
        let record = |(id, worker): (&WorkerId, &Worker)| {
            let mut record = WorkerRecord::new(*id, worker.name.clone(), worker.build.clone(), worker.started_at);
            record.queues.clone_from(&worker.queues);
            record.renewed_at = worker.renewed_at;
            record.held = self.index.held.get(id).map_or(0, |jobs| jobs.len() as u64);
            record
        };
        self.workers.iter().map(record).collect()
    }

    fn held_by(&self, worker: WorkerId) -> BTreeSet<i64> {
        self.index.held.get(&worker).cloned().unwrap_or_default()
    }
}
