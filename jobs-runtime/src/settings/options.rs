//! The one table of options: files, variables, the builder, did-you-mean, defaults and the docs all read it.

use std::time::Duration;

use jobs_core::duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// One option: a row of [`OPTIONS`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Opt {
    /// Its place in the file, such as `shutdown.drain`. A part in angle brackets stands for any name.
    pub path: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
    pub(super) shape: Shape,
    pub(super) fallback: Fallback,
}

/// What a value of an option looks like, and its two ends.
#[derive(Debug)]
pub(super) enum Shape {
    Store,
    Flag,
    Number {
        min: u64,
        max: u64,
    },
    Size {
        min: u64,
        max: u64,
    },
    Duration {
        min: Duration,
        max: Duration,
    },
    /// A duration, or `none`.
    Limit {
        min: Duration,
        max: Duration,
    },
    Word(&'static [&'static str]),
    /// Any text of 1 to [`Shape::LABEL`] bytes.
    Label,
    Queues,
    Backoff,
    Cron,
    Every,
    Zone,
}

/// What holds when nobody sets an option.
#[derive(Debug)]
pub(super) enum Fallback {
    /// This text, as if it stood in a file.
    Value(&'static str),
    /// No value, and what that means.
    Nothing(&'static str),
}

/// All options, in the order of the documentation.
pub static OPTIONS: [Opt; 35] = [
    row("store", Shape::Store, "sqlite://jobs.db", "where the jobs are kept; a relative path starts at the working folder"),
    row("concurrency", number(1, 100_000), "64", "jobs that run at once in this process"),
    optional(
        "queues.<name>.concurrency",
        number(1, 100_000),
        "the whole `concurrency`",
        "jobs of this queue that run at once in this process",
    ),
    optional(
        "only_queues",
        Shape::Queues,
        "all queues of the registered kinds, and `default`",
        "the queues this process works on",
    ),
    row(
        "lease",
        seconds(3, 10 * MINUTE),
        "15s",
        "how long a claimed job stays claimed without a sign of life; at least 3 times `heartbeat`",
    ),
    row("heartbeat", seconds(1, 3 * MINUTE), "5s", "how often a sign of life is given"),
    row(
        "shutdown.drain",
        seconds(0, HOUR),
        "25s",
        "how long running jobs may finish after the signal to stop, before they are cancelled",
    ),
    row("shutdown.grace", seconds(0, 5 * MINUTE), "2s", "how long cancelled jobs have at shutdown, before they are aborted"),
    row(
        "cancel_grace",
        seconds(0, 10 * MINUTE),
        "5s",
        "how long a job has between its cancellation and being aborted, outside of shutdown",
    ),
    row("defaults.retries", number(0, 1_000), "10", "attempts after the first one, for kinds that do not say"),
    row("defaults.backoff", Shape::Backoff, "exponential 10s to 6h", "the wait between attempts, for kinds that do not say"),
    row(
        "defaults.timeout",
        Shape::Limit { min: Duration::from_millis(1), max: Duration::from_secs(30 * DAY) },
        "none",
        "how long one attempt may run, for kinds that do not say",
    ),
    row("retention.completed", seconds(0, 3650 * DAY), "1d", "how long completed jobs are kept"),
    row("retention.cancelled", seconds(0, 3650 * DAY), "1d", "how long cancelled jobs are kept"),
    row("retention.failed", seconds(0, 3650 * DAY), "30d", "how long failed jobs are kept"),
    row("output_limit", Shape::Size { min: 0, max: 16 * MIB }, "64KiB", "the largest result of a job that is kept, in bytes"),
    row("error_limit", Shape::Size { min: 256, max: MIB }, "8KiB", "how much of an error's text is kept with its job, in bytes"),
    optional(
        "worker_name",
        Shape::Label,
        "the host's name and the process id",
        "the name of this process in the store, in logs and on the dashboard",
    ),
    row("schedules", Shape::Flag, "true", "`false`: this process fires no schedules"),
    row("tz", Shape::Zone, "UTC", "the time zone of schedules that name none"),
    row(
        "sqlite.synchronous",
        Shape::Word(&["full", "normal"]),
        "full",
        "`full`: a confirmed job survives a power cut; `normal`: a crash of the process only, and faster",
    ),
    row(
        "sqlite.busy_timeout",
        Shape::Duration { min: Duration::from_millis(100), max: Duration::from_secs(10 * MINUTE) },
        "1m",
        "how long to wait for a lock that another process holds",
    ),
    row(
        "sqlite.shared",
        Shape::Flag,
        "false",
        "`true`: the file may hold tables of something else, so that one transaction can write to them and to the jobs",
    ),
    row("postgres.schema", Shape::Label, "jobs", "the schema that holds the tables; made if it is missing and the role may"),
    row(
        "postgres.pooled",
        Shape::Flag,
        "false",
        "`true`: a pooler such as PgBouncer gives each transaction another connection; news are looked for once a second",
    ),
    row("postgres.deadline", seconds(1, 10 * MINUTE), "30s", "how long one call or one attempt to connect may take"),
    row("postgres.migrate", Shape::Flag, "true", "`false`: the tables are never made or changed, only used"),
    row("jobs.<kind>.enabled", Shape::Flag, "true", "`false`: no schedule of this job fires"),
    optional("jobs.<kind>.cron", Shape::Cron, "what the code says", "replaces the schedule of this job by a cron expression"),
    optional("jobs.<kind>.every", Shape::Every, "what the code says", "replaces the schedule of this job by a period"),
    optional("jobs.<kind>.tz", Shape::Zone, "what the code says", "the time zone of this job's cron expression"),
    row("schedule.<key>.enabled", Shape::Flag, "true", "`false`: the schedule of this key does not fire"),
    optional("schedule.<key>.cron", Shape::Cron, "what the code says", "gives the schedule of this key a cron expression"),
    optional("schedule.<key>.every", Shape::Every, "what the code says", "gives the schedule of this key a period"),
    optional("schedule.<key>.tz", Shape::Zone, "what the code says", "the time zone of this schedule's cron expression"),
];

const fn row(path: &'static str, shape: Shape, default: &'static str, meaning: &'static str) -> Opt {
    Opt { path, meaning, shape, fallback: Fallback::Value(default) }
}

const fn optional(path: &'static str, shape: Shape, absent: &'static str, meaning: &'static str) -> Opt {
    Opt { path, meaning, shape, fallback: Fallback::Nothing(absent) }
}

const fn number(min: u64, max: u64) -> Shape {
    Shape::Number { min, max }
}

const fn seconds(min: u64, max: u64) -> Shape {
    Shape::Duration { min: Duration::from_secs(min), max: Duration::from_secs(max) }
}

impl Opt {
    /// The environment variable that sets it: the path in capitals, with `_` between its parts, after `JOBS_`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("JOBS_{}", self.path.replace('.', "_").to_ascii_uppercase())
    }

    /// The values it takes, in words.
    #[must_use]
    pub fn allowed(&self) -> String {
        self.shape.allowed()
    }

    /// What holds when nobody sets it, in words.
    #[must_use]
    pub const fn default(&self) -> &'static str {
        match self.fallback {
            Fallback::Value(text) | Fallback::Nothing(text) => text,
        }
    }

