//! Which source wins, which files are read, and where a value came from.

use std::time::Duration;

use jobs_core::schedule::Spec;

use super::{from_file, listed, resolve, sources};
use crate::settings::{Overrides, Settings, StoreUrl, Synchronous};

#[test]
fn the_stronger_source_wins_option_by_option() {
    let main = "concurrency = 1\nlease = \"1m\"\noutput_limit = 1\nerror_limit = 300\n";
    let overlay = "\nconcurrency = 2\nlease = \"2m\"\noutput_limit = 2\n";
    let sources = sources(
        &[("JOBS_ENV", "production"), ("JOBS_CONCURRENCY", "3"), ("JOBS_LEASE", "3m")],
        &[("jobs.toml", main), ("jobs.production.toml", overlay)],
    );
    let mut overrides = Overrides::new();
    overrides.concurrency(9).concurrency(4);
    let settings = Settings::resolve(overrides, &sources).unwrap();
    assert_eq!((settings.concurrency, settings.lease), (4, Duration::from_secs(180)));
    assert_eq!((settings.output_limit, settings.error_limit), (2, 300));
    for (path, source) in [
        ("concurrency", "builder"),
        ("lease", "JOBS_LEASE"),
        ("output_limit", "jobs.production.toml:4"),
        ("error_limit", "jobs.toml:4"),
        ("heartbeat", "default"),
        ("no.option", "default"),
    ] {
        assert_eq!(settings.origin(path).to_string(), source, "{path}");
    }
    assert_eq!(settings.files, ["jobs.toml", "jobs.production.toml"]);
    assert_eq!(settings.origins().count(), 4);
}

#[test]
fn config_and_env_choose_the_files() {
    let files = [
        ("jobs.toml", "concurrency = 1"),
        ("jobs.test.toml", "concurrency = 2"),
        ("conf/app.toml", "concurrency = 3"),
        ("conf/app.test.toml", "concurrency = 4"),
    ];
    for (variables, read) in [
        (&[] as &[(&str, &str)], &["jobs.toml"] as &[&str]),
        (&[("JOBS_ENV", "test")], &["jobs.toml", "jobs.test.toml"]),
        (&[("JOBS_ENV", "other")], &["jobs.toml"]),
        (&[("JOBS_ENV", ""), ("JOBS_CONFIG", "")], &["jobs.toml"]),
        (&[("JOBS_CONFIG", "conf/app.toml")], &["conf/app.toml"]),
        (&[("JOBS_CONFIG", "/app/conf/app.toml")], &["/app/conf/app.toml"]),
        (&[("JOBS_CONFIG", "conf/app.toml"), ("JOBS_ENV", "test")], &["conf/app.toml", "conf/app.test.toml"]),
    ] {
        assert_eq!(resolve(variables, &files).unwrap().files, read, "{variables:?}");
    }
    let overlay_alone = resolve(&[("JOBS_ENV", "test")], &[("jobs.test.toml", "concurrency = 2")]).unwrap();
    assert_eq!(overlay_alone.concurrency, 2);
}

