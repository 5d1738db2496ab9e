//! The settings as the engine uses them: every value of its own type, and where it came from.

use std::collections::BTreeMap;
use std::time::Duration;

use jobs_core::Backoff;
use jobs_core::schedule::{Spec, Zone};
use jobs_core::store::Retention;

use super::layer::{Entry, Layer};
use super::source::Source;
use super::store_url::StoreUrl;
use super::value::Value;

/// All settings of one process. `Debug` masks passwords. Ranges and defaults stand in [the table](super).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Settings {
    /// `store`: where the jobs are kept.
    pub store: StoreUrl,
    /// `concurrency`: jobs that run at once in this process.
    pub concurrency: usize,
    /// `queues.<name>`: the queues that have settings of their own, by name.
    pub queues: BTreeMap<String, QueueSettings>,
    /// `only_queues`: the queues this process works on, each once; `None` is all queues of the registered kinds, and `default`.
    pub only_queues: Option<Vec<String>>,
    /// `lease`: how long a claimed job stays claimed without a sign of life; at least 3 times `heartbeat`.
    pub lease: Duration,
    /// `heartbeat`: how often a sign of life is given.
    pub heartbeat: Duration,
    /// `shutdown.drain`: how long running jobs may finish after the signal to stop, before they are cancelled.
    pub drain: Duration,
    /// `shutdown.grace`: how long cancelled jobs have at shutdown, before they are aborted.
    pub grace: Duration,
    /// `cancel_grace`: how long a job has between its cancellation and being aborted, outside of shutdown.
    pub cancel_grace: Duration,
    /// `defaults.retries`: attempts after the first one, for kinds that do not say.
    pub retries: u32,
    /// `defaults.backoff`: the wait between attempts, for kinds that do not say.
    pub backoff: Backoff,
    /// `defaults.timeout`: how long one attempt may run, for kinds that do not say; `None` is without limit.
    pub timeout: Option<Duration>,
    /// `retention`: how long finished jobs are kept.
    pub retention: Retention,
    /// `output_limit`: the largest result of a job that is kept, in bytes.
    pub output_limit: usize,
    /// `error_limit`: how much of an error's text is kept with its job, in bytes.
    pub error_limit: usize,
    /// `worker_name`: the name of this process; `None` is the host's name and the process id.
    pub worker_name: Option<String>,
    /// `schedules`: whether this process fires schedules.
    pub schedules: bool,
    /// `tz`: the zone of schedules that name none.
    pub zone: Zone,
    /// `sqlite.synchronous`: what survives a power cut.
    pub sqlite_synchronous: Synchronous,
    /// `sqlite.busy_timeout`: how long to wait for a lock that another process holds.
    pub sqlite_busy_timeout: Duration,
    /// `sqlite.shared`: whether the file may hold tables of something else.
    pub sqlite_shared: bool,
    /// `postgres.schema`: the schema that holds the tables.
    pub postgres_schema: String,
    /// `postgres.pooled`: whether a pooler gives each transaction another connection.
    pub postgres_pooled: bool,
    /// `postgres.deadline`: how long one call or one attempt to connect may take.
    pub postgres_deadline: Duration,
    /// `postgres.migrate`: whether the tables are made and migrated.
    pub postgres_migrate: bool,
    /// `jobs.<kind>`: the jobs whose schedules are replaced or switched off, by kind. That there are such kinds is checked at start.
    pub jobs: BTreeMap<String, ScheduleSettings>,
    /// `schedule.<key>`: the schedules that are given other times or switched off, by key. That there are such keys is checked at start.
    pub schedule: BTreeMap<String, ScheduleSettings>,
    /// The files that were read, the stronger one last.
    pub files: Vec<String>,
    origins: BTreeMap<String, Source>,
}

/// The settings of one queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueSettings {
    /// Jobs of this queue that run at once in this process; `None` is the whole `concurrency`.
    pub concurrency: Option<usize>,
}

/// What the settings change about the schedule of a kind of job, or of a key.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScheduleSettings {
    /// `false`: it does not fire.
    pub enabled: bool,
    /// Its times, from `cron` or `every`, instead of the one in the code.
    pub schedule: Option<Spec>,
    /// The zone of its cron expression, instead of the one in the code.
    pub zone: Option<Zone>,
}

/// What survives a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Synchronous {
    /// Everything that was confirmed.
    Full,
    /// All but the last moments; a crash of the process alone loses nothing. Faster.
    Normal,
}

impl Synchronous {
    /// The word in the settings: `full` or `normal`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Normal => "normal",
        }
    }
}

impl Settings {
    /// Where the value of an option came from, such as `shutdown.drain`; the default if nobody set it.
    #[must_use]
    pub fn origin(&self, path: &str) -> &Source {
        self.origins.get(path).unwrap_or(&Source::Default)
    }

