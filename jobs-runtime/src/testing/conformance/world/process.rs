//! A process: one handle, and the store's calls with the answers that a healthy store gives.

use std::sync::Arc;
use std::time::Duration;

use jobs_core::record::ClaimedJob;
use jobs_core::store::{BITE, CancelAnswer, Completion, CompletionAnswer, Decision, Enqueued, JobFilter, Now, Retention};
use jobs_core::{Counts, JobId, JobRecord, NewJob, State, Store};

use super::Common;

/// A process with a handle on the store.
#[derive(Clone)]
pub(in super::super) struct Process {
    pub(in super::super) store: Arc<dyn Store>,
    pub(super) common: Arc<Common>,
}

impl Process {
    pub(in super::super) fn now(&self) -> Now {
        self.common.now()
    }

    pub(in super::super) fn new_id(&self) -> JobId {
        let (millis, chance) = self.common.chance();
        JobId::from_parts(millis, chance)
    }

    /// Gives each job an id, and stores all of them.
    pub(in super::super) async fn enqueue(&self, mut jobs: Vec<NewJob>) -> Vec<Enqueued> {
        for job in &mut jobs {
            job.id.get_or_insert_with(|| self.new_id());
        }
        let count = jobs.len();
        let answers = self.store.enqueue(self.now(), jobs).await.expect("the store takes jobs");
        assert_eq!(answers.len(), count, "each job has an answer");
        answers
    }

    /// Stores one job and sees that it is new.
    pub(in super::super) async fn put(&self, job: NewJob) -> JobId {
        let answers = self.enqueue(vec![job]).await;
        assert!(answers[0].created, "a new job is stored");
        answers[0].id
    }

    pub(in super::super) async fn find(&self, id: JobId) -> Option<JobRecord> {
        self.store.job(id).await.expect("the store finds a job")
    }

    pub(in super::super) async fn record(&self, id: JobId) -> JobRecord {
        self.find(id).await.unwrap_or_else(|| panic!("job {id} is lost"))
    }

    pub(in super::super) async fn state(&self, id: JobId) -> State {
        self.record(id).await.state
    }

    pub(in super::super) async fn counts(&self) -> Counts {
        self.store.counts().await.expect("the store counts")
    }

    pub(in super::super) async fn cancel(&self, id: JobId) -> CancelAnswer {
        let answers = self.store.cancel(self.now(), vec![id], "not wanted".to_owned()).await.expect("the store cancels");
        assert_eq!(answers.len(), 1, "each cancellation has an answer");
        answers[0]
    }

    pub(in super::super) async fn requeue(&self, id: JobId) -> bool {
        let answers = self.store.requeue(self.now(), vec![id]).await.expect("the store requeues");
        assert_eq!(answers.len(), 1, "each requeue has an answer");
        answers[0]
    }

    /// Prunes with one retention for all states, until nothing is left to do.
    pub(in super::super) async fn prune(&self, keep: Duration) -> usize {
        let retention = Retention { completed: keep, cancelled: keep, failed: keep };
        let mut changed = 0;
        loop {
            let bite = self.store.prune(self.now(), retention).await.expect("the store prunes");
            changed += bite;
            if bite < BITE {
                return changed;
            }
        }
    }

    /// All jobs that match, page by page.
    pub(in super::super) async fn all(&self, mut filter: JobFilter) -> Vec<JobRecord> {
        let mut jobs = Vec::new();
        loop {
            let page = self.store.jobs(filter.clone()).await.expect("the store lists jobs");
            jobs.extend(page.jobs);
            match page.next {
                Some(next) => filter.after = next,
                None => return jobs,
            }
        }
    }

    /// Outcomes as they are, in one batch.
    pub(in super::super) async fn complete(&self, outcomes: Vec<Completion>) -> Vec<CompletionAnswer> {
        let count = outcomes.len();
        let answers = self.store.complete(self.now(), outcomes).await.expect("the store records outcomes");
        assert_eq!(answers.len(), count, "each outcome has an answer");
        answers
    }

    /// One outcome of a claimed job.
    pub(in super::super) async fn end(&self, job: &ClaimedJob, decision: Decision) -> CompletionAnswer {
        self.complete(vec![self.outcome(job, decision)]).await.remove(0)
    }

    /// One outcome that must be taken.
    pub(in super::super) async fn settle(&self, job: &ClaimedJob, decision: Decision) {
        let answer = self.end(job, decision).await;
        assert_eq!(answer, CompletionAnswer::Applied, "the outcome of the holder counts");
    }

    pub(in super::super) fn outcome(&self, job: &ClaimedJob, decision: Decision) -> Completion {
        Completion { id: job.id, seq: job.seq, token: job.token, started_at: self.now().wall, decision, followers: Vec::new() }
    }
}
