//! The contract with other programs and other transactions: jobs and outcomes as JSON, for one statement with one text parameter.
//!
//! Every database driver can run such a statement inside of a transaction of its own; so can plain SQL. What the JSON may hold stands in
//! the guide of `jobs_runtime` (page `transactions`); it is stable, and what it does not know is refused.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Completion, Decision, Enqueued};
use crate::chain::Link;
use crate::error::StoreError;
use crate::id::JobId;
use crate::job::{NewJob, When};

/// What a store can do inside of a transaction of the caller's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Stores jobs, and gives one row with one text column, `answer`: what [`answers`] reads.
    pub enqueue: &'static str,
    /// Completes jobs, and fails the transaction if one of them is not held under its token any more.
    pub complete: &'static str,
    /// Whether a transaction that has written keeps everybody else from writing.
    pub one_writer: bool,
    /// Whether the store has a clock of its own. Else the time goes with the JSON.
    pub own_clock: bool,
}

/// A statement with one text parameter, for any driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    sql: &'static str,
    parameter: String,
}

impl Statement {
    /// A statement and its parameter.
    #[must_use]
    pub const fn new(sql: &'static str, parameter: String) -> Self {
        Self { sql, parameter }
    }

    /// The text of the statement. Its parameter is `$1` on PostgreSQL and `?1` on SQLite.
    #[must_use]
    pub const fn sql(&self) -> &'static str {
        self.sql
    }

    /// The parameter, a JSON text.
    #[must_use]
    pub fn parameter(&self) -> &str {
        &self.parameter
    }
}

/// A job as the contract has it. Texts that hold JSON are taken word for word, which JSON inside of JSON is not everywhere.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JobText<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<JobId>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<Json>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    queue: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    priority: Option<i16>,
    /// Microseconds since the Unix epoch, or a text as RFC 3339 has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_at: Option<Instant>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<Instant>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retries: Option<u32>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tags: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Json>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    tenant: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<JobId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chain: Option<Json>,
    /// Whether nobody can have used the id before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    fresh: bool,
}

/// An outcome as the contract has it: the job ended well.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeText<'a> {
    id: JobId,
    token: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<Json>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    note: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finished_at: Option<Instant>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    followers: Vec<JobText<'a>>,
}

/// JSON, or a text that holds it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Json {
    Text(String),
    Value(serde_json::Value),
}

impl Json {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Value(value) => value.to_string(),
        }
    }
}

/// Microseconds since the Unix epoch, or a text as RFC 3339 has it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Instant {
    Micros(i64),
    Text(Timestamp),
}

impl Instant {
    fn of(instant: Timestamp) -> Self {
        Self::Micros(instant.as_microsecond())
    }

    fn timestamp(&self) -> Result<Timestamp, StoreError> {
        match self {
            Self::Text(instant) => Ok(*instant),
            Self::Micros(micros) => Timestamp::from_microsecond(*micros).map_err(|error| refused(&error)),
        }
    }
}

/// One, or a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::Many(all) => all,
            Self::One(one) => vec![one],
        }
    }
}

fn refused(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Refused { message: error.to_string(), source: None }
}

impl<'a> JobText<'a> {
    fn of(job: &'a NewJob, now: Option<Timestamp>) -> Self {
        let (run_at, delay) = match job.when {
            When::Now => (None, None),
            When::At(instant) => (Some(Instant::of(instant)), None),
            // No wait is longer than all times.
            When::After(delay) => (None, Some(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX).min(LONGEST_DELAY))),
        };
        Self {
            id: job.id,
            kind: Cow::Borrowed(&job.kind),
            payload: Some(Json::text(&*job.payload)),
            queue: Some(Cow::Borrowed(&job.queue)),
            priority: Some(job.priority),
            run_at,
            delay,
            created_at: now.map(Instant::of),
            name: job.name.as_deref().map(Cow::Borrowed),
            // As the stores keep it.
            retries: job.retries.map(|retries| retries.min(MOST_RETRIES)),
            timeout: job.timeout.map(|timeout| u64::try_from(timeout.as_millis().max(1)).unwrap_or(u64::MAX).min(LONGEST_DELAY)),
            tags: Some(Json::text(serde_json::to_string(&job.tags).unwrap_or_default())),
            metadata: job.metadata.as_ref().map(|metadata| Json::text(serde_json::to_string(metadata).unwrap_or_default())),
            tenant: job.tenant.as_deref().map(Cow::Borrowed),
            user: job.user.as_deref().map(Cow::Borrowed),
            parent: job.parent,
            chain: crate::chain::to_text(&job.chain).map(Json::text),
            fresh: job.fresh,
        }
    }

    fn into_job(self) -> Result<NewJob, StoreError> {
        let payload = self.payload.map_or_else(|| "{}".to_owned(), Json::into_text);
        let mut job = NewJob::new(self.kind.into_owned(), payload);
        job.id = self.id;
        if let Some(queue) = self.queue {
            job.queue = Cow::Owned(queue.into_owned());
        }
        job.priority = self.priority.unwrap_or_default();
        job.when = match (self.run_at, self.delay) {
            (Some(_), Some(_)) => return Err(refused(&"`run_at` and `delay` exclude each other")),
            (Some(instant), None) => When::At(instant.timestamp()?),
            (None, Some(delay)) => When::After(Duration::from_millis(delay)),
            (None, None) => When::Now,
        };
        job.name = self.name.map(Cow::into_owned);
        job.retries = self.retries;
        job.timeout = self.timeout.map(Duration::from_millis);
        job.tags = self.tags.map_or_else(|| Ok(Vec::new()), |tags| read(&tags.into_text()))?;
        job.metadata = self.metadata.map(|metadata| read(&metadata.into_text())).transpose()?;
        job.tenant = self.tenant.map(Cow::into_owned);
        job.user = self.user.map(Cow::into_owned);
        job.parent = self.parent;
        job.fresh = self.fresh;
        job.chain = self.chain.map_or_else(|| Ok(Vec::<Link>::new()), |chain| read(&chain.into_text()))?;
        job.check().map_err(|error| refused(&error))?;
        Ok(job)
    }
}

