//! The settings of a process: one table of options, found in the code, in variables, in files, or in the table's own defaults.
//!
//! # Where a value comes from
//!
//! From strong to weak; the strongest source that sets an option wins, option by option:
//!
//! 1. the code, through the builder ([`Overrides`]);
//! 2. environment variables, `JOBS_…`;
//! 3. the file of the environment: `jobs.production.toml` beside the main file if `JOBS_ENV` is `production`, and if there is one;
//! 4. the main file: `jobs.toml` in the working folder if there is one, or the file that `JOBS_CONFIG` names, which must be there;
//! 5. the defaults below.
//!
//! [`Settings::origin`] tells where a value came from. [`Settings::resolve`] reports all mistakes of all sources at once.
//!
//! # Files
//!
//! Files are TOML of at most 1 MiB and 10,000 entries. Beside a main file of another name, `app.toml`, stands
//! `app.production.toml`. Any value may be a text in quotes: `concurrency = "16"`. In texts, `${VAR}` is the value of an
//! environment variable, `${VAR:-default}` has a default for when it is not set or empty, and `$$` is a dollar.
//!
//! ```toml
//! store = "sqlite://${DATA:-.}/jobs.db"
//! concurrency = 16
//!
//! [queues.critical]
//! concurrency = 8
//!
//! [shutdown]
//! drain = "1m"
//!
//! [jobs.clean_up]
//! cron = "0 3 * * *"
//! tz = "Europe/Berlin"
//!
//! [schedule.morning]
//! enabled = false
//! ```
//!
//! # Variables
//!
//! A variable is the option's path in capitals with `_` for each dot, after `JOBS_`: `JOBS_SHUTDOWN_DRAIN=1m`,
//! `JOBS_QUEUES_CRITICAL_CONCURRENCY=8`, `JOBS_ONLY_QUEUES=critical,default`. It can name only queues, jobs and schedules of small
//! letters, digits and `_`; others are set in a file. An empty variable counts as not set. One that begins with `JOBS_` and
//! belongs to no option is a mistake, except `JOBS_TEST_…` and what Kubernetes sets for a service named `jobs` or `jobs-…`
//! (`JOBS_PORT`, `JOBS_SERVICE_HOST` and the like).
//!
//! # Options
//!
//! | option | variable | allowed | default | meaning |
//! |---|---|---|---|---|
//! | `store` | `JOBS_STORE` | `sqlite://PATH`, `postgres://USER:PASSWORD@HOST/DATABASE` and `memory:` | `sqlite://jobs.db` | where the jobs are kept; a relative path starts at the working folder |
//! | `concurrency` | `JOBS_CONCURRENCY` | 1 to 100000 | `64` | jobs that run at once in this process |
//! | `queues.<name>.concurrency` | `JOBS_QUEUES_<NAME>_CONCURRENCY` | 1 to 100000 | the whole `concurrency` | jobs of this queue that run at once in this process |
//! | `only_queues` | `JOBS_ONLY_QUEUES` | 1 to 1000 names of queues | all queues of the registered kinds, and `default` | the queues this process works on |
//! | `lease` | `JOBS_LEASE` | 3s to 10m | `15s` | how long a claimed job stays claimed without a sign of life; at least 3 times `heartbeat` |
//! | `heartbeat` | `JOBS_HEARTBEAT` | 1s to 3m | `5s` | how often a sign of life is given |
//! | `shutdown.drain` | `JOBS_SHUTDOWN_DRAIN` | 0s to 1h | `25s` | how long running jobs may finish after the signal to stop, before they are cancelled |
//! | `shutdown.grace` | `JOBS_SHUTDOWN_GRACE` | 0s to 5m | `2s` | how long cancelled jobs have at shutdown, before they are aborted |
//! | `cancel_grace` | `JOBS_CANCEL_GRACE` | 0s to 10m | `5s` | how long a job has between its cancellation and being aborted, outside of shutdown |
//! | `defaults.retries` | `JOBS_DEFAULTS_RETRIES` | 0 to 1000 | `10` | attempts after the first one, for kinds that do not say |
//! | `defaults.backoff` | `JOBS_DEFAULTS_BACKOFF` | `exponential 10s to 6h`, `linear 30s to 1h`, `fixed 30s` and lists such as `1m, 5m` | `exponential 10s to 6h` | the wait between attempts, for kinds that do not say |
//! | `defaults.timeout` | `JOBS_DEFAULTS_TIMEOUT` | 1ms to 30d and `none` | `none` | how long one attempt may run, for kinds that do not say |
//! | `retention.completed` | `JOBS_RETENTION_COMPLETED` | 0s to 3650d | `1d` | how long completed jobs are kept |
//! | `retention.cancelled` | `JOBS_RETENTION_CANCELLED` | 0s to 3650d | `1d` | how long cancelled jobs are kept |
//! | `retention.failed` | `JOBS_RETENTION_FAILED` | 0s to 3650d | `30d` | how long failed jobs are kept |
//! | `output_limit` | `JOBS_OUTPUT_LIMIT` | 0B to 16MiB | `64KiB` | the largest result of a job that is kept, in bytes |
//! | `error_limit` | `JOBS_ERROR_LIMIT` | 256B to 1MiB | `8KiB` | how much of an error's text is kept with its job, in bytes |
//! | `worker_name` | `JOBS_WORKER_NAME` | 1 to 128 bytes without control characters | the host's name and the process id | the name of this process in the store, in logs and on the dashboard |
//! | `schedules` | `JOBS_SCHEDULES` | `true` and `false` | `true` | `false`: this process fires no schedules |
//! | `tz` | `JOBS_TZ` | IANA names such as `Europe/Berlin`, `UTC` and `local` | `UTC` | the time zone of schedules that name none |
//! | `sqlite.synchronous` | `JOBS_SQLITE_SYNCHRONOUS` | `full` and `normal` | `full` | `full`: a confirmed job survives a power cut; `normal`: a crash of the process only, and faster |
//! | `sqlite.busy_timeout` | `JOBS_SQLITE_BUSY_TIMEOUT` | 100ms to 10m | `1m` | how long to wait for a lock that another process holds |
//! | `sqlite.shared` | `JOBS_SQLITE_SHARED` | `true` and `false` | `false` | `true`: the file may hold tables of something else, so that one transaction can write to them and to the jobs |
//! | `postgres.schema` | `JOBS_POSTGRES_SCHEMA` | 1 to 128 bytes without control characters | `jobs` | the schema that holds the tables; made if it is missing and the role may |
//! | `postgres.pooled` | `JOBS_POSTGRES_POOLED` | `true` and `false` | `false` | `true`: a pooler such as PgBouncer gives each transaction another connection; news are looked for once a second |
//! | `postgres.deadline` | `JOBS_POSTGRES_DEADLINE` | 1s to 10m | `30s` | how long one call or one attempt to connect may take |
//! | `postgres.migrate` | `JOBS_POSTGRES_MIGRATE` | `true` and `false` | `true` | `false`: the tables are never made or changed, only used |
//! | `jobs.<kind>.enabled` | `JOBS_JOBS_<KIND>_ENABLED` | `true` and `false` | `true` | `false`: no schedule of this job fires |
//! | `jobs.<kind>.cron` | `JOBS_JOBS_<KIND>_CRON` | cron expressions such as `0 2 * * *`, and `@once` | what the code says | replaces the schedule of this job by a cron expression |
//! | `jobs.<kind>.every` | `JOBS_JOBS_<KIND>_EVERY` | 1s to 366d | what the code says | replaces the schedule of this job by a period |
//! | `jobs.<kind>.tz` | `JOBS_JOBS_<KIND>_TZ` | IANA names such as `Europe/Berlin`, `UTC` and `local` | what the code says | the time zone of this job's cron expression |
//! | `schedule.<key>.enabled` | `JOBS_SCHEDULE_<KEY>_ENABLED` | `true` and `false` | `true` | `false`: the schedule of this key does not fire |
//! | `schedule.<key>.cron` | `JOBS_SCHEDULE_<KEY>_CRON` | cron expressions such as `0 2 * * *`, and `@once` | what the code says | gives the schedule of this key a cron expression |
//! | `schedule.<key>.every` | `JOBS_SCHEDULE_<KEY>_EVERY` | 1s to 366d | what the code says | gives the schedule of this key a period |
//! | `schedule.<key>.tz` | `JOBS_SCHEDULE_<KEY>_TZ` | IANA names such as `Europe/Berlin`, `UTC` and `local` | what the code says | the time zone of this schedule's cron expression |
//!
//! Durations are written `30s`, `1h30m`, `1d` (see [`jobs_core::duration`]), sizes `65536`, `64KiB`, `1MiB`. `cron` and `every`
//! of a schedule replace each other: the one in the stronger source holds, and both in one source is a mistake.
//!
//! `jobs.<kind>` is said of the kind's schedule without a key, or of its only one, `schedule.<key>` of the schedule whose `key = ".."`
//! stands in the code. Where both are said of one schedule, its key is the nearer. A name that the program does not have is a mistake
//! at its start ([more of it](crate::guide::schedules#by-environment)).
//!
//! # What lives where
//!
//! `options` is the table, `value` reads one value, `layer` one source; `file` (with `interpolate`), `variables` and `overrides`
//! are the sources, `resolve` puts them together, and [`Settings`] is the result. Nothing here asks the process or the disk for
//! anything: [`Sources`] brings it all.

mod error;
mod file;
mod interpolate;
mod layer;
mod options;
mod overrides;
mod resolve;
mod resolved;
mod secret;
mod source;
mod sources;
mod store_url;
mod suggest;
#[cfg(test)]
mod tests;
mod value;
mod variables;

pub use self::error::{Mistake, SettingsError};
pub use self::options::{OPTIONS, Opt, markdown};
pub use self::overrides::Overrides;
pub use self::resolved::{QueueSettings, ScheduleSettings, Settings, Synchronous};
pub use self::source::Source;
pub use self::sources::{ReadFile, ReadZone, Sources};
pub use self::store_url::StoreUrl;
