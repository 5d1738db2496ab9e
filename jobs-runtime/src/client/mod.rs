//! The client: enqueues jobs, looks at them, and changes their fate. It runs nothing.

mod prepare;
mod schedules;

use std::fmt;
use std::sync::Arc;

use jobs_core::job::{Enqueue, MAX_BATCH};
use jobs_core::store::{CancelAnswer, Enqueued, JobFilter, JobPage, PausedQueue, Store};
use jobs_core::{Counts, EnqueueError, IntoJob, JobId, JobRecord, NewJob, StoreError, TextError};
use serde::de::DeserializeOwned;

use crate::Error;
use crate::env::Env;
use crate::settings::{Overrides, Settings, Sources};

pub use self::prepare::Prepared;
pub use self::schedules::{ScheduleView, Schedules};

/// Enqueues jobs, looks at them, and changes their fate. Cheap to clone.
///
/// A runtime has one ([`Runtime::client`](crate::Runtime::client)), and a job may borrow it (`client: &Client`). A program that only
/// enqueues makes its own by [`Client::connect`], and runs nothing.
#[derive(Clone)]
pub struct Client {
    store: Arc<dyn Store>,
    env: Env,
}

/// The most bytes of the name of a schedule and of a delivery of a scheduler that is not ours.
const MAX_DELIVERY_NAME: usize = 1_000;