    /// The options that somebody set, by path, and where.
    pub fn origins(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.origins.iter().map(|(path, source)| (path.as_str(), source))
    }

    /// How many jobs of a queue run at once in this process: its own number, at most the whole `concurrency`.
    #[must_use]
    pub fn queue_concurrency(&self, queue: &str) -> usize {
        let own = self.queues.get(queue).and_then(|queue| queue.concurrency);
        own.map_or(self.concurrency, |own| own.min(self.concurrency))
    }

    /// The settings from all options; `None` if one is missing or wrong.
    pub(super) fn from_options(options: &Layer, files: Vec<String>) -> Option<Self> {
        let get = |path: &str| options.get(path)?.value.as_ref();
        let length = |path| match get(path)? {
            Value::Duration(length) => Some(*length),
            _ => None,
        };
        let size = |path| usize::try_from(number(get(path)?)?).ok();
        let flag = |path: &str| match get(path)? {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        };
        Some(Self {
            store: match get("store")? {
                Value::Store(url) => url.clone(),
                _ => return None,
            },
            concurrency: size("concurrency")?,
            queues: queues(options)?,
            only_queues: match get("only_queues") {
                Some(Value::Queues(names)) => Some(names.clone()),
                _ => None,
            },
            lease: length("lease")?,
            heartbeat: length("heartbeat")?,
            drain: length("shutdown.drain")?,
            grace: length("shutdown.grace")?,
            cancel_grace: length("cancel_grace")?,
            retries: u32::try_from(number(get("defaults.retries")?)?).ok()?,
            backoff: match get("defaults.backoff")? {
                Value::Backoff(backoff) => backoff.clone(),
                _ => return None,
            },
            timeout: match get("defaults.timeout")? {
                Value::Unlimited => None,
                Value::Duration(limit) => Some(*limit),
                _ => return None,
            },
            retention: Retention {
                completed: length("retention.completed")?,
                cancelled: length("retention.cancelled")?,
                failed: length("retention.failed")?,
            },
            output_limit: size("output_limit")?,
            error_limit: size("error_limit")?,
            worker_name: match get("worker_name") {
                Some(Value::Text(name)) => Some(name.clone()),
                _ => None,
            },
            schedules: flag("schedules")?,
            zone: match get("tz")? {
                Value::Zone(zone) => zone.clone(),
                _ => return None,
            },
            sqlite_synchronous: match get("sqlite.synchronous")? {
                Value::Text(word) if word == Synchronous::Normal.as_str() => Synchronous::Normal,
                Value::Text(_) => Synchronous::Full,
                _ => return None,
            },
            sqlite_busy_timeout: length("sqlite.busy_timeout")?,
            sqlite_shared: flag("sqlite.shared")?,
            postgres_schema: match get("postgres.schema")? {
                Value::Text(schema) => schema.clone(),
                _ => return None,
            },
            postgres_pooled: flag("postgres.pooled")?,
            postgres_deadline: length("postgres.deadline")?,
            postgres_migrate: flag("postgres.migrate")?,
            jobs: schedules(options, "jobs."),
            schedule: schedules(options, "schedule."),
            files,
            origins: origins(options),
        })
    }
}

/// What [`Settings::resolve`] gives without files, variables and overrides.
impl Default for Settings {
    fn default() -> Self {
        Self::resolve(super::Overrides::new(), &super::Sources::none()).expect("the defaults in the table are valid")
    }
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

fn queues(options: &Layer) -> Option<BTreeMap<String, QueueSettings>> {
    let own = options.values().filter(|entry| entry.option.path == "queues.<name>.concurrency");
    own.map(|entry| {
        let concurrency = Some(usize::try_from(number(entry.value.as_ref()?)?).ok()?);
        Some((entry.name.clone()?, QueueSettings { concurrency }))
    })
    .collect()
}

/// What is said of schedules in the options of a family.
fn schedules(options: &Layer, family: &str) -> BTreeMap<String, ScheduleSettings> {
    let mut schedules = BTreeMap::new();
    for Entry { option, name, value, .. } in options.values() {
        let Some(name) = name.as_ref().filter(|_| option.path.starts_with(family)) else { continue };
        let found = schedules.entry(name.clone());
        let schedule = found.or_insert(ScheduleSettings { enabled: true, schedule: None, zone: None });
        match value {
            Some(Value::Flag(enabled)) => schedule.enabled = *enabled,
            Some(Value::Schedule(spec)) => schedule.schedule = Some(*spec),
            Some(Value::Zone(zone)) => schedule.zone = Some(zone.clone()),
            _ => {}
        }
    }
    schedules
}

fn origins(options: &Layer) -> BTreeMap<String, Source> {
    let set = options.iter().filter(|(_, entry)| entry.source != Source::Default);
    set.map(|(path, entry)| (path.clone(), entry.source.clone())).collect()
}
