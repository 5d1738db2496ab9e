//! Chains: jobs that follow on each other, the output of one the argument of the next.
//!
//! A chain is stored with its first job. When a job completes, the next of its chain is stored in the same transaction, with the
//! output as its argument and the rest of the chain as its own. So each link is an ordinary job with its own attempts, and a chain
//! stands still where a link failed or was cancelled, until somebody requeues that link.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::argument::ArgumentError;
use crate::error::EnqueueError;
use crate::id::JobId;
use crate::job::{DEFAULT_QUEUE, Enqueue, IntoJob, Job, JobBuilder, MAX_PAYLOAD, NewJob, When};
use crate::outcome::Outcome;
use crate::registry::JobEntry;

/// The most jobs that may follow on one.
pub const MAX_CHAIN: usize = 100;

/// A kind of job that may follow on one that returns `O`: its one owned parameter is an `O`, or it has none.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot follow a job whose output is `{O}`",
    label = "must be a job that takes `{O}` as its one owned parameter, or no owned parameter",
    note = "`then` hands the output of one job to the next; several values travel as one struct or tuple"
)]
pub trait Follows<O>: Job {
    /// The parameter that takes the output, if there is one.
    const ARGUMENT: Option<&'static str>;
}

/// One job of a chain that is still to come, as it is stored.
///
/// A field that this release does not know is an error, not a loss: the job is parked until a build comes that knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Link {
    /// The kind that runs it.
    pub kind: Cow<'static, str>,
    /// The parameter that takes the output of the job before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argument: Option<Cow<'static, str>>,
    /// Where it waits.
    #[serde(default = "default_queue", skip_serializing_if = "is_default_queue")]
    pub queue: Cow<'static, str>,
    /// Smaller runs first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub priority: i16,
    /// How long it waits after the completion of the job before, in milliseconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub delay: u64,
    /// Its own number of retries, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Its own timeout in milliseconds, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Cow<'static, str>>,
    /// Its metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

fn default_queue() -> Cow<'static, str> {
    Cow::Borrowed(DEFAULT_QUEUE)
}

fn is_default_queue(queue: &str) -> bool {
    queue == DEFAULT_QUEUE
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Link {
    /// A link of a registered kind with the kind's own queue, priority and tags.
    #[must_use]
    pub fn of(entry: &JobEntry, argument: Option<&'static str>) -> Self {
        Self {
            kind: entry.name.clone(),
            argument: argument.map(Cow::Borrowed),
            queue: entry.queue.clone(),
            priority: entry.priority,
            delay: 0,
            retries: None,
            timeout: None,
            tags: entry.tags.to_vec(),
            metadata: None,
        }
    }

    /// The job that this link becomes when the job before it has completed with this output (JSON; `None` for nothing).
    ///
    /// It is made for the same tenant and user as that job. Fails when the output is larger than an argument may be.
    pub fn follow(self, before: &Predecessor<'_>, output: Option<&str>, rest: Vec<Link>) -> Result<NewJob, EnqueueError> {
        let payload = match &self.argument {
            Some(argument) => {
                let key = serde_json::to_string(argument).map_err(|error| ArgumentError::Encode {
                    name: "the output of the job before",
                    message: error.to_string(),
                })?;
                format!("{{{key}:{}}}", output.unwrap_or("null"))
            }
            None => "{}".to_owned(),
        };
        if payload.len() > MAX_PAYLOAD {
            return Err(EnqueueError::TooLarge { size: payload.len(), limit: MAX_PAYLOAD });
        }
        let mut job = NewJob::new(self.kind, payload);
        job.id = Some(before.follower);
        job.fresh = true;
        job.queue = self.queue;
        job.priority = self.priority;
        job.when = if self.delay == 0 { When::Now } else { When::After(Duration::from_millis(self.delay)) };
        job.retries = self.retries;
        job.timeout = self.timeout.map(Duration::from_millis);
        job.tags = self.tags;
        job.metadata = self.metadata;
        job.tenant = before.tenant.map(str::to_owned);
        job.user = before.user.map(str::to_owned);
        job.parent = Some(before.id);
        job.chain = rest;
        Ok(job)
    }
}

/// What a job hands on to the one that follows on it, beside its output.
#[derive(Clone, Copy, Debug)]
pub struct Predecessor<'a> {
    /// The job that completed.
    pub id: JobId,
    /// The id of the one that follows.
    pub follower: JobId,
    /// For whom it was made.
    pub tenant: Option<&'a str>,
    /// By whom it was made.
    pub user: Option<&'a str>,
}

