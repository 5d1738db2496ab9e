//! What the code sets: the strongest layer, judged with all the others so that its mistakes stand in the same list.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jobs_core::{Backoff, duration};

use super::layer::{Judge, Layer};
use super::resolved::Synchronous;
use super::source::Source;
use super::value::Raw;

/// What the code sets. It wins over variables and files; what is not set here is looked up there.
///
/// Nothing is checked before [`Settings::resolve`](super::Settings::resolve), which reports a wrong value with the source
/// `builder`. Setting an option again replaces it. Ranges and defaults stand in [the table](super).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    values: BTreeMap<String, Raw>,
}

impl Overrides {
    /// Sets nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets any option by its path, such as `shutdown.drain`, to a text as it would stand in a variable. `${VAR}` means nothing
    /// here.
    pub fn set(&mut self, path: impl Into<String>, text: impl Into<String>) -> &mut Self {
        self.put(path, Raw::Text(text.into()))
    }

    /// `store`: a URL such as `sqlite://jobs.db` or `memory:`.
    pub fn store(&mut self, url: impl Into<String>) -> &mut Self {
        self.set("store", url)
    }

    /// `concurrency`: jobs that run at once in this process.
    pub fn concurrency(&mut self, jobs: usize) -> &mut Self {
        self.put("concurrency", integer(jobs))
    }

    /// `queues.<name>.concurrency`: jobs of this queue that run at once in this process.
    pub fn queue(&mut self, name: &str, jobs: usize) -> &mut Self {
        self.put(format!("queues.{name}.concurrency"), integer(jobs))
    }

    /// `only_queues`: the queues this process works on, at least one.
    pub fn only_queues(&mut self, names: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.put("only_queues", Raw::List(names.into_iter().map(Into::into).collect()))
    }

    /// `lease`: how long a claimed job stays claimed without a sign of life; at least 3 times the heartbeat.
    pub fn lease(&mut self, length: Duration) -> &mut Self {
        self.put("lease", text(length))
    }

    /// `heartbeat`: how often a sign of life is given.
    pub fn heartbeat(&mut self, period: Duration) -> &mut Self {
        self.put("heartbeat", text(period))
    }

    /// `shutdown.drain`: how long running jobs may finish after the signal to stop.
    pub fn drain(&mut self, limit: Duration) -> &mut Self {
        self.put("shutdown.drain", text(limit))
    }

    /// `shutdown.grace`: how long cancelled jobs have at shutdown, before they are aborted.
    pub fn grace(&mut self, limit: Duration) -> &mut Self {
        self.put("shutdown.grace", text(limit))
    }

    /// `cancel_grace`: how long a job has between its cancellation and being aborted, outside of shutdown.
    pub fn cancel_grace(&mut self, limit: Duration) -> &mut Self {
        self.put("cancel_grace", text(limit))
    }

    /// `defaults.retries`: attempts after the first one, for kinds that do not say.
    pub fn retries(&mut self, retries: u32) -> &mut Self {
        self.put("defaults.retries", Raw::Integer(retries.into()))
    }

    /// `defaults.backoff`: the wait between attempts, for kinds that do not say.
    pub fn backoff(&mut self, backoff: &Backoff) -> &mut Self {
        self.set("defaults.backoff", backoff.to_string())
    }

    /// `defaults.timeout`: how long one attempt may run, for kinds that do not say; `None` is without limit.
    pub fn timeout(&mut self, limit: Option<Duration>) -> &mut Self {
        self.put("defaults.timeout", limit.map_or(Raw::Text("none".to_owned()), text))
    }

    /// `retention.completed`: how long completed jobs are kept.
    pub fn keep_completed(&mut self, length: Duration) -> &mut Self {
        self.put("retention.completed", text(length))
    }

    /// `retention.cancelled`: how long cancelled jobs are kept.
    pub fn keep_cancelled(&mut self, length: Duration) -> &mut Self {
        self.put("retention.cancelled", text(length))
    }

    /// `retention.failed`: how long failed jobs are kept.
    pub fn keep_failed(&mut self, length: Duration) -> &mut Self {
        self.put("retention.failed", text(length))
    }

    /// `output_limit`: the largest result of a job that is kept, in bytes.
    pub fn output_limit(&mut self, bytes: usize) -> &mut Self {
        self.put("output_limit", integer(bytes))
    }

    /// `error_limit`: how much of an error's text is kept with its job, in bytes.
    pub fn error_limit(&mut self, bytes: usize) -> &mut Self {
        self.put("error_limit", integer(bytes))
    }

    /// `worker_name`: the name of this process in the store, in logs and on the dashboard.
    pub fn worker_name(&mut self, name: impl Into<String>) -> &mut Self {
        self.set("worker_name", name)
    }

