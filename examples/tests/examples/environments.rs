//! Schedules by environment.

use std::path::Path;

use crate::program::{End, Program};

/// Runs it where its files are.
fn run(variables: &[(&str, &str)]) -> End {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments");
    Program::start_with(env!("CARGO_BIN_EXE_environments"), &folder, &[], variables).end()
}

/// The schedules that it lists.
fn schedules(variables: &[(&str, &str)]) -> Vec<String> {
    let lines = run(variables).well();
    lines.into_iter().filter(|line| !line.starts_with("read ") && !line.starts_with("  ")).collect()
}

const EVENING: &str = "evening: at 20:00 every day, Europe/Berlin";
const MEASURE: &str = "measure: every 10 minutes";
const MORNING: &str = "morning: at 08:00 every day, Europe/Berlin";

#[test]
fn a_file_of_the_environment_switches_off_and_gives_other_times() {
    let clean_up = "clean_up: at 02:00 every day, Europe/Berlin";
    assert_eq!(schedules(&[]), [clean_up, EVENING, MEASURE, MORNING]);
    let evening = format!("{EVENING} (switched off)");
    assert_eq!(schedules(&[("JOBS_ENV", "staging")]), ["clean_up: every 15 minutes, Europe/Berlin", &evening, MEASURE, MORNING]);
    let lines = run(&[("JOBS_ENV", "staging")]).well();
    assert_eq!(lines[0], "read jobs.toml and jobs.staging.toml");
    assert!(lines.iter().any(|line| line == "  schedule.evening.enabled from jobs.staging.toml:6"), "{lines:#?}");
}

#[test]
fn a_variable_is_stronger_than_the_files() {
    let variables = [("JOBS_ENV", "staging"), ("JOBS_SCHEDULE_EVENING_ENABLED", "true"), ("JOBS_JOBS_CLEAN_UP_EVERY", "1h")];
    assert_eq!(schedules(&variables), ["clean_up: every hour", EVENING, MEASURE, MORNING]);
}

#[test]
fn a_misspelt_name_is_refused_with_its_place_and_what_was_meant() {
    for (variable, expected) in [
        (
            "JOBS_SCHEDULE_MORNIGN_ENABLED",
            "schedule.mornign names no schedule with a key in this program; did you mean `morning`?",
        ),
        ("JOBS_JOBS_CLAEN_UP_ENABLED", "jobs.claen_up names no job of this program; did you mean `clean_up`?"),
    ] {
        let end = run(&[(variable, "false")]);
        assert_eq!((end.status.code(), end.errors), (Some(1), format!("environments: {variable}: {expected}\n")));
    }
}
