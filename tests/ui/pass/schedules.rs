//! Schedules in every form, and what their arguments may be: expressions of the fn's module, whatever their names.
#![deny(warnings)]

use std::borrow::Cow;
use std::path::PathBuf;

use jobs_runtime::{IntoJob, Job, job};

const fn arguments() -> u32 {
    7
}

const VALUE: u32 = 8;

fn texts<A, B>() -> Vec<String> {
    vec![size_of::<A>().to_string(), size_of::<B>().to_string()]
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Point {
    x: i64,
}

#[job(
    every = "5m",
    args(
        text = "a",
        cow = "b",
        boxed = "c",
        path = "d",
        r#type = 'e',
        number = arguments() + VALUE,
        list = texts::<u8, Vec<(u8, u8)>>(),
        point = Point { x: -1 },
        only = Some(if arguments() < VALUE { 1 } else { 2 }),
    ),
)]
#[allow(clippy::too_many_arguments)]
async fn every_type(
    text: String,
    cow: Cow<'static, str>,
    boxed: Box<str>,
    path: PathBuf,
    r#type: char,
    number: u32,
    list: Vec<String>,
    point: Point,
    only: Option<u8>,
) {
    let _ = (text, cow, boxed, path, r#type, number, list, point.x, only);
}

/// An alias that is an `Option`, and one that is none.
type Days = Option<u32>;
type Name = String;

#[job(
    key = "first",
    cron = "@daily",
    misfire = "all",
    args(name = "first"),
    schedule(run_on_start = "deployment", args(days = Some(3), name = "start")),
    schedule(every = "1h", starts = "2027-01-31", ends = "2027-12-24T18:00:00Z", key = "last", args(name = format!("{}{}", "la", "st"),)),
    retries = 3
)]
async fn several(days: Days, name: Name) {
    let _ = (days, name);
}

macro_rules! greets {
    ($name:ident, $every:literal, $text:expr, $count:expr) => {
        #[job(schedule(every = $every, jitter = "1s", args(text = $text, count = $count)), queue = "low")]
        async fn $name(text: String, count: u32) {
            let _ = (text, count);
        }
    };
}

greets!(by_literals, "1m", "hi", 3);
greets!(by_expressions, "1m", "hi".repeat(2), 3 + 4);

fn payloads<J: Job>() -> Vec<String> {
    J::entry().schedules.iter().map(|schedule| schedule.payload.expect("arguments")().expect("JSON")).collect()
}

fn main() {
    let by_hand = every_type::job(
        "a".into(),
        "b".into(),
        "c".into(),
        "d".into(),
        'e',
        15,
        vec!["1".into(), "24".into()],
        Point { x: -1 },
        Some(1),
    );
    assert_eq!(payloads::<every_type>(), [by_hand.into_new_job().unwrap().payload]);
    assert_eq!(
        payloads::<several>(),
        [r#"{"name":"first"}"#, r#"{"days":3,"name":"start"}"#, r#"{"name":"last"}"#]
    );
    assert_eq!(payloads::<by_literals>(), [r#"{"text":"hi","count":3}"#]);
    assert_eq!(payloads::<by_expressions>(), [r#"{"text":"hihi","count":7}"#]);
}
