//! A job before it is stored: the builder that a handler struct hands out, and what it becomes.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::argument::{ArgumentError, ArgumentWriter};
use crate::chain::{Link, MAX_CHAIN};
use crate::error::EnqueueError;
use crate::id::JobId;
use crate::registry::JobEntry;

/// The queue of a job that names none.
pub const DEFAULT_QUEUE: &str = "default";

/// The largest payload of a job, in bytes. Bigger things belong into a file or a table, and their name into the job.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// The most jobs of one call. They are stored in one transaction, for which everybody else waits.
pub const MAX_BATCH: usize = 100_000;

/// A kind of job: the handler struct that `#[job]` writes beside the fn.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job",
    label = "is not the name of an `async fn` with `#[job]`",
    note = "write `#[job]` over the `async fn`, and name it here without brackets"
)]
pub trait Job: Sized + 'static {
    /// The name under which jobs of this kind are stored.
    const NAME: &'static str;

    /// What the fn returns.
    type Return;

    /// The registration of the kind.
    fn entry() -> &'static JobEntry;
}

/// When a job shall run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum When {
    /// As soon as a worker is free.
    #[default]
    Now,
    /// After this time, counted from the store's clock.
    After(Duration),
    /// Not before this instant.
    At(Timestamp),
}

/// A job as it goes into a store.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewJob {
    /// Its identity. `None` lets the client make one.
    pub id: Option<JobId>,
    /// The kind that runs it.
    pub kind: Cow<'static, str>,
    /// Where it waits.
    pub queue: Cow<'static, str>,
    /// Smaller runs first; 0 by default.
    pub priority: i16,
    /// When it is due.
    pub when: When,
    /// Its arguments: a JSON object keyed by parameter name.
    pub payload: String,
    /// A name of its own, unique among live jobs.
    pub name: Option<String>,
    /// How often it is tried again after its first failure. `None`: what its kind says where it runs.
    pub retries: Option<u32>,
    /// How long an attempt may take. `None`: what its kind says where it runs.
    pub timeout: Option<Duration>,
    /// Labels to find it by.
    pub tags: Vec<Cow<'static, str>>,
    /// A JSON object that travels with it.
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// For whom it is made.
    pub tenant: Option<String>,
    /// By whom it is made.
    pub user: Option<String>,
    /// The schedule and the instant it stands for; set by the scheduler alone.
    pub tick: Option<TickId>,
    /// The job on which it follows.
    pub parent: Option<JobId>,
    /// The jobs that follow on it, in order.
    pub chain: Vec<Link>,
    /// Whether the id was made for this very call, so that nobody can have used it: a store need not look for it.
    pub fresh: bool,
}

/// One instant of one schedule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TickId {
    /// The schedule's key.
    pub schedule: String,
    /// The planned instant.
    pub instant: Timestamp,
}

impl NewJob {
    /// A job of `kind` with these arguments, due now in the default queue.
    pub fn new(kind: impl Into<Cow<'static, str>>, payload: impl Into<String>) -> Self {
        Self {
            id: None,
            kind: kind.into(),
            queue: Cow::Borrowed(DEFAULT_QUEUE),
            priority: 0,
            when: When::Now,
            payload: payload.into(),
            name: None,
            retries: None,
            timeout: None,
            tags: Vec::new(),
            metadata: None,
            tenant: None,
            user: None,
            tick: None,
            parent: None,
            chain: Vec::new(),
            fresh: false,
        }
    }

    /// A job of a registered kind with these arguments and the kind's own queue, priority and tags.
    pub fn of(entry: &JobEntry, payload: impl Into<String>) -> Self {
        let mut job = Self::new(entry.name.clone(), payload);
        job.queue.clone_from(&entry.queue);
        job.priority = entry.priority;
        job.tags = entry.tags.to_vec();
        job
    }

    /// Checks every limit, and reports the first that is broken.
    pub fn check(&self) -> Result<(), EnqueueError> {
        check_names(&self.kind, &self.queue, &self.tags)?;
        if let Some(name) = &self.name {
            crate::name::check("name", name).map_err(EnqueueError::Name)?;
        }
        for link in &self.chain {
            check_names(&link.kind, &link.queue, &link.tags)?;
        }
        if self.chain.len() > MAX_CHAIN {
            return Err(EnqueueError::ChainTooLong { jobs: self.chain.len(), limit: MAX_CHAIN });
        }
        if self.payload.len() > MAX_PAYLOAD {
            return Err(EnqueueError::TooLarge { size: self.payload.len(), limit: MAX_PAYLOAD });
        }
        Ok(())
    }
}

fn check_names(kind: &str, queue: &str, tags: &[Cow<'static, str>]) -> Result<(), EnqueueError> {
    let tags = tags.iter().map(|tag| ("tag", &**tag));
    for (what, text) in [("kind", kind), ("queue", queue)].into_iter().chain(tags) {
        crate::name::check(what, text).map_err(EnqueueError::Name)?;
    }
    Ok(())
}

/// The JSON of a value of the metadata.
pub(crate) fn metadata_value<V: Serialize + ?Sized>(value: &V) -> Result<serde_json::Value, EnqueueError> {
    serde_json::to_value(value)
        .map_err(|error| EnqueueError::Argument(ArgumentError::Encode { name: "metadata", message: error.to_string() }))
}

/// A job being made. Nothing happens until it is enqueued.
#[must_use = "a job is stored only when it is enqueued: `.enqueue(&client).await`"]
pub struct JobBuilder<J> {
    job: Result<NewJob, EnqueueError>,
    kind: PhantomData<fn() -> J>,
}

impl<J> fmt::Debug for JobBuilder<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JobBuilder").field(&self.job).finish()
    }
}

