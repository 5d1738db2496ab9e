//! What a running job may know about itself, borrowed by `&JobContext`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::id::JobId;
use crate::job::TickId;

/// One run of one job: who it is, which attempt this is, and whether it should stop.
///
/// ```
/// use jobs_core::JobContext;
///
/// async fn copy(ctx: &JobContext, files: Vec<String>) -> u32 {
///     let mut copied = 0;
///     for _file in files {
///         if ctx.is_cancelled() {
///             break;
///         }
///         copied += 1;
///     }
///     copied
/// }
/// # let _ = copy(&JobContext::test(), vec![]);
/// ```
#[derive(Clone, Debug)]
pub struct JobContext {
    facts: Facts,
    token: CancellationToken,
}

/// What a [`JobContext`] is made of. The runtime fills it from the stored job.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct Facts {
    pub id: JobId,
    pub kind: Arc<str>,
    pub queue: Arc<str>,
    pub attempt: u32,
    pub retries: u32,
    pub name: Option<String>,
    pub tenant: Option<String>,
    pub user: Option<String>,
    pub tags: Option<String>,
    pub metadata: Option<String>,
    pub created_at: Timestamp,
    pub run_at: Timestamp,
    pub started_at: Timestamp,
    pub tick: Option<TickId>,
    pub timeout: Option<Duration>,
}

impl JobContext {
    /// Wraps the facts of one run and the token by which it is told to stop.
    #[doc(hidden)]
    #[must_use]
    pub fn new(facts: Facts, token: CancellationToken) -> Self {
        Self { facts, token }
    }

    /// A context for calling a job's fn in a unit test: attempt 1 of a job named `test`, at the Unix epoch, never cancelled.
    #[must_use]
    pub fn test() -> Self {
        let epoch = Timestamp::UNIX_EPOCH;
        let facts = Facts {
            id: JobId::from_parts(0, [0; 10]),
            kind: "test".into(),
            queue: "default".into(),
            attempt: 1,
            retries: 0,
            name: None,
            tenant: None,
            user: None,
            tags: None,
            metadata: None,
            created_at: epoch,
            run_at: epoch,
            started_at: epoch,
            tick: None,
            timeout: None,
        };
        Self::new(facts, CancellationToken::new())
    }

    /// The job's id.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.facts.id
    }

    /// The kind of job: the name of its fn, or the `name` of its attribute.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.facts.kind
    }

    /// The queue it was taken from.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.facts.queue
    }

    /// The number of this attempt, from 1: one more than the failures recorded so far.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.facts.attempt
    }

    /// How often the job is tried again after its first failure.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.facts.retries
    }

    /// Whether a failure of this attempt is the last: no retry is left.
    #[must_use]
    pub fn is_last_attempt(&self) -> bool {
        self.facts.attempt > self.facts.retries
    }

    /// The name given to this one job, if any.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.facts.name.as_deref()
    }

    /// The tenant for whom the job was made, if any.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.facts.tenant.as_deref()
    }

    /// The user for whom the job was made, if any.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.facts.user.as_deref()
    }

    /// The job's tags.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        self.facts.tags.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    /// The value that was stored under `key` in the job's metadata.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<serde_json::Value> {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(self.facts.metadata.as_deref()?).ok()?;
        object.get(key).cloned()
    }

    /// When the job was enqueued.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.facts.created_at
    }

    /// When the job was due for this attempt.
    #[must_use]
    pub fn run_at(&self) -> Timestamp {
        self.facts.run_at
    }

    /// When this attempt began.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.facts.started_at
    }

    /// The instant of the schedule that this job stands for; `None` unless a schedule made it.
    #[must_use]
    pub fn tick(&self) -> Option<Timestamp> {
        self.facts.tick.as_ref().map(|tick| tick.instant)
    }

    /// The key of the schedule that made this job, on time, on start or on request; `None` unless one did.
    #[must_use]
    pub fn schedule(&self) -> Option<&str> {
        self.facts.tick.as_ref().map(|tick| &*tick.schedule)
    }

    /// How long this attempt may take, if it is limited.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.facts.timeout
    }

    /// Whether the job should stop: it was cancelled, its time ran out, the process shuts down, or its lease was lost.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until the job should stop. Put it in a `select!` beside the work.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// The token behind [`is_cancelled`](Self::is_cancelled), for handing on to parts of the work.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_context_is_a_first_and_last_attempt_that_nobody_stopped() {
        let ctx = JobContext::test();
        assert_eq!((ctx.attempt(), ctx.is_last_attempt(), ctx.is_cancelled()), (1, true, false));
        assert!(ctx.tags().is_empty() && ctx.metadata("key").is_none());
    }
}
