//! Enqueue: all jobs of a call or none, each by its own id, so that a repeat changes nothing.

use std::collections::BTreeSet;

use jobs_core::store::{Enqueued, Now};
use jobs_core::{JobId, JobRecord, NewJob, State as JobState, StoreError, When};

use super::state::{Job, Place, State, later};
use crate::testing::guards::Guard;

impl State {
    pub(super) fn enqueue(&mut self, now: Now, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, StoreError> {
        // All are judged before the first is stored.
        let jobs = jobs.into_iter().map(|job| Ok((id_of(&job)?, job))).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(jobs.into_iter().map(|(id, job)| self.enqueue_one(now, id, job)).collect())
    }

    /// Stores one job, or finds the one that stands in its place.
    pub(super) fn enqueue_one(&mut self, now: Now, id: JobId, job: NewJob) -> Enqueued {
        let known = match self.places.get(&id) {
            Some(Place::Live(_)) => true,
            Some(Place::Finished(_)) => Guard::RepeatWindow.is_on(),
            None => false,
        };
        if known {
            return Enqueued { id, created: false };
        }
        let bearer = job.name.as_deref().and_then(|name| self.names.get(name)).and_then(|seq| self.live.get(seq));
        if let Some(bearer) = bearer {
            return Enqueued { id: bearer.record.id, created: false };
        }
        self.store(new_job(now, id, job));
        Enqueued { id, created: true }
    }
}

/// The id of a job, or the refusal of one that has none.
pub(super) fn id_of(job: &NewJob) -> Result<JobId, StoreError> {
    job.id.ok_or_else(|| StoreError::Refused { message: "a job has no id: let the client make one".to_owned(), source: None })
}

fn new_job(now: Now, id: JobId, job: NewJob) -> Job {
    let due = match job.when {
        When::At(instant) => instant,
        When::After(delay) => later(now.wall, delay),
        _ => now.wall,
    };
    let state = if due <= now.wall { JobState::Available } else { JobState::Scheduled };
    let mut record = JobRecord::new(id, job.kind.into_owned(), job.queue.into_owned(), state);
    record.priority = job.priority;
    record.payload = job.payload;
    record.name = job.name;
    record.retries = job.retries;
    record.tags = job.tags.into_iter().map(Into::into).collect();
    record.metadata = job.metadata.map(|metadata| serde_json::Value::Object(metadata).to_string());
    record.tenant = job.tenant;
    record.user = job.user;
    record.parent = job.parent;
    record.chain = job.chain;
    record.created_at = now.wall;
    record.run_at = due;
    if let Some(tick) = job.tick {
        record.schedule = Some(tick.schedule);
        record.tick = Some(tick.instant);
    }
    Job {
        record,
        timeout: job.timeout,
        worker: None,
        cancel: None,
        shapes: BTreeSet::new(),
        crash_tokens: BTreeSet::new(),
        emptied: false,
    }
}