impl<J: Job> JobBuilder<J> {
    /// Starts from the written arguments. Called by the code that `#[job]` writes.
    pub fn new(arguments: ArgumentWriter) -> Self {
        let job = arguments.finish().map(|payload| NewJob::of(J::entry(), payload)).map_err(EnqueueError::Argument);
        Self { job, kind: PhantomData }
    }

    /// Stores the job, and answers when it is durable.
    #[doc(alias("insert", "perform", "push", "send"))]
    pub async fn enqueue<C: Enqueue + ?Sized>(self, client: &C) -> Result<JobId, EnqueueError> {
        client.enqueue_one(self.job?).await
    }
}

impl<J> JobBuilder<J> {
    fn set(mut self, change: impl FnOnce(&mut NewJob)) -> Self {
        if let Ok(job) = &mut self.job {
            change(job);
        }
        self
    }

    /// Runs it `delay` from now, by the store's clock.
    #[doc(alias("after", "run_in", "schedule_in"))]
    pub fn delay(self, delay: Duration) -> Self {
        self.set(|job| job.when = When::After(delay))
    }

    /// Runs it at `instant`; at once if that has passed.
    #[doc(alias("eta", "run_at", "schedule_at"))]
    pub fn at(self, instant: Timestamp) -> Self {
        self.set(|job| job.when = When::At(instant))
    }

    /// Puts it into another queue than its kind's own.
    pub fn queue(self, queue: impl Into<Cow<'static, str>>) -> Self {
        self.set(|job| job.queue = queue.into())
    }

    /// Gives it another priority than its kind's own. Smaller runs first.
    pub fn priority(self, priority: i16) -> Self {
        self.set(|job| job.priority = priority)
    }

    /// Gives it another number of retries than its kind's own; 0 means one attempt.
    #[doc(alias("max_attempts"))]
    pub fn retries(self, retries: u32) -> Self {
        self.set(|job| job.retries = Some(retries))
    }

    /// Gives it another timeout than its kind's own.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.set(|job| job.timeout = Some(timeout))
    }

    /// Names this one job. While a job of that name is alive, enqueueing answers its id and stores nothing.
    #[doc(alias("dedupe", "unique"))]
    pub fn name(self, name: impl Into<String>) -> Self {
        self.set(|job| job.name = Some(name.into()))
    }

    /// Adds a tag to those of its kind.
    pub fn tag(self, tag: impl Into<Cow<'static, str>>) -> Self {
        self.set(|job| job.tags.push(tag.into()))
    }

    /// Adds a value to its metadata.
    pub fn metadata<V: Serialize + ?Sized>(mut self, key: impl Into<String>, value: &V) -> Self {
        match metadata_value(value) {
            Ok(value) => self.set(|job| {
                job.metadata.get_or_insert_default().insert(key.into(), value);
            }),
            Err(error) => {
                self.job = self.job.and(Err(error));
                self
            }
        }
    }

    /// Says for which tenant it is made.
    pub fn tenant(self, tenant: impl Into<String>) -> Self {
        self.set(|job| job.tenant = Some(tenant.into()))
    }

    /// Says by which user it is made.
    pub fn user(self, user: impl Into<String>) -> Self {
        self.set(|job| job.user = Some(user.into()))
    }

    /// Gives it an id of your own making. Enqueueing the same id again within a day changes nothing, so an enqueue whose answer
    /// was lost can be repeated.
    pub fn id(self, id: JobId) -> Self {
        self.set(|job| job.id = Some(id))
    }

    /// The job itself, for a store or for [`Enqueue::enqueue_all`] beside jobs of other kinds.
    pub fn into_job(self) -> Result<NewJob, EnqueueError> {
        self.job
    }
}

/// Something that can be turned into a job to store.
pub trait IntoJob {
    /// The job, or why it cannot be one.
    fn into_new_job(self) -> Result<NewJob, EnqueueError>;
}

impl IntoJob for NewJob {
    fn into_new_job(self) -> Result<NewJob, EnqueueError> {
        Ok(self)
    }
}

impl<J> IntoJob for JobBuilder<J> {
    fn into_new_job(self) -> Result<NewJob, EnqueueError> {
        self.job
    }
}

impl<T: IntoJob, E: Into<EnqueueError>> IntoJob for Result<T, E> {
    fn into_new_job(self) -> Result<NewJob, EnqueueError> {
        self.map_err(Into::into)?.into_new_job()
    }
}

/// Where jobs can be enqueued: the runtime's client, or a recording fake in a test.
pub trait Enqueue: Sync {
    /// Stores one job, and answers its id when it is durable. For a named job that lives already: that job's id.
    fn enqueue_one(&self, job: NewJob) -> impl Future<Output = Result<JobId, EnqueueError>> + Send;

    /// Stores all jobs or none, and answers their ids in order.
    fn enqueue_all<I>(&self, jobs: I) -> impl Future<Output = Result<Vec<JobId>, EnqueueError>> + Send
    where
        I: IntoIterator + Send,
        I::IntoIter: Send,
        I::Item: IntoJob;
}
