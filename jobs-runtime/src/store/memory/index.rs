//! The indexes over live jobs: each job stands in exactly the one that its state calls for, and in that of
//! its schedule, and [`Index`] alone puts it there.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jobs_core::record::Counts;
use jobs_core::{State, WorkerId};

use super::ready::Ready;
use super::state::Job;

/// Parked jobs that the same workers can free: of one kind, in one queue, refused by the same shapes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Parking {
    pub(super) kind: String,
    pub(super) queue: String,
    /// The shapes that could not decode it; none if no worker knew the kind.
    pub(super) shapes: BTreeSet<String>,
}

impl Parking {
    fn of(job: &Job) -> Self {
        Self { kind: job.record.kind.clone(), queue: job.record.queue.clone(), shapes: job.shapes.clone() }
    }
}

/// Where to find live jobs by state, and how many jobs of any state there are.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// Available jobs that never crashed a worker.
    pub(super) ready: Ready,
    /// Available jobs on probation.
    pub(super) probation: Ready,
    /// Scheduled and retryable jobs, by the time at which they are due.
    pub(super) due: BTreeSet<(Timestamp, i64)>,
    /// Running jobs by their holder, who may be gone.
    pub(super) held: BTreeMap<WorkerId, BTreeSet<i64>>,
    /// Parked jobs.
    pub(super) parked: BTreeMap<Parking, BTreeSet<i64>>,
    /// Those of a schedule.
    scheduled: BTreeMap<String, BTreeSet<i64>>,
    /// Jobs in each state, finished ones included.
    pub(super) counts: Counts,
}

impl Index {
    /// Puts a live job where its state belongs.
    pub(super) fn link(&mut self, seq: i64, job: &Job) {
        *self.counts.of_mut(job.record.state) += 1;
        if let Some(schedule) = &job.record.schedule {
            self.scheduled.entry(schedule.clone()).or_default().insert(seq);
        }
        match job.record.state {
            State::Available => {
                let turn = (job.record.priority, job.record.run_at, seq);
                self.available(job).insert(&job.record.queue, &job.record.kind, turn);
            }
            State::Scheduled | State::Retryable => {
                self.due.insert((job.record.run_at, seq));
            }
            State::Running => {
                if let Some(worker) = job.worker {
                    self.held.entry(worker).or_default().insert(seq);
                }
            }
            State::Parked => {
                self.parked.entry(Parking::of(job)).or_default().insert(seq);
            }
            _ => {}
        }
    }

    /// Takes a live job from where its state put it.
    pub(super) fn unlink(&mut self, seq: i64, job: &Job) {
        *self.counts.of_mut(job.record.state) -= 1;
        if let Some(schedule) = &job.record.schedule {
            remove(&mut self.scheduled, schedule, seq);
        }
        match job.record.state {
            State::Available => {
                let turn = (job.record.priority, job.record.run_at, seq);
                self.available(job).remove(&job.record.queue, &job.record.kind, turn);
            }
            State::Scheduled | State::Retryable => {
                self.due.remove(&(job.record.run_at, seq));
            }
            State::Running => {
                if let Some(worker) = job.worker {
                    remove(&mut self.held, &worker, seq);
                }
            }
            State::Parked => remove(&mut self.parked, &Parking::of(job), seq),
            _ => {}
        }
    }

    /// The live jobs of a schedule.
    pub(super) fn of_schedule(&self, key: &str) -> impl Iterator<Item = i64> + '_ {
        self.scheduled.get(key).into_iter().flatten().copied()
    }

    fn available(&mut self, job: &Job) -> &mut Ready {
        if job.record.crashes > 0 { &mut self.probation } else { &mut self.ready }
    }
}

fn remove<K: Ord>(sets: &mut BTreeMap<K, BTreeSet<i64>>, key: &K, seq: i64) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(&seq);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}