/// The stored form of a chain: a JSON list, `None` for an empty one.
#[must_use]
pub fn to_text(chain: &[Link]) -> Option<String> {
    // Texts, numbers and JSON values: nothing here can fail to be written.
    if chain.is_empty() { None } else { serde_json::to_string(chain).ok() }
}

/// Reads the stored form of a chain.
pub fn from_text(text: Option<&str>) -> Result<Vec<Link>, ArgumentError> {
    let Some(text) = text else { return Ok(Vec::new()) };
    serde_json::from_str(text).map_err(|error| ArgumentError::Chain { message: error.to_string() })
}

/// A chain being made. Nothing happens until it is enqueued. What is set here is set for the job that was named last.
#[must_use = "a chain is stored only when it is enqueued: `.enqueue(&client).await`"]
pub struct Chain<L> {
    first: Result<NewJob, EnqueueError>,
    last: PhantomData<fn() -> L>,
}

impl<L> fmt::Debug for Chain<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chain").field(&self.first).finish()
    }
}

impl<J: Job> JobBuilder<J> {
    /// Runs `N` when this job has completed, with its output as the one owned argument of `N`.
    ///
    /// `N` is stored in the transaction that records the completion, for the same tenant and user. It does not run when this job
    /// fails or is cancelled. What is set after this is set for `N`.
    ///
    /// A chain goes with its first job: where a [`name`](JobBuilder::name) is borne by a living job, neither is stored.
    #[doc(alias = "and_then")]
    #[doc(alias = "chain")]
    #[doc(alias = "continue_with")]
    pub fn then<N: Follows<<J::Return as Outcome>::Output>>(self) -> Chain<N>
    where
        J::Return: Outcome,
    {
        Chain { first: self.into_job(), last: PhantomData::<fn() -> J> }.then()
    }
}

impl<L: Job> Chain<L> {
    /// Runs `N` when the job named last has completed, with its output as the one owned argument of `N`.
    pub fn then<N: Follows<<L::Return as Outcome>::Output>>(self) -> Chain<N>
    where
        L::Return: Outcome,
    {
        let mut first = self.first;
        if let Ok(job) = &mut first {
            job.chain.push(Link::of(N::entry(), N::ARGUMENT));
        }
        Chain { first, last: PhantomData }
    }

    /// Stores the first job with its chain, and answers that job's id when it is durable.
    pub async fn enqueue<C: Enqueue + ?Sized>(self, client: &C) -> Result<JobId, EnqueueError> {
        client.enqueue_one(self.first?).await
    }
}

impl<L> Chain<L> {
    fn set(mut self, change: impl FnOnce(&mut Link)) -> Self {
        if let Ok(job) = &mut self.first
            && let Some(link) = job.chain.last_mut()
        {
            change(link);
        }
        self
    }

    /// Runs it so long after the completion of the job before.
    pub fn delay(self, delay: Duration) -> Self {
        self.set(|link| link.delay = millis(delay))
    }

    /// Puts it into another queue than its kind's own.
    pub fn queue(self, queue: impl Into<Cow<'static, str>>) -> Self {
        self.set(|link| link.queue = queue.into())
    }

    /// Gives it another priority than its kind's own. Smaller runs first.
    pub fn priority(self, priority: i16) -> Self {
        self.set(|link| link.priority = priority)
    }

    /// Gives it another number of retries than its kind's own; 0 means one attempt.
    pub fn retries(self, retries: u32) -> Self {
        self.set(|link| link.retries = Some(retries))
    }

