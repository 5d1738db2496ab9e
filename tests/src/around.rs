//! A store around another: every call goes on to it through one place, where it can be looked at, held up, or made to fail.

use std::sync::Arc;

use jobs_core::record::{Unserved, WorkerRecord};
use jobs_core::store::{
    Beat, CancelAnswer, Claim, ClaimRequest, Completion, CompletionAnswer, Contract, Enqueued, Fire, Fired, Held, JobFilter,
    JobPage, JobStore, ManageStore, NewWorker, Now, PausedQueue, Rescue, Retention, ScheduleAnswer, ScheduleChange,
    ScheduleFilter, ScheduleList, ScheduleStore, Signal, Store, StoreFuture, StoreInfo, TickFilter, TickRecord,
};
use jobs_core::{Counts, JobId, JobRecord, NewJob, StoreError, WorkerId};

/// What a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// It changes something.
    Change,
    /// It looks for what is to be done.
    Look,
}

/// What is kept of outcomes while they are on their way: the job, the token, and a word on what becomes of it.
pub type Told = Vec<(JobId, i64, &'static str)>;

/// The place through which calls go. As it stands here it changes nothing and sees nothing. What people look at does not come by.
pub trait Passage: Send + Sync + 'static {
    /// Passes a call on.
    fn pass<'a, T: Send + 'a>(
        &'a self,
        _call: &'static str,
        _sort: Sort,
        store: &'a dyn Store,
        make: impl FnOnce(&'a dyn Store) -> StoreFuture<'a, T> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        make(store)
    }

    /// The time that the store is told.
    fn time(&self, now: Now) -> Now {
        now
    }

    /// Fires ticks.
    fn fire<'a>(&'a self, store: &'a dyn Store, now: Now, ticks: Vec<Fire>) -> StoreFuture<'a, Vec<Fired>> {
        store.fire(now, ticks)
    }

    /// The store has answered a claim, whether or not the answer gets through.
    fn took(&self, _answer: &Result<Claim, StoreError>) {}

    /// A claim that was made at this time is over.
    fn claimed(&self, _now: Now) {}

    /// Outcomes are about to go.
    fn told(&self, _outcomes: &[Completion]) -> Told {
        Told::new()
    }

    /// They have been answered.
    fn completed(&self, _told: &Told, _answers: &[CompletionAnswer]) {}
}

/// The store.
pub struct Around<P> {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) passage: P,
}

impl<P: Passage> Around<P> {
    fn pass<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        sort: Sort,
        make: impl FnOnce(&'a dyn Store) -> StoreFuture<'a, T> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        self.passage.pass(call, sort, &*self.inner, make)
    }
}