    /// What stands before and behind the name, and whose name it is, if a name is part of the path.
    pub(super) fn around_name(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let (before, rest) = self.path.split_once('<')?;
        let (placeholder, behind) = rest.split_once('>')?;
        let whose = match placeholder {
            "kind" => "job",
            "key" => "schedule",
            _ => "queue",
        };
        Some((before, behind, whose))
    }
}

impl Shape {
    /// The longest [`Label`](Self::Label), in bytes.
    pub(super) const LABEL: usize = 128;
    /// The longest list of [`Queues`](Self::Queues).
    pub(super) const QUEUES: usize = 1_000;

    pub(super) fn allowed(&self) -> String {
        let range = |min: &Duration, max: &Duration| format!("{} to {}", duration::format(*min), duration::format(*max));
        match self {
            Self::Store => "`sqlite://PATH`, `postgres://USER:PASSWORD@HOST/DATABASE` and `memory:`".to_owned(),
            Self::Flag => "`true` and `false`".to_owned(),
            Self::Number { min, max } => format!("{min} to {max}"),
            Self::Size { min, max } => format!("{} to {}", size(*min), size(*max)),
            Self::Duration { min, max } => range(min, max),
            Self::Limit { min, max } => format!("{} and `none`", range(min, max)),
            Self::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" and "),
            Self::Label => format!("1 to {} bytes without control characters", Self::LABEL),
            Self::Queues => format!("1 to {} names of queues", Self::QUEUES),
            Self::Backoff => "`exponential 10s to 6h`, `linear 30s to 1h`, `fixed 30s` and lists such as `1m, 5m`".to_owned(),
            Self::Cron => "cron expressions such as `0 2 * * *`, and `@once`".to_owned(),
            Self::Every => "1s to 366d".to_owned(),
            Self::Zone => "IANA names such as `Europe/Berlin`, `UTC` and `local`".to_owned(),
        }
    }
}

/// A number of bytes in the largest unit that divides it.
fn size(bytes: u64) -> String {
    match bytes {
        0 => "0B".to_owned(),
        _ if bytes.is_multiple_of(MIB) => format!("{}MiB", bytes / MIB),
        _ if bytes.is_multiple_of(KIB) => format!("{}KiB", bytes / KIB),
        _ => format!("{bytes}B"),
    }
}

/// The option of this path, and the name that stands in it.
pub(super) fn find(path: &str) -> Option<(&'static Opt, Option<&str>)> {
    OPTIONS.iter().find_map(|option| match option.around_name() {
        None => (option.path == path).then_some((option, None)),
        Some((before, behind, _)) => Some((option, Some(path.strip_prefix(before)?.strip_suffix(behind)?))),
    })
}

/// The table as Markdown, one line an option: what the documentation of this module shows.
#[must_use]
pub fn markdown() -> String {
    let row = |option: &Opt| {
        let default = match option.fallback {
            Fallback::Value(value) => format!("`{value}`"),
            Fallback::Nothing(words) => words.to_owned(),
        };
        let cells = [
            format!("`{}`", option.path),
            format!("`{}`", option.variable()),
            option.allowed(),
            default,
            option.meaning.to_owned(),
        ];
        format!("| {} |\n", cells.join(" | "))
    };
    let head = "| option | variable | allowed | default | meaning |\n|---|---|---|---|---|\n";
    OPTIONS.iter().map(row).fold(head.to_owned(), |text, row| text + &row)
}