    /// Gives it another timeout than its kind's own.
    pub fn timeout(self, timeout: Duration) -> Self {
        // Kept in milliseconds; none at all would let no attempt begin.
        self.set(|link| link.timeout = Some(millis(timeout).max(1)))
    }

    /// Adds a tag to those of its kind.
    pub fn tag(self, tag: impl Into<Cow<'static, str>>) -> Self {
        self.set(|link| link.tags.push(tag.into()))
    }

    /// Adds a value to its metadata.
    pub fn metadata<V: Serialize + ?Sized>(mut self, key: impl Into<String>, value: &V) -> Self {
        match crate::job::metadata_value(value) {
            Ok(value) => self.set(|link| {
                link.metadata.get_or_insert_default().insert(key.into(), value);
            }),
            Err(error) => {
                self.first = self.first.and(Err(error));
                self
            }
        }
    }

    /// The first job with its chain, for a store or for [`Enqueue::enqueue_all`] beside other jobs.
    pub fn into_job(self) -> Result<NewJob, EnqueueError> {
        self.first
    }
}

impl<L> IntoJob for Chain<L> {
    fn into_new_job(self) -> Result<NewJob, EnqueueError> {
        self.first
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(kind: &'static str, argument: Option<&'static str>) -> Link {
        let handler = crate::registry::Handler::Fn(|_| Ok(Box::pin(async { Ok(None) })));
        let location = crate::registry::Location { file: "mail.rs", line: 1 };
        Link::of(&JobEntry::new(Cow::Borrowed(kind), "app", location, handler), argument)
    }

    fn before() -> Predecessor<'static> {
        let id = |byte| JobId::from_parts(0, [byte; 10]);
        Predecessor { id: id(1), follower: id(2), tenant: Some("acme"), user: None }
    }

    #[test]
    fn the_stored_form_reads_back_and_leaves_out_what_is_not_set() {
        let mut chain = vec![link("a", None), link("b", Some("report"))];
        assert_eq!(to_text(&chain).unwrap(), r#"[{"kind":"a"},{"kind":"b","argument":"report"}]"#);
        chain[0].queue = "low".into();
        chain[0].priority = -3;
        chain[0].delay = 5;
        chain[0].retries = Some(0);
        chain[0].timeout = Some(7);
        chain[0].tags = vec!["x".into()];
        chain[0].metadata = serde_json::json!({"k": [1, null]}).as_object().cloned();
        assert_eq!(from_text(to_text(&chain).as_deref()).unwrap(), chain);
        assert_eq!((to_text(&[]), from_text(None).unwrap()), (None, vec![]));
    }

    #[test]
    fn a_text_that_is_no_chain_is_an_error_that_says_so() {
        for text in ["", "{}", "[{}]", "[{\"kind\":1}]", "[1]", "[{\"kind\":\"a\",\"later\":1}]"] {
            let error = from_text(Some(text)).unwrap_err().to_string();
            assert!(error.starts_with("the chain of the job cannot be read: "), "{error}");
        }
    }

    #[test]
    fn the_output_becomes_the_argument_word_for_word() {
        let job = link("b", Some("rep\"ort")).follow(&before(), Some("[1.50, 18446744073709551615]"), vec![]).unwrap();
        assert_eq!(job.payload, r#"{"rep\"ort":[1.50, 18446744073709551615]}"#);
        assert_eq!((job.id, job.parent, job.tenant.as_deref()), (Some(before().follower), Some(before().id), Some("acme")));
        assert_eq!(link("b", Some("x")).follow(&before(), None, vec![]).unwrap().payload, r#"{"x":null}"#);
        assert_eq!(link("b", None).follow(&before(), Some("7"), vec![]).unwrap().payload, "{}");
    }

    #[test]
    fn an_output_that_is_too_large_for_an_argument_is_refused() {
        let output = format!("\"{}\"", "x".repeat(MAX_PAYLOAD));
        assert!(matches!(link("b", Some("x")).follow(&before(), Some(&output), vec![]), Err(EnqueueError::TooLarge { .. })));
        assert!(link("b", None).follow(&before(), Some(&output), vec![]).is_ok(), "nobody takes it");
    }
}