/// The largest number of retries that every store can keep.
const MOST_RETRIES: u32 = i32::MAX.cast_unsigned();

/// A thousand years, in milliseconds.
const LONGEST_DELAY: u64 = 1_000 * 366 * 86_400_000;

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| refused(&error))
}

/// Jobs as the contract has them. `now` is the time of the call, for a store without a clock of its own.
#[must_use]
pub fn jobs_to_text(jobs: &[NewJob], now: Option<Timestamp>) -> String {
    let jobs: Vec<JobText<'_>> = jobs.iter().map(|job| JobText::of(job, now)).collect();
    // Texts, numbers and lists always have a JSON form.
    serde_json::to_string(&jobs).unwrap_or_default()
}

/// Jobs of the contract's JSON, for a store that is not told by SQL.
pub fn jobs_from_text(text: &str) -> Result<Vec<NewJob>, StoreError> {
    let jobs: OneOrMany<JobText<'_>> = serde_json::from_str(text).map_err(|error| refused(&error))?;
    jobs.into_vec().into_iter().map(JobText::into_job).collect()
}

/// An outcome as the contract has it; `None` for one that is no completion.
#[must_use]
pub fn completion_to_text(completion: &Completion, now: Option<Timestamp>) -> Option<String> {
    let Decision::Complete { output, note } = &completion.decision else { return None };
    let outcome = OutcomeText {
        id: completion.id,
        token: completion.token,
        output: output.as_deref().map(Json::text),
        note: note.as_deref().map(Cow::Borrowed),
        started_at: Some(Instant::of(completion.started_at)),
        finished_at: now.map(Instant::of),
        followers: completion.followers.iter().map(|job| JobText::of(job, now)).collect(),
    };
    serde_json::to_string(&outcome).ok()
}

/// Outcomes of the contract's JSON, for a store that is not told by SQL. The key of the store itself is 0 in them.
pub fn completions_from_text(text: &str) -> Result<Vec<Completion>, StoreError> {
    let outcomes: OneOrMany<OutcomeText<'_>> = serde_json::from_str(text).map_err(|error| refused(&error))?;
    let read = |outcome: OutcomeText<'_>| {
        Ok(Completion {
            id: outcome.id,
            seq: 0,
            token: outcome.token,
            started_at: outcome.started_at.map_or(Ok(Timestamp::UNIX_EPOCH), |instant| instant.timestamp())?,
            decision: Decision::Complete { output: outcome.output.map(Json::into_text), note: outcome.note.map(Cow::into_owned) },
            followers: outcome.followers.into_iter().map(JobText::into_job).collect::<Result<_, _>>()?,
        })
    };
    outcomes.into_vec().into_iter().map(read).collect()
}

/// The answer to jobs, as the contract has it.
#[derive(Serialize, Deserialize)]
struct AnswerText {
    id: JobId,
    created: bool,
}

/// Reads the answer to jobs: one for each, in order.
pub fn answers(text: &str) -> Result<Vec<Enqueued>, StoreError> {
    let answers: Vec<AnswerText> = serde_json::from_str(text)
        .map_err(|error| refused(&format_args!("this is not the answer of the statement that stores jobs: {error}")))?;
    Ok(answers.into_iter().map(|AnswerText { id, created }| Enqueued { id, created }).collect())
}

