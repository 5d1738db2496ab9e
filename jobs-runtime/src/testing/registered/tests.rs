//! Jobs against lists of them.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use jobs_core::argument::{ArgumentEntry, argument};
use jobs_core::registry::{Handler, Location, ScheduleEntry, ScheduleText};
use jobs_core::schedule::{Misfire, Moment, Overlap, RunOnStart};
use jobs_core::{JobEntry, Registry};

use super::{check, written};

fn entry(name: &'static str, line: u32) -> JobEntry {
    let handler = Handler::Fn(|_| Ok(Box::pin(async { Ok(None) })));
    JobEntry::new(Cow::Borrowed(name), "app::mail", Location { file: "src/mail.rs", line }, handler)
}

fn with(name: &'static str, line: u32, arguments: &'static [ArgumentEntry]) -> JobEntry {
    JobEntry { arguments, ..entry(name, line) }
}

fn aliased(name: &'static str, line: u32, aliases: &'static [Cow<'static, str>]) -> JobEntry {
    JobEntry { aliases: Cow::Borrowed(aliases), ..entry(name, line) }
}

fn scheduled(name: &'static str, spec: ScheduleText, zone: Option<&'static str>) -> JobEntry {
    let run_on_start = Some(RunOnStart::Process);
    let schedule =
        ScheduleEntry { key: Some("nightly".into()), zone: zone.map(Cow::Borrowed), run_on_start, ..ScheduleEntry::new(spec) };
    JobEntry { schedules: vec![schedule].into(), ..entry(name, 9) }
}

fn registry(entries: impl IntoIterator<Item = JobEntry>) -> Registry {
    Registry::new(entries).unwrap()
}

/// What is said of these jobs, with the list that was written for those.
fn difference(before: impl IntoIterator<Item = JobEntry>, now: impl IntoIterator<Item = JobEntry>) -> String {
    said(&registry(now), written(&registry(before)).into_bytes())
}

fn said(registry: &Registry, list: Vec<u8>) -> String {
    check(registry, Path::new("jobs.txt"), Ok(list)).expect_err("a difference").to_string()
}

#[track_caller]
fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

const TO: &[ArgumentEntry] = const { &[argument::<String>("to")] };
const TO_AND_COPY: &[ArgumentEntry] = const { &[argument::<String>("to"), argument::<Option<Vec<u8>>>("copy")] };

#[test]
fn a_list_has_all_that_stored_jobs_and_schedules_depend_on() {
    let jobs = registry([
        with("send", 3, TO_AND_COPY),
        aliased("archive", 4, &[Cow::Borrowed("store"), Cow::Borrowed("keep")]),
        scheduled("report", ScheduleText::Cron("0 2 * * *".into()), Some("Europe/Berlin")),
        scheduled("tidy", ScheduleText::Every("1h".into()), None),
        scheduled("warm", ScheduleText::Never, None),
    ]);
    let list = written(&jobs);
    let lines: Vec<&str> = list.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            r#"archive() queue = "default", aliases = ["keep", "store"]"#,
            r#"report() queue = "default", cron = "0 2 * * *", tz = "Europe/Berlin", key = "nightly", run_on_start"#,
            r#"send(to: String, copy: Option<Vec<u8>>) queue = "default""#,
            r#"tidy() queue = "default", every = "1h", key = "nightly", run_on_start"#,
            r#"warm() queue = "default", key = "nightly", run_on_start"#,
        ]
    );
    check(&jobs, Path::new("jobs.txt"), Ok(list.into_bytes())).unwrap();
}

