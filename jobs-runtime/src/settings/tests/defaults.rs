//! Every default, and the documentation of the table.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jobs_core::Backoff;

use crate::settings::{OPTIONS, Opt, ScheduleSettings, Settings, Source, StoreUrl, Synchronous, markdown};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn nothing_set_gives_every_default() {
    let settings = Settings::default();
    let s = Duration::from_secs;
    assert_eq!(settings.store, StoreUrl::Sqlite("jobs.db".into()));
    assert_eq!(settings.concurrency, 64);
    assert_eq!(settings.queues, BTreeMap::new());
    assert_eq!(settings.queue_concurrency("any"), 64);
    assert_eq!(settings.only_queues, None);
    assert_eq!((settings.lease, settings.heartbeat), (s(15), s(5)));
    assert_eq!((settings.drain, settings.grace, settings.cancel_grace), (s(25), s(2), s(5)));
    assert_eq!((settings.retries, settings.backoff.clone(), settings.timeout), (10, Backoff::DEFAULT, None));
    let retention = settings.retention;
    assert_eq!((retention.completed, retention.cancelled, retention.failed), (DAY, DAY, DAY * 30));
    assert_eq!((settings.output_limit, settings.error_limit), (65_536, 8_192));
    assert_eq!(settings.worker_name, None);
    assert!(settings.schedules);
    assert_eq!((settings.sqlite_synchronous, settings.sqlite_busy_timeout), (Synchronous::Full, s(60)));
    assert_eq!((&*settings.postgres_schema, settings.postgres_deadline), ("jobs", s(30)));
    assert!(settings.postgres_migrate && !settings.postgres_pooled);
    assert_eq!(settings.zone.name(), "UTC");
    assert!(settings.jobs.is_empty() && settings.schedule.is_empty());
    assert_eq!(settings.files, Vec::<String>::new());
    assert_eq!(settings.origins().count(), 0);
    assert_eq!(settings.origin("lease"), &Source::Default);
}

#[test]
fn a_job_is_enabled_unless_the_settings_say_no() {
    let settings = super::from_file("[jobs.a]\nevery = \"5m\"\n").unwrap();
    assert!(matches!(settings.jobs["a"], ScheduleSettings { enabled: true, schedule: Some(_), zone: None }));
    let row = OPTIONS.iter().find(|option| option.path == "jobs.<kind>.enabled");
    assert_eq!(row.map(Opt::default), Some("true"));
}

#[test]
fn the_documentation_shows_the_table() {
    let lines = include_str!("../mod.rs").lines().filter_map(|line| line.strip_prefix("//! "));
    let shown = lines.filter(|line| line.starts_with('|')).fold(String::new(), |text, line| text + line + "\n");
    assert_eq!(shown, markdown(), "the table in mod.rs is to be:\n{}", markdown().replace("\n|", "\n//! |"));
}

#[test]
fn no_two_options_share_a_path_or_a_variable() {
    let paths: BTreeSet<&str> = OPTIONS.iter().map(|option| option.path).collect();
    let variables: BTreeSet<String> = OPTIONS.iter().map(Opt::variable).collect();
    assert_eq!((paths.len(), variables.len()), (OPTIONS.len(), OPTIONS.len()));
}