#[test]
fn variables_stand_in_the_texts_of_a_file() {
    let text = "store = \"sqlite://${DATA}/jobs.db\"\nconcurrency = \"${N:-8}\"\nworker_name = \"$$1\"\nonly_queues = [\"${Q}\", \"b\"]\n";
    let settings = resolve(&[("DATA", "/data"), ("Q", "a")], &[("jobs.toml", text)]).unwrap();
    assert_eq!(settings.store, StoreUrl::Sqlite("/data/jobs.db".into()));
    assert_eq!((settings.concurrency, settings.worker_name.as_deref()), (8, Some("$1")));
    assert_eq!(settings.only_queues, Some(vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn queues_have_their_own_number_within_the_whole() {
    let text = "concurrency = 10\n[queues.\"billing/eu.v2\"]\nconcurrency = 3\n[queues.big]\nconcurrency = 50\n";
    let settings = resolve(&[("JOBS_QUEUES_CRITICAL_CONCURRENCY", "8")], &[("jobs.toml", text)]).unwrap();
    for (queue, concurrency) in [("billing/eu.v2", 3), ("critical", 8), ("big", 10), ("default", 10)] {
        assert_eq!(settings.queue_concurrency(queue), concurrency, "{queue}");
    }
    assert_eq!(settings.queues["big"].concurrency, Some(50));
    assert_eq!(settings.origin("queues.billing/eu.v2.concurrency").to_string(), "jobs.toml:3");
}

#[test]
fn a_job_takes_its_schedule_from_the_strongest_source_that_has_one() {
    let every = |text| Some(Spec::parse_every(text).unwrap());
    let cron = |text| Some(Spec::parse_cron(text).unwrap());
    let file = "[jobs.a]\ncron = \"0 2 * * *\"\ntz = \"UTC\"\n[jobs.b]\nevery = \"5m\"\n[jobs.c]\nenabled = false\n";
    let variables = [("JOBS_JOBS_A_EVERY", "1h"), ("JOBS_JOBS_B_CRON", "@once"), ("JOBS_JOBS_B_TZ", "UTC")];
    let plain = from_file(file).unwrap();
    assert_eq!((plain.jobs["a"].schedule, plain.jobs["b"].schedule), (cron("0 2 * * *"), every("5m")));
    assert!(plain.jobs["a"].zone.is_some());
    let settings = resolve(&variables, &[("jobs.toml", file)]).unwrap();
    assert_eq!((settings.jobs["a"].schedule, settings.jobs["b"].schedule), (every("1h"), cron("@once")));
    assert!(settings.jobs["a"].zone.is_none() && settings.jobs["b"].zone.is_some());
    assert!(!settings.jobs["c"].enabled && settings.jobs["c"].schedule.is_none());
    assert_eq!(settings.origin("jobs.a.every").to_string(), "JOBS_JOBS_A_EVERY");
    assert_eq!(settings.origin("jobs.a.cron").to_string(), "default");
}

#[test]
fn every_setter_of_the_builder_sets_its_option() {
    let s = Duration::from_secs;
    let mut overrides = Overrides::new();
    overrides
        .store("memory:")
        .concurrency(2)
        .queue("a.b", 1)
        .only_queues(["a.b"])
        .lease(s(30))
        .heartbeat(s(6))
        .drain(s(1))
        .grace(s(3))
        .cancel_grace(s(4))
        .retries(7)
        .backoff(&jobs_core::Backoff::Fixed(s(9)))
        .timeout(Some(s(60)))
        .keep_completed(s(11))
        .keep_cancelled(s(12))
        .keep_failed(s(13))
        .output_limit(14)
        .error_limit(1_015)
        .worker_name("w")
        .schedules(false)
        .sqlite_synchronous(Synchronous::Normal)
        .sqlite_busy_timeout(s(16))
        .job_enabled("j", false)
        .job_cron("j", "@once")
        .job_tz("j", "UTC")
        .job_every("k", s(5))
        .tz("europe/berlin")
        .schedule_enabled("x", false)
        .schedule_cron("x", "@daily")
        .schedule_tz("x", "UTC")
        .schedule_every("y", s(6));
    let settings = Settings::resolve(overrides, &sources(&[], &[])).unwrap();
    assert_eq!(settings.origins().count(), 30);
    assert!(settings.origins().all(|(_, source)| source.to_string() == "builder"));
    assert_eq!((&settings.store, settings.concurrency, settings.queue_concurrency("a.b")), (&StoreUrl::Memory, 2, 1));
    assert_eq!(settings.only_queues, Some(vec!["a.b".to_owned()]));
    assert_eq!((settings.lease, settings.heartbeat, settings.drain), (s(30), s(6), s(1)));
    assert_eq!((settings.grace, settings.cancel_grace, settings.timeout), (s(3), s(4), Some(s(60))));
    assert_eq!((settings.retries, settings.backoff.to_string().as_str()), (7, "fixed 9s"));
    let retention = settings.retention;
    assert_eq!((retention.completed, retention.cancelled, retention.failed), (s(11), s(12), s(13)));
    assert_eq!((settings.output_limit, settings.error_limit, settings.worker_name.as_deref()), (14, 1_015, Some("w")));
    assert_eq!(
        (settings.schedules, settings.sqlite_synchronous, settings.sqlite_busy_timeout),
        (false, Synchronous::Normal, s(16))
    );
    let (cron, every) = (&settings.jobs["j"], &settings.jobs["k"]);
    assert_eq!((cron.enabled, cron.schedule), (false, Some(Spec::Once)));
    assert_eq!((every.enabled, every.schedule), (true, Some(Spec::Every(s(5)))));
    assert!(cron.zone.is_some() && every.zone.is_none());
    assert_eq!(settings.zone.name(), "Europe/Berlin");
    let (cron, every) = (&settings.schedule["x"], &settings.schedule["y"]);
    assert_eq!((cron.enabled, every.enabled, every.schedule), (false, true, Some(Spec::Every(s(6)))));
    assert!(cron.schedule.is_some() && cron.zone.is_some() && every.zone.is_none());
}

#[test]
fn a_schedule_of_a_key_takes_its_times_like_a_job() {
    let file =
        "tz = \"Europe/Berlin\"\n[schedule.morning]\ncron = \"0 2 * * *\"\ntz = \"UTC\"\n[schedule.\"a/b.c\"]\nenabled = false\n";
    let variables = [("JOBS_SCHEDULE_MORNING_EVERY", "1h"), ("JOBS_TZ", "Asia/Tokyo"), ("JOBS_SCHEDULES", "false")];
    let settings = resolve(&variables, &[("jobs.toml", file)]).unwrap();
    assert_eq!(settings.schedule["morning"].schedule, Some(Spec::parse_every("1h").unwrap()));
    assert!(settings.schedule["morning"].zone.is_none() && !settings.schedule["a/b.c"].enabled);
    assert_eq!((settings.zone.name(), settings.schedules, settings.jobs.len()), ("Asia/Tokyo", false, 0));
    assert_eq!(settings.origin("schedule.morning.every").to_string(), "JOBS_SCHEDULE_MORNING_EVERY");
    assert_eq!(settings.origin("schedule.a/b.c.enabled").to_string(), "jobs.toml:6");
}

#[test]
fn the_system_is_read_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("jobs.toml"), "concurrency = 5").unwrap();
    let sources = crate::settings::Sources {
        variables: std::collections::BTreeMap::new(),
        folder: folder.path().into(),
        ..crate::settings::Sources::system()
    };
    assert_eq!(Settings::resolve(Overrides::new(), &sources).unwrap().concurrency, 5);
    std::fs::write(folder.path().join("jobs.toml"), "#".repeat(1024 * 1024 + 1)).unwrap();
    let result = Settings::resolve(Overrides::new(), &sources);
    assert_eq!(listed(result), ["jobs.toml: cannot be read: it has more than 1048576 bytes"]);
    std::fs::write(folder.path().join("jobs.toml"), b"# \xff").unwrap();
    let result = Settings::resolve(Overrides::new(), &sources);
    assert_eq!(listed(result), ["jobs.toml: cannot be read: it is not UTF-8"]);
    std::fs::remove_file(folder.path().join("jobs.toml")).unwrap();
    assert_eq!(Settings::resolve(Overrides::new(), &sources), Ok(Settings::default()));
}