#[test]
fn a_list_has_every_key_of_every_schedule() {
    let hourly = ScheduleEntry {
        key: Some("hourly".into()),
        run_on_start: Some(RunOnStart::Deployment),
        misfire: Misfire::Skip,
        overlap: Overlap::Queue,
        jitter: Duration::from_secs(90),
        starts: Some(Moment::parse("2027-01-31").unwrap()),
        ends: Some(Moment::parse("2027-12-24T18:00:00+01:00").unwrap()),
        payload: Some(|| Ok(r#"{"to":"a"}"#.to_owned())),
        ..ScheduleEntry::new(ScheduleText::Every("1h".into()))
    };
    let daily = ScheduleEntry { misfire: Misfire::ALL, ..ScheduleEntry::new(ScheduleText::Cron("@daily".into())) };
    let line = |schedules: Vec<ScheduleEntry>| {
        let jobs = registry([JobEntry { schedules: schedules.into(), ..entry("a", 1) }]);
        let list = written(&jobs);
        check(&jobs, Path::new("jobs.txt"), Ok(list.clone().into_bytes())).unwrap();
        list.lines().nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(line(vec![daily.clone()]), r#"a() queue = "default", cron = "@daily", misfire = "all 100 within 1d""#);
    assert_eq!(
        line(vec![daily, hourly]),
        r#"a() queue = "default", schedule(cron = "@daily", misfire = "all 100 within 1d"), schedule(every = "1h", key = "hourly", "#.to_owned()
            + r#"run_on_start = "deployment", misfire = "skip", overlap = "queue", jitter = "1m30s", starts = "2027-01-31T00:00:00", "#
            + r#"ends = "2027-12-24T18:00:00+01:00", args(..))"#
    );
}

#[test]
fn a_lost_job_is_said_to_park_its_stored_jobs() {
    let text = difference([entry("a", 1), entry("b", 2)], [entry("a", 1)]);
    assert_has(
        &text,
        &["jobs.txt", "- b() queue", "parked", "aliases = [\"b\"]", "jobs_runtime::jobs!(that_crate)", "UPDATE_JOBS=1"],
    );
    assert!(!text.contains("- a()"), "{text}");
}

#[test]
fn a_rename_shows_both_names_and_the_new_place() {
    let text = difference([entry("old", 1)], [entry("new", 7)]);
    assert_has(&text, &["- old() queue", "+ new() queue = \"default\"  (src/mail.rs:7)", "aliases = [\"old\"]"]);
}

#[test]
fn a_rename_with_an_alias_is_said_to_be_safe() {
    let text = difference([entry("old", 1)], [aliased("new", 7, &[Cow::Borrowed("old")])]);
    assert_has(&text, &["- old() queue", "are run by `new` (src/mail.rs:7)", "aliases = [\"old\"]  (src/mail.rs:7)"]);
    assert!(!text.contains("parked"), "{text}");
}

#[test]
fn a_changed_argument_is_shown_with_what_it_does_to_stored_jobs() {
    const NUMBER: &[ArgumentEntry] = const { &[argument::<u64>("to")] };
    for now in [TO_AND_COPY, NUMBER, &[]] {
        let text = difference([with("send", 1, TO)], [with("send", 5, now)]);
        assert_has(&text, &["- send(to: String) queue", "+ send(", "(src/mail.rs:5)", "must be an `Option<..>`"]);
    }
}

#[test]
fn a_changed_schedule_or_queue_is_shown() {
    let cron = |text: &'static str, zone| scheduled("report", ScheduleText::Cron(text.into()), zone);
    let text = difference([cron("0 2 * * *", None)], [cron("0 3 * * *", None)]);
    assert_has(
        &text,
        &["- report() queue = \"default\", cron = \"0 2 * * *\"", "+ report() queue = \"default\", cron = \"0 3 * * *\""],
    );
    assert!(!text.contains("parked"), "{text}");
    assert_has(&difference([cron("@daily", None)], [cron("@daily", Some("UTC"))]), &["+ report()", "tz = \"UTC\""]);
    let queue = JobEntry { queue: "mail".into(), ..entry("a", 2) };
    assert_has(&difference([entry("a", 1)], [queue]), &["- a() queue = \"default\"", "+ a() queue = \"mail\"  (src/mail.rs:2)"]);
}

#[test]
fn a_lost_alias_is_said_to_park_what_has_its_name() {
    let text = difference([aliased("a", 1, &[Cow::Borrowed("b"), Cow::Borrowed("c")])], [aliased("a", 1, &[Cow::Borrowed("c")])]);
    assert_has(&text, &["stored jobs of the name `b` are parked"]);
    assert!(!text.contains("`c`"), "{text}");
}

#[test]
fn a_test_that_links_nothing_is_told_to_name_its_crates() {
    let text = difference([entry("a", 1), entry("b", 2)], []);
    assert_has(&text, &["- a()", "- b()", "an integration test is a crate of its own", "jobs_runtime::jobs!(that_crate);"]);
}

#[test]
fn the_line_of_a_job_and_its_module_say_nothing() {
    let moved = JobEntry { module: "app::post", ..entry("a", 99) };
    check(&registry([moved]), Path::new("jobs.txt"), Ok(written(&registry([entry("a", 1)])).into_bytes())).unwrap();
}

#[test]
fn a_file_that_is_no_list_is_refused_with_its_name_and_line() {
    let jobs = registry([entry("a", 1)]);
    let crlf = written(&jobs).replace('\n', "\r\n").into_bytes();
    assert_has(&said(&jobs, crlf), &["jobs.txt:1: ", "CRLF", "eol=lf"]);
    assert_has(&said(&jobs, b"# x\n\xff".to_vec()), &["jobs.txt:2: it is not UTF-8", "UPDATE_JOBS=1"]);
    assert_has(&said(&jobs, b"nonsense".to_vec()), &["jobs.txt:1: `nonsense` is no line of a list"]);
}

#[test]
fn a_missing_file_is_said_to_be_missing_with_how_to_write_it() {
    let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
    let error = check(&registry([entry("a", 1)]), Path::new("jobs.txt"), Err(missing)).unwrap_err();
    assert_has(&error.to_string(), &["jobs.txt cannot be read", "`UPDATE_JOBS=1` writes it"]);
}
