//! The two ends of every range, in a file and in a variable, and the ways to write a value.

use std::collections::BTreeSet;

use super::{from_file, listed, resolve};
use crate::settings::OPTIONS;

/// Each option with values it takes and values it refuses. Where two options must fit together, the file also has the other.
const VALUES: [(&str, &[&str], &[&str]); 35] = [
    ("store", &["memory:", "sqlite:a", "sqlite:///a/b", "postgres://h/d"], &["postgres:h/d", "jobs.db", ""]),
    ("concurrency", &["1", "100000"], &["0", "100001", "-1", "1.5", "", "99999999999999999999999999"]),
    ("queues.q.concurrency", &["1", "100000"], &["0", "100001", "many"]),
    ("only_queues", &["a", "a, b:c/d.e-f"], &["", "a,,b", "a b"]),
    ("lease", &["15s", "10m"], &["2s999ms", "10m1ms", "15", "soon"]),
    ("heartbeat", &["1s", "5s"], &["999ms", "3m1ms"]),
    ("shutdown.drain", &["0s", "1h"], &["1h1ms", "-1s"]),
    ("shutdown.grace", &["0s", "5m"], &["5m1ms"]),
    ("cancel_grace", &["0ms", "10m"], &["10m1ms"]),
    ("defaults.retries", &["0", "1000"], &["1001", "-1"]),
    ("defaults.backoff", &["fixed 0s", "linear 30s to 1h", "1m, 5m"], &["sometimes", "fixed", ""]),
    ("defaults.timeout", &["none", "1ms", "30d"], &["0s", "999us", "30d1ms", "None"]),
    ("retention.completed", &["0s", "3650d"], &["3650d1ms"]),
    ("retention.cancelled", &["0s", "3650d"], &["3650d1ms"]),
    ("retention.failed", &["0s", "3650d"], &["3650d1ms"]),
    ("output_limit", &["0", "16777216", "16MiB", "1 KiB", "7B"], &["16777217", "17MiB", "1KB", "99999999999999999MiB", "KiB"]),
    ("error_limit", &["256", "1MiB"], &["255", "1025KiB"]),
    ("worker_name", &["w", "a worker: 1"], &["", "a\u{7}b"]),
    ("schedules", &["true", "false"], &["0", "yes", "TRUE"]),
    ("tz", &["UTC", "Europe/Berlin"], &["Nowhere/Atall", "", "CEST+2"]),
    ("sqlite.synchronous", &["full", "normal"], &["off", "FULL"]),
    ("sqlite.busy_timeout", &["100ms", "10m"], &["99ms", "10m1ms"]),
    ("postgres.schema", &["jobs", "my jobs"], &["", "a\u{7}b"]),
    ("postgres.pooled", &["true", "false"], &["1"]),
    ("postgres.deadline", &["1s", "10m"], &["999ms", "10m1ms"]),
    ("sqlite.shared", &["true", "false"], &["no"]),
    ("postgres.migrate", &["true", "false"], &["no"]),
    ("jobs.j.enabled", &["true", "false"], &["1"]),
    ("jobs.j.cron", &["0 2 * * *", "@once"], &["61 * * * *", "5m"]),
    ("jobs.j.every", &["1s", "366d"], &["999ms", "366d1ms"]),
    ("jobs.j.tz", &["UTC"], &["Nowhere/Atall", ""]),
    ("schedule.s.enabled", &["true", "false"], &["off"]),
    ("schedule.s.cron", &["0 2 * * *", "@once"], &["61 * * * *", "5m"]),
    ("schedule.s.every", &["1s", "366d"], &["999ms", "366d1ms"]),
    ("schedule.s.tz", &["UTC"], &["Nowhere/Atall", ""]),
];

#[test]
fn every_option_is_tried() {
    let named = |path: &str| path.replace(".q.", ".<name>.").replace(".j.", ".<kind>.").replace(".s.", ".<key>.");
    let tried: BTreeSet<String> = VALUES.iter().map(|(path, ..)| named(path)).collect();
    assert_eq!(tried, OPTIONS.iter().map(|option| option.path.to_owned()).collect());
}

#[test]
fn both_ends_of_every_range_are_taken_and_what_is_beyond_is_refused() {
    for (path, taken, refused) in VALUES {
        let variable = format!("JOBS_{}", path.replace('.', "_").to_uppercase());
        for (value, expected) in taken.iter().map(|value| (value, 0)).chain(refused.iter().map(|value| (value, 1))) {
            let text = format!("{path} = {value:?}").replace("\\u{7}", "\\u0007");
            let file = listed(from_file(&text));
            assert_eq!(file.len(), expected, "{text}: {file:?}");
            assert!(file.iter().all(|mistake| mistake.starts_with(&format!("jobs.toml:1: {path} is `"))), "{file:?}");
            if !value.is_empty() {
                let variables = listed(resolve(&[(&variable, value)], &[]));
                assert_eq!(variables.len(), expected, "{variable}={value}: {variables:?}");
                assert!(
                    variables.iter().all(|mistake| mistake.starts_with(&format!("{variable}: {path} is `"))),
                    "{variables:?}"
                );
            }
        }
    }
}

#[test]
fn the_shortest_lease_and_the_longest_heartbeat_fit_their_partners() {
    for text in ["lease = \"3s\"\nheartbeat = \"1s\"", "lease = \"9m\"\nheartbeat = \"3m\""] {
        assert_eq!(listed(from_file(text)), [""; 0], "{text}");
    }
}

#[test]
fn numbers_and_words_of_toml_are_taken_where_they_fit() {
    let settings =
        from_file("concurrency = 0x10\noutput_limit = 1_000\nschedules = false\nonly_queues = [\"a\", \"b\", \"a\"]\n").unwrap();
    assert_eq!((settings.concurrency, settings.output_limit, settings.schedules), (16, 1_000, false));
    assert_eq!(settings.only_queues, Some(vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn values_of_a_wrong_type_are_named() {
    for (text, expected) in [
        ("lease = 15", "lease is `15`: unit is missing, allowed are 3s to 10m; write it in quotes with a unit, such as \"15s\""),
        ("lease = true", "lease is `true`: not a text in quotes, allowed are 3s to 10m"),
        ("lease = { a = 1 }", "lease is a table: not a text in quotes, allowed are 3s to 10m"),
        ("concurrency = 1.5", "concurrency is a number with a fraction: not a number, allowed are 1 to 100000"),
        ("concurrency = [1]", "concurrency is a list with other values than texts: not a number, allowed are 1 to 100000"),
        ("schedules = 1", "schedules is `1`: neither `true` nor `false`, allowed are `true` and `false`"),
        ("only_queues = 1", "only_queues is `1`: not a list of texts, allowed are 1 to 1000 names of queues"),
        ("only_queues = []", "only_queues is ``, allowed are 1 to 1000 names of queues"),
        (
            "worker_name = 1979-05-27",
            "worker_name is a date or a time: not a text in quotes, allowed are 1 to 128 bytes without control characters",
        ),
        ("shutdown = \"25s\"", "shutdown is no table; it holds `drain`, `grace`"),
        ("queues.q = 8", "queues.q is no table; it holds `concurrency`"),
        ("[[queues]]\nconcurrency = 8", "queues is no table; it holds `<name>`"),
    ] {
        assert_eq!(listed(from_file(text)), [format!("jobs.toml:1: {expected}")]);
    }
}