/// A job that a scheduler which is not ours asks for: [`Client::deliver`].
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The job. It needs no id, and what it has is replaced.
    pub job: NewJob,
    /// The name of the schedule at that scheduler.
    pub schedule: String,
    /// The id that the delivery has there: the same when it is made again.
    pub id: String,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("store", &self.store.info().place).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the store that the settings name: `JOBS_STORE`, `jobs.toml`, or `./jobs.db`.
    pub async fn connect() -> Result<Self, Error> {
        Self::open(Overrides::new()).await
    }

    /// A client of the store at this URL.
    pub async fn connect_to(url: impl Into<String>) -> Result<Self, Error> {
        let mut overrides = Overrides::new();
        overrides.store(url);
        Self::open(overrides).await
    }

    async fn open(overrides: Overrides) -> Result<Self, Error> {
        let settings = Settings::resolve(overrides, &Sources::system())?;
        let tokio = tokio::runtime::Handle::try_current().map_err(|_| Error::NoTokio)?;
        let store = crate::store::open(&settings).await?;
        Ok(Self::new(store, Env::system(tokio.clone(), tokio)))
    }

    /// A client of a store that is open already.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, env: Env) -> Self {
        Self { store, env }
    }

    /// A new id, for an enqueue that shall be repeatable.
    #[must_use]
    pub fn new_id(&self) -> JobId {
        self.env.job_id()
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// One job, live or finished; `None` if it was never stored, or is forgotten.
    pub async fn job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        self.store.job(id).await
    }

    /// The live job of this name.
    pub async fn job_named(&self, name: impl Into<String> + Send) -> Result<Option<JobRecord>, StoreError> {
        self.store.job_named(name.into()).await
    }

    /// Jobs that match a filter, a page at a time.
    pub async fn jobs(&self, filter: JobFilter) -> Result<JobPage, StoreError> {
        self.store.jobs(filter).await
    }

    /// The jobs that follow on this one in its chain: the next link, once this job has completed. Several if it was requeued.
    pub async fn followers(&self, id: JobId) -> Result<Vec<JobRecord>, StoreError> {
        let of = |finished| JobFilter { parent: Some(id), finished, ..JobFilter::default() };
        let mut waiting = self.store.jobs(of(false)).await?.jobs;
        let mut all = self.store.jobs(of(true)).await?.jobs;
        // A job that ended between the two looks is in both.
        waiting.retain(|job| all.iter().all(|finished| finished.id != job.id));
        all.append(&mut waiting);
        Ok(all)
    }

    /// How many jobs are in each state.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        self.store.counts().await
    }

    /// The output of a job: `None` while it has none. An output of another type is an error that says so.
    pub async fn output<T: DeserializeOwned>(&self, id: JobId) -> Result<Option<T>, StoreError> {
        let Some(json) = self.store.job(id).await?.and_then(|job| job.output) else { return Ok(None) };
        serde_json::from_str(&json).map(Some).map_err(|error| StoreError::Refused {
            message: format!("the output of job {id} is no {}: {error}", std::any::type_name::<T>()),
            source: None,
        })
    }

    /// Cancels a job: one that waits ends at once; one that runs is asked to stop, and dropped after a grace if it does not.
    pub async fn cancel(&self, id: JobId) -> Result<CancelAnswer, StoreError> {
        let answers = self.store.cancel(self.env.now(), vec![id], "cancelled on request".to_owned()).await?;
        Ok(answers.first().copied().unwrap_or(CancelAnswer::Unknown))
    }

    /// Cancels the live job of this name.
    pub async fn cancel_named(&self, name: impl Into<String> + Send) -> Result<CancelAnswer, StoreError> {
        match self.store.job_named(name.into()).await? {
            Some(job) => self.cancel(job.id).await,
            None => Ok(CancelAnswer::Unknown),
        }
    }

    /// Makes finished or parked jobs available again. Answers for each whether it did.
    pub async fn requeue(&self, ids: Vec<JobId>) -> Result<Vec<bool>, StoreError> {
        self.store.requeue(self.env.now(), ids).await
    }

    /// Pauses a queue, for all processes and until it is resumed: nothing more is claimed from it. What runs goes on, what is enqueued
    /// waits, and what processes have fetched ahead goes back with no attempt used when they hear of it: within a second where wake-ups
    /// work, else at their next heartbeat. Answers whether it was not paused before.
    ///
    /// A queue that nobody uses yet can be paused too; a name that no queue can have is an error.
    pub async fn pause_queue(&self, queue: impl Into<String> + Send) -> Result<bool, StoreError> {
        let changed = self.store.pause(self.env.now(), vec![queue_name(queue.into())?]).await?;
        Ok(changed.first().copied().unwrap_or_default())
    }

    /// Resumes a paused queue. Answers whether it was paused.
    pub async fn resume_queue(&self, queue: impl Into<String> + Send) -> Result<bool, StoreError> {
        let changed = self.store.resume(vec![queue_name(queue.into())?]).await?;
        Ok(changed.first().copied().unwrap_or_default())
    }

    /// The queues that are paused, by name.
    pub async fn paused_queues(&self) -> Result<Vec<PausedQueue>, StoreError> {
        self.store.paused().await
    }

    /// The schedules: to look at them, and to change them while workers run.
    #[must_use]
    pub const fn schedules(&self) -> Schedules<'_> {
        Schedules::new(self)
    }

    /// Takes a job from a scheduler that is not ours, such as a cron service that calls a URL. The delivery's id makes it harmless when it
    /// comes again: the same id, for the same schedule, stores one job, for a day after that has ended at least. Answers the job's id, and
    /// whether this delivery was new. The job's metadata has both names, under `delivery`.
    ///
    /// The kind's own queue, priority and tags are unknown here, unless this process has it: build the job by `its_name::job(..)` or
    /// [`NewJob::of`] to have them.
    pub async fn deliver(&self, delivery: Delivery) -> Result<Enqueued, EnqueueError> {
        let Delivery { mut job, schedule, id } = delivery;
        for (what, text) in [("schedule", &schedule), ("delivery", &id)] {
            if text.len() > MAX_DELIVERY_NAME {
                let message = format!("the {what}'s name takes {} bytes, more than {MAX_DELIVERY_NAME}", text.len());
                return Err(EnqueueError::Name(TextError::new(0..text.len(), message)));
            }
        }
        job.id = Some(JobId::of_delivery(&schedule, &id));
        let delivery = serde_json::json!({ "schedule": schedule, "id": id });
        job.metadata.get_or_insert_default().insert("delivery".to_owned(), delivery);
        let answers = self.enqueue_jobs(vec![job]).await?;
        answers.into_iter().next().ok_or(EnqueueError::Store(StoreError::Closed))
    }

    /// Stores all jobs or none, and answers for each whether it is new. At most [`MAX_BATCH`] a call.
    ///
    /// When the store does not answer, whether they were stored is unknown. A job that was given an id of its own
    /// ([`new_id`](Self::new_id)) can then be enqueued again: it is stored once.
    pub async fn enqueue_jobs(&self, mut jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, EnqueueError> {
        if jobs.len() > MAX_BATCH {
            return Err(EnqueueError::TooMany { jobs: jobs.len(), limit: MAX_BATCH });
        }
        for job in &mut jobs {
            job.check()?;
            job.fresh = job.id.is_none();
            job.id.get_or_insert_with(|| self.env.job_id());
        }
        Ok(self.store.enqueue(self.env.now(), jobs).await?)
    }
}

/// A name that a queue can have.
fn queue_name(queue: String) -> Result<String, StoreError> {
    match jobs_core::name::check("queue", &queue) {
        Ok(()) => Ok(queue),
        Err(error) => Err(StoreError::Refused { message: error.to_string(), source: None }),
    }
}

impl Enqueue for Client {
    async fn enqueue_one(&self, job: NewJob) -> Result<JobId, EnqueueError> {
        let id = job.id;
        let answers = self.enqueue_jobs(vec![job]).await?;
        answers.first().map(|answer| answer.id).or(id).ok_or(EnqueueError::Store(StoreError::Closed))
    }

    async fn enqueue_all<I>(&self, jobs: I) -> Result<Vec<JobId>, EnqueueError>
    where
        I: IntoIterator + Send,
        I::IntoIter: Send,
        I::Item: IntoJob,
    {
        let jobs = jobs.into_iter().map(IntoJob::into_new_job).collect::<Result<Vec<_>, _>>()?;
        Ok(self.enqueue_jobs(jobs).await?.into_iter().map(|answer| answer.id).collect())
    }
}