    /// `schedules`: whether this process fires schedules.
    pub fn schedules(&mut self, fire: bool) -> &mut Self {
        self.put("schedules", Raw::Flag(fire))
    }

    /// `tz`: the time zone of schedules that name none, such as `Europe/Berlin`.
    pub fn tz(&mut self, zone: impl Into<String>) -> &mut Self {
        self.set("tz", zone)
    }

    /// `sqlite.synchronous`: what survives a power cut.
    pub fn sqlite_synchronous(&mut self, synchronous: Synchronous) -> &mut Self {
        self.set("sqlite.synchronous", synchronous.as_str())
    }

    /// `sqlite.busy_timeout`: how long to wait for a lock that another process holds.
    pub fn sqlite_busy_timeout(&mut self, limit: Duration) -> &mut Self {
        self.put("sqlite.busy_timeout", text(limit))
    }

    /// `sqlite.shared`: whether the file may hold tables of something else.
    pub fn sqlite_shared(&mut self, shared: bool) -> &mut Self {
        self.put("sqlite.shared", Raw::Flag(shared))
    }

    /// `postgres.schema`: the schema that holds the tables.
    pub fn postgres_schema(&mut self, schema: impl Into<String>) -> &mut Self {
        self.set("postgres.schema", schema)
    }

    /// `postgres.pooled`: whether a pooler such as PgBouncer gives each transaction another connection.
    pub fn postgres_pooled(&mut self, pooled: bool) -> &mut Self {
        self.put("postgres.pooled", Raw::Flag(pooled))
    }

    /// `postgres.deadline`: how long one call or one attempt to connect may take.
    pub fn postgres_deadline(&mut self, limit: Duration) -> &mut Self {
        self.put("postgres.deadline", text(limit))
    }

    /// `postgres.migrate`: whether the tables are made and migrated when the store is opened.
    pub fn postgres_migrate(&mut self, migrate: bool) -> &mut Self {
        self.put("postgres.migrate", Raw::Flag(migrate))
    }

    /// `jobs.<kind>.enabled`: whether the schedules of this job fire.
    pub fn job_enabled(&mut self, kind: &str, enabled: bool) -> &mut Self {
        self.put(format!("jobs.{kind}.enabled"), Raw::Flag(enabled))
    }

    /// `jobs.<kind>.cron`: replaces the schedule of this job by a cron expression.
    pub fn job_cron(&mut self, kind: &str, expression: impl Into<String>) -> &mut Self {
        self.set(format!("jobs.{kind}.cron"), expression)
    }

    /// `jobs.<kind>.every`: replaces the schedule of this job by a period.
    pub fn job_every(&mut self, kind: &str, period: Duration) -> &mut Self {
        self.put(format!("jobs.{kind}.every"), text(period))
    }

    /// `jobs.<kind>.tz`: the time zone of this job's cron expression, such as `Europe/Berlin`.
    pub fn job_tz(&mut self, kind: &str, zone: impl Into<String>) -> &mut Self {
        self.set(format!("jobs.{kind}.tz"), zone)
    }

    /// `schedule.<key>.enabled`: whether the schedule of this key fires.
    pub fn schedule_enabled(&mut self, key: &str, enabled: bool) -> &mut Self {
        self.put(format!("schedule.{key}.enabled"), Raw::Flag(enabled))
    }

    /// `schedule.<key>.cron`: gives the schedule of this key a cron expression.
    pub fn schedule_cron(&mut self, key: &str, expression: impl Into<String>) -> &mut Self {
        self.set(format!("schedule.{key}.cron"), expression)
    }

    /// `schedule.<key>.every`: gives the schedule of this key a period.
    pub fn schedule_every(&mut self, key: &str, period: Duration) -> &mut Self {
        self.put(format!("schedule.{key}.every"), text(period))
    }

    /// `schedule.<key>.tz`: the time zone of this schedule's cron expression, such as `Europe/Berlin`.
    pub fn schedule_tz(&mut self, key: &str, zone: impl Into<String>) -> &mut Self {
        self.set(format!("schedule.{key}.tz"), zone)
    }

    fn put(&mut self, path: impl Into<String>, raw: Raw) -> &mut Self {
        self.values.insert(path.into(), raw);
        self
    }

    pub(super) fn read(self, judge: &mut Judge<'_>) -> Layer {
        let mut layer = Layer::new();
        for (path, raw) in self.values {
            judge.put(&mut layer, &path, Source::Builder, Ok(raw));
        }
        layer
    }
}

/// Only which options are set, because a value may hold a password.
impl fmt::Debug for Overrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Overrides").field(&self.values.keys()).finish()
    }
}

fn integer(number: usize) -> Raw {
    Raw::Integer(i128::try_from(number).unwrap_or(i128::MAX))
}

fn text(length: Duration) -> Raw {
    Raw::Text(duration::format(length))
}