/// The answer to jobs, for a store that is not told by SQL.
#[must_use]
pub fn answers_to_text(answers: &[Enqueued]) -> String {
    let answers: Vec<AnswerText> = answers.iter().map(|&Enqueued { id, created }| AnswerText { id, created }).collect();
    serde_json::to_string(&answers).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        proptest::collection::vec(any::<char>(), 0..8).prop_map(|chars| chars.into_iter().collect())
    }

    prop_compose! {
        fn job()(
            (key, payload, queue, priority) in (any::<[u8; 10]>(), text(), "[a-z]{1,9}", any::<i16>()),
            when in prop_oneof![
                Just(When::Now),
                (0_u64..1 << 40).prop_map(|millis| When::After(Duration::from_millis(millis))),
                (-1_i64 << 40..1 << 40).prop_map(|micros| When::At(Timestamp::from_microsecond(micros).unwrap())),
            ],
            (name, retries, timeout) in (proptest::option::of("[a-z]{1,9}"), proptest::option::of(0..=MOST_RETRIES), proptest::option::of(1_u64..1 << 40)),
            (tags, metadata) in (proptest::collection::vec("[a-z]{1,9}", 0..3), proptest::option::of(text())),
            (tenant, user) in (proptest::option::of(text()), proptest::option::of(text())),
            (follows, parent, fresh) in (any::<bool>(), any::<bool>(), any::<bool>()),
        ) -> NewJob {
            let id = JobId::from_parts(7, key);
            let mut job = NewJob::new("mail", serde_json::json!({ "text": payload }).to_string());
            (job.id, job.queue, job.priority, job.when, job.fresh) = (Some(id), queue.into(), priority, when, fresh);
            (job.name, job.retries, job.timeout) = (name, retries, timeout.map(Duration::from_millis));
            job.tags = tags.into_iter().map(Cow::Owned).collect();
            job.metadata = metadata.map(|text| serde_json::Map::from_iter([("key".to_owned(), serde_json::Value::from(text))]));
            (job.tenant, job.user, job.parent) = (tenant, user, parent.then_some(id));
            if follows {
                job.chain = crate::chain::from_text(Some(r#"[{"kind":"next","argument":"x"}]"#)).unwrap();
            }
            job
        }
    }

    proptest! {
        #[test]
        fn jobs_and_outcomes_come_back_as_they_were(jobs in proptest::collection::vec(job(), 0..4), token in 0_i64..1 << 60, output in text()) {
            let now = Timestamp::from_second(1_800_000_000).unwrap();
            prop_assert_eq!(&jobs_from_text(&jobs_to_text(&jobs, Some(now))).unwrap(), &jobs);
            prop_assert_eq!(&jobs_from_text(&jobs_to_text(&jobs, None)).unwrap(), &jobs);
            let decision = Decision::Complete { output: Some(output.clone()), note: Some(output) };
            let id = JobId::from_parts(1, [1; 10]);
            let completion = Completion { id, seq: 0, token, started_at: now, decision, followers: jobs };
            let read = completions_from_text(&completion_to_text(&completion, Some(now)).unwrap()).unwrap();
            prop_assert_eq!(format!("{read:?}"), format!("{:?}", [completion]));
        }

        #[test]
        fn no_text_breaks_the_reader(text in ".{0,200}") {
            let _ = (jobs_from_text(&text), completions_from_text(&text), answers(&text));
        }
    }

    #[test]
    fn one_object_is_as_good_as_a_list_and_json_as_its_text() {
        let one = jobs_from_text(r#"{"kind":"mail","payload":{"a":1},"tags":["x"],"run_at":"2030-01-01T00:00:00Z"}"#).unwrap();
        let listed =
            jobs_from_text(r#"[{"kind":"mail","payload":"{\"a\":1}","tags":"[\"x\"]","run_at":1893456000000000}]"#).unwrap();
        assert_eq!(one, listed);
    }

    #[test]
    fn what_is_unknown_or_wrong_is_refused() {
        for text in
            ["7", r#"{"kind":"a b"}"#, r#"{"kind":"a","args":{}}"#, r#"{"kind":"a","delay":1,"run_at":1}"#, r#"{"payload":{}}"#]
        {
            assert!(jobs_from_text(text).is_err(), "{text}");
        }
        assert!(completions_from_text(r#"{"id":"00000000-0000-0000-0000-000000000001","token":1,"state":"failed"}"#).is_err());
        assert!(answers("nonsense").unwrap_err().to_string().contains("this is not the answer"));
    }

    #[test]
    fn only_a_completion_has_a_form() {
        let id = JobId::from_parts(1, [1; 10]);
        let decision = Decision::HandBack;
        let completion = Completion { id, seq: 0, token: 1, started_at: Timestamp::UNIX_EPOCH, decision, followers: Vec::new() };
        assert_eq!(completion_to_text(&completion, None), None);
    }
}
