//! A store around the one that a worker uses: it knows under which token each job was claimed, and writes into the ledger which outcomes
//! the store has taken. It changes nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jobs_core::record::{Unserved, WorkerRecord};
use jobs_core::store::{
    Beat, CancelAnswer, Claim, ClaimRequest, Completion, CompletionAnswer, Decision, Enqueued, Fire, Fired, Held, JobFilter,
    JobPage, JobStore, ManageStore, NewSchedule, NewWorker, Now, PausedQueue, Rescue, Retention, ScheduleRecord, ScheduleStore,
    Signal, Store, StoreFuture, StoreInfo,
};
use jobs_core::{Counts, JobId, JobRecord, NewJob, WorkerId};

use super::ledger::{Event, Ledger};

/// The store.
pub(super) struct Witness {
    inner: Arc<dyn Store>,
    ledger: Arc<Ledger>,
    tokens: Mutex<HashMap<JobId, i64>>,
}

impl Witness {
    pub(super) fn new(inner: Arc<dyn Store>, ledger: &Arc<Ledger>) -> Self {
        Self { inner, ledger: Arc::clone(ledger), tokens: Mutex::default() }
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<JobId, i64>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token under which this process claimed a job last; 0 if it did not.
    pub(super) fn token(&self, job: JobId) -> i64 {
        self.tokens().get(&job).copied().unwrap_or(0)
    }

    fn claimed(&self, claim: &Claim) {
        self.tokens().extend(claim.jobs.iter().map(|job| (job.id, job.token)));
    }

    fn completed(&self, outcomes: &[(JobId, i64, &'static str)], answers: &[CompletionAnswer]) {
        for (&(job, token, decision), answer) in outcomes.iter().zip(answers) {
            match answer {
                CompletionAnswer::Applied => self.ledger.write(&Event::Applied { job, token, decision: decision.to_owned() }),
                CompletionAnswer::Stale => self.ledger.write(&Event::Stale { job, token }),
                CompletionAnswer::Repeated | CompletionAnswer::Refused(_) => {}
            }
        }
    }
}

fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Complete { .. } => "completed",
        Decision::Retry { .. } => "retryable",
        Decision::Fail { .. } => "failed",
        Decision::Snooze { .. } => "snoozed",
        Decision::Cancel { .. } => "cancelled",
        Decision::HandBack => "handed-back",
        Decision::Park { .. } => "parked",
    }
}

impl JobStore for Witness {
    fn enqueue(&self, now: Now, jobs: Vec<NewJob>) -> StoreFuture<'_, Vec<Enqueued>> {
        self.inner.enqueue(now, jobs)
    }

    fn register(&self, now: Now, worker: NewWorker) -> StoreFuture<'_, ()> {
        self.inner.register(now, worker)
    }

    fn heartbeat(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, Beat> {
        self.inner.heartbeat(now, worker)
    }

    fn undisturbed(&self, worker: WorkerId) -> StoreFuture<'_, bool> {
        self.inner.undisturbed(worker)
    }

    fn rescue(&self, now: Now, by: WorkerId) -> StoreFuture<'_, Rescue> {
        self.inner.rescue(now, by)
    }

    fn leave(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, ()> {
        self.inner.leave(now, worker)
    }

    fn abandon(&self, now: Now, held: Vec<Held>) -> StoreFuture<'_, u64> {
        self.inner.abandon(now, held)
    }

    fn claim(&self, now: Now, request: ClaimRequest) -> StoreFuture<'_, Claim> {
        let claim = self.inner.claim(now, request);
        Box::pin(async move { claim.await.inspect(|claim| self.claimed(claim)) })
    }

    fn complete(&self, now: Now, outcomes: Vec<Completion>) -> StoreFuture<'_, Vec<CompletionAnswer>> {
        let told: Vec<_> = outcomes.iter().map(|outcome| (outcome.id, outcome.token, word(&outcome.decision))).collect();
        let complete = self.inner.complete(now, outcomes);
        Box::pin(async move { complete.await.inspect(|answers| self.completed(&told, answers)) })
    }

    fn reconcile(&self, now: Now, worker: WorkerId, known: Vec<Held>) -> StoreFuture<'_, u64> {
        self.inner.reconcile(now, worker, known)
    }

    fn cancellations(&self, worker: WorkerId) -> StoreFuture<'_, Vec<JobId>> {
        self.inner.cancellations(worker)
    }

    fn signal(&self) -> &Signal {
        self.inner.signal()
    }

    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.inner.close()
    }
}

impl ScheduleStore for Witness {
    fn declare(&self, now: Now, schedules: Vec<NewSchedule>, known: Arc<BTreeSet<String>>) -> StoreFuture<'_, ()> {
        self.inner.declare(now, schedules, known)
    }

    fn schedules(&self) -> StoreFuture<'_, Vec<ScheduleRecord>> {
        self.inner.schedules()
    }

    fn fire(&self, now: Now, ticks: Vec<Fire>) -> StoreFuture<'_, Vec<Fired>> {
        self.inner.fire(now, ticks)
    }
}

impl ManageStore for Witness {
    fn job(&self, id: JobId) -> StoreFuture<'_, Option<JobRecord>> {
        self.inner.job(id)
    }

    fn job_named(&self, name: String) -> StoreFuture<'_, Option<JobRecord>> {
        self.inner.job_named(name)
    }

    fn jobs(&self, filter: JobFilter) -> StoreFuture<'_, JobPage> {
        self.inner.jobs(filter)
    }

    fn counts(&self) -> StoreFuture<'_, Counts> {
        self.inner.counts()
    }

    fn cancel(&self, now: Now, ids: Vec<JobId>, reason: String) -> StoreFuture<'_, Vec<CancelAnswer>> {
        self.inner.cancel(now, ids, reason)
    }

    fn requeue(&self, now: Now, ids: Vec<JobId>) -> StoreFuture<'_, Vec<bool>> {
        self.inner.requeue(now, ids)
    }

    fn pause(&self, now: Now, queues: Vec<String>) -> StoreFuture<'_, Vec<bool>> {
        self.inner.pause(now, queues)
    }

    fn resume(&self, queues: Vec<String>) -> StoreFuture<'_, Vec<bool>> {
        self.inner.resume(queues)
    }

    fn paused(&self) -> StoreFuture<'_, Vec<PausedQueue>> {
        self.inner.paused()
    }

    fn prune(&self, now: Now, retention: Retention) -> StoreFuture<'_, usize> {
        self.inner.prune(now, retention)
    }

    fn unserved(&self, now: Now) -> StoreFuture<'_, Vec<Unserved>> {
        self.inner.unserved(now)
    }

    fn workers(&self) -> StoreFuture<'_, Vec<WorkerRecord>> {
        self.inner.workers()
    }
}
