//! Searches of cronexpr that never end. They are asked for in another process, because a thread cannot be stopped.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::cronexpr::PATIENCE;
use super::walk::{Walk, walk};
use crate::schedule::cron::CronExpr;

/// How long no answer comes from a search that is said never to end. Others take milliseconds.
const NEVER: Duration = Duration::from_secs(1);

#[test]
fn searches_of_cronexpr_go_round_at_odd_changes() {
    if env::var_os(ASKS).is_some() {
        return ask_all();
    }
    let name = concat!(module_path!(), "::searches_of_cronexpr_go_round_at_odd_changes");
    let name = name.split_once("::").unwrap().1;
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", name, "--nocapture"]).env(ASKS, "1").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (line, lines) = mpsc::channel();
    thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|text| line.send(text)));
    let asked = std::iter::from_fn(|| lines.recv_timeout(PATIENCE).ok()).any(|line| line == ASKED);
    let answered = std::iter::from_fn(|| lines.recv_timeout(NEVER).ok()).next();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(asked, "the other process has not asked");
    assert_eq!(answered, None, "if this search ends now, `NeverEnds` can go");
}

/// Tells the other process what it is for.
const ASKS: &str = "JOBS_TEST_ASKS_CRONEXPR";

const ASKED: &str = "all are asked";

/// In the other process: asks for all, and says of each that is answered what came. It ends by itself, should it not be killed.
fn ask_all() {
    let (answer, answers) = mpsc::channel();
    for &(text, zone, after) in ENDLESS {
        let cron = cronexpr::parse_crontab(&format!("{text} {zone}")).unwrap();
        let answer = answer.clone();
        let after: Timestamp = after.parse().unwrap();
        thread::spawn(move || answer.send(format!("`{text}` in {zone} after {after}: {:?}", cron.find_next(after))));
    }
    println!("\n{ASKED}");
    if let Ok(text) = answers.recv_timeout(PATIENCE) {
        println!("{text}");
    }
}

const ENDLESS: &[(&str, &str, &str)] = &[
    ("30 2 * * *", "Australia/Lord_Howe", "2026-04-04T14:10:00Z"),
    ("*/15 2 * * 0", "Australia/Lord_Howe", "1999-03-26T05:31:19Z"),
    ("47 0,12 26 * *", "America/St_Johns", "2003-10-26T00:54:35Z"),
];

#[test]
fn the_walk_knows_searches_without_end_and_those_beside_them() {
    let walked = |text: &str, zone: &str, after: &str| {
        let zone = TimeZone::get(zone).unwrap();
        walk(&CronExpr::parse(text).unwrap(), &zone, after.parse::<Timestamp>().unwrap().as_second())
    };
    for &(text, zone, after) in ENDLESS {
        assert_eq!(walked(text, zone, after), Walk::NeverEnds, "{text} in {zone}");
    }
    let found = |text: &str| Walk::Found(text.parse::<Timestamp>().unwrap().as_second());
    for (text, after, next) in [
        // The search begins in the repeated half hour.
        ("30 2 * * *", "2026-04-05T01:30:00+11:00", "2026-04-05T02:30:00+10:30"),
        // It need not pass the hour.
        ("30 1,2 * * *", "2026-04-05T01:10:00+11:00", "2026-04-05T01:30:00+11:00"),
        ("30 2 * * MON", "2026-04-05T01:10:00+11:00", "2026-04-06T02:30:00+10:30"),
        ("30 0 * * *", "2026-04-05T00:10:00+11:00", "2026-04-05T00:30:00+11:00"),
    ] {
        assert_eq!(walked(text, "Australia/Lord_Howe", after), found(next), "{text} after {after}");
        let cron = cronexpr::parse_crontab(&format!("{text} Australia/Lord_Howe")).unwrap();
        let answer = cron.find_next(after.parse::<Timestamp>().unwrap()).unwrap();
        assert_eq!(answer.timestamp(), next.parse().unwrap(), "{text} after {after}");
    }
}
