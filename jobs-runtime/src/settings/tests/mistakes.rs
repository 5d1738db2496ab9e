//! Mistakes: all at once, each with its place and what was meant.

use std::time::Duration;

use super::{from_file, listed, resolve, sources};
use crate::settings::{Overrides, Settings};

#[test]
fn many_mistakes_of_all_sources_stand_in_one_error() {
    let main = "store = \"redis://ann:hunter2@cache\"\nlease = \"1s\"\nleese = 1\n[shutdwn]\ndrain = \"5s\"\n[jobs.clean_up]\ncron = \"61 * * * *\"\n";
    let overlay = "concurrency = 0\nworker_name = \"${NAME}\"\n";
    let sources = sources(
        &[("JOBS_ENV", "test"), ("JOBS_CONCURENCY", "5"), ("JOBS_HEARTBEAT", "5")],
        &[("jobs.toml", main), ("jobs.test.toml", overlay)],
    );
    let mut overrides = Overrides::new();
    overrides.drain(Duration::from_secs(7200)).queue("a b", 1);
    let error = Settings::resolve(overrides, &sources).unwrap_err();
    assert_eq!(
        error.to_string(),
        "settings have 11 mistakes:
  jobs.toml:1: store is `redis://ann:***@cache`: unknown scheme, allowed are `sqlite://PATH`, `postgres://USER:PASSWORD@HOST/DATABASE` and `memory:`
  jobs.toml:2: lease is `1s`, allowed are 3s to 10m
  jobs.toml:3: leese is no option; did you mean `lease`?
  jobs.toml:4: shutdwn is no option; did you mean `shutdown`?
  jobs.toml:7: jobs.clean_up.cron is `61 * * * *`: minute 61 is out of range 0-59; allowed are 0-59
  jobs.test.toml:1: concurrency is `0`, allowed are 1 to 100000
  jobs.test.toml:2: worker_name uses `${NAME}`, which is not set; set it, or write `${NAME:-default}`
  JOBS_CONCURENCY: no option has this variable; did you mean `JOBS_CONCURRENCY`?
  JOBS_HEARTBEAT: heartbeat is `5`: `5` has no unit, allowed are 1s to 3m; write it right after the number, such as `30s`; units are w, d, h, m, s, ms, us and ns
  builder: queues.a b.concurrency cannot be set: queue name has ' ' in it; allowed are ASCII letters, digits and `_ - . : /`
  builder: shutdown.drain is `2h`, allowed are 0s to 1h"
    );
}

#[test]
fn unknown_options_and_what_was_meant() {
    for (text, expected) in [
        ("consurrency = 1", "consurrency is no option; did you mean `concurrency`?"),
        ("drain = \"5s\"", "drain is no option; did you mean `shutdown.drain`?"),
        ("retries = 5", "retries is no option; did you mean `defaults.retries`?"),
        ("queue.a.concurrency = 1", "queue is no option; did you mean `queues`?"),
        ("queues.a.concurency = 1", "queues.a.concurency is no option; did you mean `queues.a.concurrency`?"),
        ("queues.a.b.concurrency = 1", "queues.a.b is no option; a name with a dot stands in quotes: [queues.\"a.b\"]"),
        ("jobs.a.enable = true", "jobs.a.enable is no option; did you mean `jobs.a.enabled`?"),
        (
            "\"shutdown.drain\" = \"5s\"",
            "shutdown.drain is no option; a key in quotes is one part of a path; write it without quotes",
        ),
        ("zebra = 1", "zebra is no option"),
        ("\"\" = 1", " is no option"),
        (
            "queues.\"a b\".concurrency = 1",
            "queues.a b.concurrency cannot be set: queue name has ' ' in it; allowed are ASCII letters, digits and `_ - . : /`",
        ),
        ("jobs.\"\".enabled = true", "jobs..enabled cannot be set: job name is empty; write 1 to 128 characters"),
    ] {
        assert_eq!(listed(from_file(text)), [format!("jobs.toml:1: {expected}")]);
    }
}

#[test]
fn unknown_variables_and_what_was_meant() {
    for (name, help) in [
        ("JOBS_CONCURENCY", "; did you mean `JOBS_CONCURRENCY`?"),
        ("JOBS_lease", "; did you mean `JOBS_LEASE`?"),
        ("JOBS_CONFIGS", "; did you mean `JOBS_CONFIG`?"),
        ("JOBS_DRAIN", "; did you mean `JOBS_SHUTDOWN_DRAIN`?"),
        ("JOBS_QUEUES_A_CONCURENCY", "; did you mean `JOBS_QUEUES_A_CONCURRENCY`?"),
        ("JOBS_QUEUES_critical_CONCURRENCY", "; did you mean `JOBS_QUEUES_CRITICAL_CONCURRENCY`?"),
        ("JOBS_QUEUES_CRITICAL", "; did you mean `JOBS_QUEUES_<NAME>_CONCURRENCY`?"),
        ("JOBS_JOBS_CLEAN_UP_EVRY", "; did you mean `JOBS_JOBS_CLEAN_UP_EVERY`?"),
        ("JOBS_ZEBRA", ""),
        ("JOBS_", ""),
    ] {
        assert_eq!(listed(resolve(&[(name, "secret")], &[])), [format!("{name}: no option has this variable{help}")]);
    }
}