impl<P: Passage> JobStore for Around<P> {
    fn enqueue(&self, now: Now, jobs: Vec<NewJob>) -> StoreFuture<'_, Vec<Enqueued>> {
        let now = self.passage.time(now);
        self.pass("enqueue", Sort::Change, move |store| store.enqueue(now, jobs))
    }

    fn register(&self, now: Now, worker: NewWorker) -> StoreFuture<'_, ()> {
        let now = self.passage.time(now);
        self.pass("register", Sort::Change, move |store| store.register(now, worker))
    }

    fn heartbeat(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, Beat> {
        let now = self.passage.time(now);
        self.pass("heartbeat", Sort::Change, move |store| store.heartbeat(now, worker))
    }

    fn undisturbed(&self, worker: WorkerId) -> StoreFuture<'_, bool> {
        self.pass("undisturbed", Sort::Look, move |store| store.undisturbed(worker))
    }

    fn rescue(&self, now: Now, by: WorkerId) -> StoreFuture<'_, Rescue> {
        let now = self.passage.time(now);
        self.pass("rescue", Sort::Change, move |store| store.rescue(now, by))
    }

    fn leave(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, ()> {
        let now = self.passage.time(now);
        self.pass("leave", Sort::Change, move |store| store.leave(now, worker))
    }

    fn abandon(&self, now: Now, held: Vec<Held>) -> StoreFuture<'_, u64> {
        let now = self.passage.time(now);
        self.pass("abandon", Sort::Change, move |store| store.abandon(now, held))
    }

    fn claim(&self, now: Now, request: ClaimRequest) -> StoreFuture<'_, Claim> {
        let now = self.passage.time(now);
        let claim = self.pass("claim", Sort::Change, move |store| {
            let claim = store.claim(now, request);
            Box::pin(async move {
                let answer = claim.await;
                self.passage.took(&answer);
                answer
            })
        });
        Box::pin(async move {
            let answer = claim.await;
            self.passage.claimed(now);
            answer
        })
    }

    fn complete(&self, now: Now, outcomes: Vec<Completion>) -> StoreFuture<'_, Vec<CompletionAnswer>> {
        let now = self.passage.time(now);
        let told = self.passage.told(&outcomes);
        let complete = self.pass("complete", Sort::Change, move |store| store.complete(now, outcomes));
        Box::pin(async move { complete.await.inspect(|answers| self.passage.completed(&told, answers)) })
    }

    fn reconcile(&self, now: Now, worker: WorkerId, known: Vec<Held>) -> StoreFuture<'_, u64> {
        let now = self.passage.time(now);
        self.pass("reconcile", Sort::Change, move |store| store.reconcile(now, worker, known))
    }

    fn cancellations(&self, worker: WorkerId) -> StoreFuture<'_, Vec<JobId>> {
        self.pass("cancellations", Sort::Look, move |store| store.cancellations(worker))
    }

    fn contract(&self) -> Option<Contract> {
        self.inner.contract()
    }

    fn signal(&self) -> &Signal {
        self.inner.signal()
    }

    fn info(&self) -> StoreInfo {
        self.inner.info()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.pass("close", Sort::Change, |store| store.close())
    }
}

impl<P: Passage> ScheduleStore for Around<P> {
    fn change_schedules(&self, now: Now, change: ScheduleChange) -> StoreFuture<'_, Vec<ScheduleAnswer>> {
        let now = self.passage.time(now);
        self.pass("change_schedules", Sort::Change, move |store| store.change_schedules(now, change))
    }

    fn schedules(&self, now: Now, filter: ScheduleFilter) -> StoreFuture<'_, ScheduleList> {
        let now = self.passage.time(now);
        self.pass("schedules", Sort::Look, move |store| store.schedules(now, filter))
    }

    fn ticks(&self, filter: TickFilter) -> StoreFuture<'_, Vec<TickRecord>> {
        self.pass("ticks", Sort::Look, move |store| store.ticks(filter))
    }

    fn fire(&self, now: Now, ticks: Vec<Fire>) -> StoreFuture<'_, Vec<Fired>> {
        let now = self.passage.time(now);
        self.pass("fire", Sort::Change, move |store| self.passage.fire(store, now, ticks))
    }
}

impl<P: Passage> ManageStore for Around<P> {
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
        let now = self.passage.time(now);
        self.pass("cancel", Sort::Change, move |store| store.cancel(now, ids, reason))
    }

    fn requeue(&self, now: Now, ids: Vec<JobId>) -> StoreFuture<'_, Vec<bool>> {
        let now = self.passage.time(now);
        self.pass("requeue", Sort::Change, move |store| store.requeue(now, ids))
    }

    fn pause(&self, now: Now, queues: Vec<String>) -> StoreFuture<'_, Vec<bool>> {
        let now = self.passage.time(now);
        self.pass("pause", Sort::Change, move |store| store.pause(now, queues))
    }

    fn resume(&self, queues: Vec<String>) -> StoreFuture<'_, Vec<bool>> {
        self.pass("resume", Sort::Change, move |store| store.resume(queues))
    }

    fn paused(&self) -> StoreFuture<'_, Vec<PausedQueue>> {
        self.pass("paused", Sort::Look, |store| store.paused())
    }

    fn prune(&self, now: Now, retention: Retention) -> StoreFuture<'_, usize> {
        let now = self.passage.time(now);
        self.pass("prune", Sort::Change, move |store| store.prune(now, retention))
    }

    fn unserved(&self, now: Now) -> StoreFuture<'_, Vec<Unserved>> {
        let now = self.passage.time(now);
        self.pass("unserved", Sort::Look, move |store| store.unserved(now))
    }

    fn workers(&self) -> StoreFuture<'_, Vec<WorkerRecord>> {
        self.inner.workers()
    }
}
