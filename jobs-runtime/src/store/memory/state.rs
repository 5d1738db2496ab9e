//! All that the store knows, and the few ways in which a job moves: stored, changed, finished, brought back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::store::{Now, ScheduleRecord, TickRecord};
use jobs_core::{JobId, JobRecord, State as JobState, WorkerId};

use super::index::Index;
use super::lease::Worker;
use super::prune::Ended;

/// A job, live or finished.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) record: JobRecord,
    pub(super) timeout: Option<Duration>,
    /// Who holds it, while it runs.
    pub(super) worker: Option<WorkerId>,
    /// Why somebody asked it to stop.
    pub(super) cancel: Option<String>,
    /// The argument shapes that could not decode it.
    pub(super) shapes: BTreeSet<String>,
    /// The tokens under which its crashes were counted, but for those that were taken back.
    pub(super) crash_tokens: BTreeSet<i64>,
    /// Whether its contents are pruned and only its identity is kept.
    pub(super) emptied: bool,
}

impl Job {
    /// Makes a job available with a clean slate. It keeps its token, so that old outcomes stay void.
    pub(super) fn renew(&mut self, now: Now) {
        self.record.state = JobState::Available;
        self.record.run_at = now.wall;
        self.record.failures = 0;
        self.record.crashes = 0;
        self.record.started_at = None;
        self.record.finished_at = None;
        self.record.cancel_requested = false;
        self.record.error = None;
        self.record.errors.clear();
        self.record.output = None;
        self.cancel = None;
        self.shapes.clear();
        self.crash_tokens.clear();
    }
}

/// Where a job is found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// Among the live jobs, by its sequence number.
    Live(i64),
    /// In the history, by its place in the order of ends.
    Finished(i64),
}

/// What listeners shall hear once the call is done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wake {
    pub(super) jobs: bool,
    pub(super) commands: bool,
}

/// The data of one store.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) live: BTreeMap<i64, Job>,
    pub(super) history: BTreeMap<i64, Job>,
    pub(super) places: BTreeMap<JobId, Place>,
    /// Live jobs that bear a name.
    pub(super) names: BTreeMap<String, i64>,
    pub(super) index: Index,
    pub(super) ended: Ended,
    pub(super) workers: BTreeMap<WorkerId, Worker>,
    pub(super) schedules: BTreeMap<String, ScheduleRecord>,
    /// Ticks that were dealt with.
    pub(super) ticks: BTreeMap<(String, Timestamp), TickRecord>,
    /// Queues that give no jobs, and since when.
    pub(super) paused: BTreeMap<String, Timestamp>,
    pub(super) wake: Wake,
    last_seq: i64,
    last_end: i64,
}

impl State {
    /// Takes a new job among the live ones, last in the order of enqueue.
    pub(super) fn store(&mut self, job: Job) {
        self.last_seq += 1;
        let seq = self.last_seq;
        self.places.insert(job.record.id, Place::Live(seq));
        if let Some(name) = &job.record.name {
            self.names.insert(name.clone(), seq);
        }
        self.index.link(seq, &job);
        self.live.insert(seq, job);
        self.wake.jobs = true;
    }

    /// Changes a live job and keeps the indexes true. Every change of a live job goes through here.
    pub(super) fn change(&mut self, seq: i64, change: impl FnOnce(&mut Job)) {
        let Some(job) = self.live.get_mut(&seq) else { return };
        self.index.unlink(seq, job);
        change(job);
        self.index.link(seq, job);
        self.wake.jobs |= matches!(job.record.state, JobState::Available | JobState::Scheduled | JobState::Retryable);
    }

    /// Makes a live job available to any worker.
    pub(super) fn free(&mut self, seq: i64) {
        self.change(seq, |job| {
            job.record.state = JobState::Available;
            job.worker = None;
        });
    }

    /// Ends a live job: it leaves for the history.
    pub(super) fn finish(&mut self, seq: i64, at: Timestamp, state: JobState, error: Option<String>) {
        let Some(mut job) = self.live.remove(&seq) else { return };
        self.index.unlink(seq, &job);
        if let Some(name) = &job.record.name {
            self.names.remove(name);
        }
        job.worker = None;
        job.record.state = state;
        job.record.finished_at = Some(at);
        job.record.error = error;
        self.last_end += 1;
        *self.index.counts.of_mut(state) += 1;
        self.ended.add(state, at, self.last_end);
        self.places.insert(job.record.id, Place::Finished(self.last_end));
        self.history.insert(self.last_end, job);
    }

    /// Forgets a finished job, or takes it out to bring it back.
    pub(super) fn forget(&mut self, end: i64) -> Option<Job> {
        let job = self.history.remove(&end)?;
        *self.index.counts.of_mut(job.record.state) -= 1;
        self.places.remove(&job.record.id);
        if let Some(at) = job.record.finished_at {
            self.ended.remove(job.record.state, at, end);
        }
        Some(job)
    }

    /// The sequence number of a live job.
    pub(super) fn seq_of(&self, id: JobId) -> Option<i64> {
        match self.places.get(&id) {
            Some(Place::Live(seq)) => Some(*seq),
            _ => None,
        }
    }

    /// Makes jobs available whose time has come.
    pub(super) fn wake_due(&mut self, now: Timestamp) {
        while let Some(&(due, seq)) = self.index.due.first()
            && due <= now
        {
            self.change(seq, |job| job.record.state = JobState::Available);
        }
    }

    /// The earliest time at which a waiting job is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.index.due.first().map(|(due, _)| *due)
    }
}

/// An instant so long after another, or the last one there is.
pub(super) fn later(instant: Timestamp, wait: Duration) -> Timestamp {
    instant.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