#[test]
fn variables_of_others_are_left_alone() {
    let variables = [
        ("JOBS_TEST_POSTGRES", "x"),
        ("JOBS_CONFIG", ""),
        ("JOBS_LEASE", ""),
        ("JOBSITE", "x"),
        ("MY_JOBS_LEASE", "x"),
        ("JOBS_PORT", "tcp://10.0.0.1:80"),
        ("JOBS_API_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("JOBS_SERVICE_HOST", "10.0.0.1"),
    ];
    assert_eq!(resolve(&variables, &[]), Ok(Settings::default()));
}

#[test]
fn the_builder_is_judged_like_everyone() {
    let mut overrides = Overrides::new();
    overrides
        .concurrency(0)
        .lease(Duration::MAX)
        .only_queues([""; 0])
        .set("shutdown.drian", "1s")
        .timeout(Some(Duration::ZERO))
        .job_every("j", Duration::ZERO);
    assert_eq!(
        listed(Settings::resolve(overrides, &sources(&[], &[]))),
        [
            "builder: concurrency is `0`, allowed are 1 to 100000",
            "builder: defaults.timeout is `0s`, allowed are 1ms to 30d and `none`",
            "builder: jobs.j.every is `0s`: period 0s is shorter than 1s, allowed are 1s to 366d; write 1s to 366d, in whole milliseconds",
            "builder: lease is `213503982334601d7h15s999ms999us999ns`: duration `213503982334601d7h15s999ms999us999ns` is longer than 100 years, allowed are 3s to 10m; the limit is 36500d",
            "builder: only_queues is ``, allowed are 1 to 1000 names of queues",
            "builder: shutdown.drian is no option; did you mean `shutdown.drain`?",
        ]
    );
}

#[test]
fn a_replaced_value_is_judged_too() {
    let result = resolve(&[("JOBS_LEASE", "20s")], &[("jobs.toml", "lease = \"1s\"")]);
    assert_eq!(listed(result), ["jobs.toml:1: lease is `1s`, allowed are 3s to 10m"]);
}

#[test]
fn a_lease_must_outlast_three_heartbeats() {
    for (variables, file, expected) in [
        (
            &[] as &[(&str, &str)],
            "lease = \"14s\"",
            &["jobs.toml:1: lease is `14s`, at least 3 times heartbeat is allowed, which is `5s` (default)"] as &[&str],
        ),
        (
            &[("JOBS_HEARTBEAT", "6s")],
            "",
            &["JOBS_HEARTBEAT: heartbeat is `6s`, at most a third of lease is allowed, which is `15s` (default)"],
        ),
        (
            &[("JOBS_HEARTBEAT", "6s")],
            "\nlease = \"17s\"",
            &["jobs.toml:2: lease is `17s`, at least 3 times heartbeat is allowed, which is `6s` (JOBS_HEARTBEAT)"],
        ),
        (&[("JOBS_HEARTBEAT", "6s")], "lease = \"18s\"", &[]),
        (
            &[("JOBS_HEARTBEAT", "6s")],
            "lease = \"x\"",
            &[
                "jobs.toml:1: lease is `x`: `x` does not begin with a number, allowed are 3s to 10m; write a number and a unit, such as `30s`; units are w, d, h, m, s, ms, us and ns",
            ],
        ),
        (&[("JOBS_HEARTBEAT", "6s")], "lease = ", &["jobs.toml:1:9: string values must be quoted, expected literal string"]),
    ] {
        assert_eq!(listed(resolve(variables, &[("jobs.toml", file)])), expected, "{file}");
    }
}

#[test]
fn one_source_gives_a_job_one_schedule() {
    let text = "[jobs.a]\ncron = \"@once\"\nevery = \"5m\"\n[jobs.b]\nevery = \"5m\"\ntz = \"UTC\"\n";
    assert_eq!(
        listed(from_file(text)),
        [
            "jobs.toml:2: jobs.a.cron has no effect beside jobs.a.every (jobs.toml:3); keep one of them",
            "jobs.toml:6: jobs.b.tz has no effect beside jobs.b.every (jobs.toml:5); keep one of them",
        ]
    );
    let text = "[schedule.a]\ncron = \"@once\"\nevery = \"5m\"\n[schedule.b]\nevry = \"5m\"\n";
    assert_eq!(
        listed(from_file(text)),
        [
            "jobs.toml:5: schedule.b.evry is no option; did you mean `schedule.b.every`?",
            "jobs.toml:2: schedule.a.cron has no effect beside schedule.a.every (jobs.toml:3); keep one of them",
        ]
    );
}

#[test]
fn a_name_of_any_length_is_answered_shortly() {
    let name = format!("JOBS_{}_0EVERY", "JOBS_".repeat(1_000));
    let said = listed(resolve(&[(&name, "64")], &[]));
    assert!(said.len() == 1 && said[0].contains("did you mean `JOBS_JOBS") && said[0].len() < 400, "{said:?}");
}

#[test]
fn a_variable_that_misses_the_queue_it_means_is_named() {
    let text = "[queues.high-prio]\nconcurrency = 1\n[queues.Low]\nconcurrency = 1\n[queues.a_b]\nconcurrency = 1\n[queues.a-b]\nconcurrency = 1\n";
    let variables = [
        ("JOBS_QUEUES_HIGH_PRIO_CONCURRENCY", "2"),
        ("JOBS_QUEUES_LOW_CONCURRENCY", "2"),
        ("JOBS_QUEUES_A_B_CONCURRENCY", "2"),
        ("JOBS_QUEUES_NEW_CONCURRENCY", "2"),
    ];
    let help = "a variable can name only small letters, digits and `_`; set it in the file";
    assert_eq!(
        listed(resolve(&variables, &[("jobs.toml", text)])),
        [
            format!(
                "JOBS_QUEUES_HIGH_PRIO_CONCURRENCY: queues.high_prio.concurrency does not reach `high-prio` (jobs.toml:2); {help}"
            ),
            format!("JOBS_QUEUES_LOW_CONCURRENCY: queues.low.concurrency does not reach `Low` (jobs.toml:4); {help}"),
        ]
    );
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let long = format!("#{}", " ".repeat(1024 * 1024));
    let many = format!("only_queues = [{}]", "\"a\",".repeat(10_000));
    let deep = format!("{}a = 1", "a.".repeat(100));
    for (variables, files, expected) in [
        (
            &[("JOBS_CONFIG", "x.toml")] as &[(&str, &str)],
            &[("jobs.toml", "")] as &[(&str, &str)],
            "JOBS_CONFIG: there is no file `x.toml`",
        ),
        (&[], &[("jobs.toml", "<denied>")], "jobs.toml: cannot be read: permission denied"),
        (
            &[("JOBS_ENV", "../x")],
            &[],
            "JOBS_ENV: `../x` is no name of an environment; write 1 to 64 ASCII letters, digits, `_` and `-`",
        ),
        (&[], &[("jobs.toml", &long)], "jobs.toml: has 1048577 bytes, the limit is 1048576"),
        (&[], &[("jobs.toml", &many)], "jobs.toml: has more than 10000 entries"),
        (&[], &[("jobs.toml", &deep)], "jobs.toml: recursion limit"),
        (
            &[],
            &[("jobs.toml", "lease = \"20s\"\nä = 1")],
            "jobs.toml:2:1: invalid unquoted key, expected letters, numbers, `-`, `_`",
        ),
        (&[], &[("jobs.toml", "a = 1\n a = 2")], "jobs.toml:2:2: duplicate key"),
    ] {
        assert_eq!(listed(resolve(variables, files)), [expected]);
    }
}

#[test]
fn each_line_with_a_mistake_of_the_syntax_is_named_once() {
    let lines = "lease = 30s\nconcurrency = 5\nheartbeat = 5s\nstore = \"x\nschedules = true\n";
    assert_eq!(
        listed(from_file(lines)),
        [
            "jobs.toml:1:9: string values must be quoted, expected literal string",
            "jobs.toml:3:13: string values must be quoted, expected literal string",
            "jobs.toml:4:11: invalid basic string, expected `\"`",
        ]
    );
    assert_eq!(listed(from_file(&"lease = 30s\n".repeat(1_000))).len(), 20);
    assert_eq!(listed(from_file(&"lease = 30s\n".repeat(10_000))).len(), 1);
}

#[test]
fn variables_missing_in_a_file_are_named_with_their_line() {
    let text =
        "concurrency = 1\nstore = \"sqlite://${DIR}/${NAME}\"\nonly_queues = [\"a\",\n\"${Q}\"]\nworker_name = \"$HOME\"\n";
    let help = |name| format!("which is not set; set it, or write `${{{name}:-default}}`");
    assert_eq!(
        listed(from_file(text)),
        [
            format!("jobs.toml:2: store uses `${{DIR}}`, {}", help("DIR")),
            format!("jobs.toml:2: store uses `${{NAME}}`, {}", help("NAME")),
            format!("jobs.toml:3: only_queues uses `${{Q}}`, {}", help("Q")),
            "jobs.toml:5: worker_name has a `$` that begins nothing; write `${NAME}` for a variable, `$$` for a dollar"
                .to_owned(),
        ]
    );
}

#[test]
fn a_variable_that_is_not_utf8_is_refused_where_it_is_used() {
    let result = resolve(
        &[("JOBS_STORE", "sqlite:\u{fffd}"), ("X", "\u{fffd}"), ("Y", "\u{fffd}")],
        &[("jobs.toml", "worker_name = \"${X}\"")],
    );
    assert_eq!(listed(result), ["jobs.toml:1: worker_name uses `${X}`, which is not UTF-8", "JOBS_STORE: store is not UTF-8"]);
}
