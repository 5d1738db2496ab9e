//! A job from its entry to its outcome, without a store or a worker: decode, inject, call, settle.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jobs_core::schedule::RunOnStart;
use jobs_runtime::__private::{Call, Directive, JobEntry, Registry, ScheduleEntry, ScheduleText, Scope, Services, Settled};
use jobs_runtime::{BoxError, IntoJob, Job, JobContext, Verdict, job};
use serde::{Deserialize, Serialize};

trait Mailer: Send + Sync {
    fn send(&self, to: &str) -> String;
}

struct Postcard;

impl Mailer for Postcard {
    fn send(&self, to: &str) -> String {
        format!("a postcard to {to}")
    }
}

#[derive(Default)]
struct Counter(AtomicU32);

#[derive(Serialize, Deserialize)]
struct Size {
    width: u32,
    height: u32,
}

/// Hides its cause from everything but `source`, as `anyhow::Error` does.
#[derive(Debug)]
struct Wrapped {
    context: &'static str,
    cause: BoxError,
}

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.context)
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.cause)
    }
}

#[job]
async fn nothing() {}

#[job(aliases = ["scale", "shrink"], queue = "pictures", priority = -5, tags = ["slow"], retries = 2, timeout = "90s")]
async fn resize(
    counter: &Counter,
    size: Size,
    ctx: &JobContext,
    mut factor: u32,
    note: Option<String>,
) -> Result<String, BoxError> {
    factor += counter.0.fetch_add(1, Ordering::Relaxed);
    let note = note.as_deref().unwrap_or("no note");
    Ok(format!("{}x{}, {note}, attempt {}", size.width * factor, size.height * factor, ctx.attempt()))
}

#[job]
async fn announce<'a>(mailer: &'a dyn Mailer, shared: &(dyn Mailer + 'static), to: String) -> Result<String, String> {
    Ok(format!("{} and {}", mailer.send(&to), shared.send("myself")))
}

#[job(cron = "0 2 * * *", tz = "europe/berlin", key = "night", run_on_start)]
async fn nightly(days: Option<u32>) -> Result<u32, String> {
    Ok(days.unwrap_or(30))
}

#[job(every = "5m", backoff = "1m, 5m")]
async fn poll(status: Option<u16>) -> Result<(), Wrapped> {
    let cause: BoxError = match status {
        None => return Ok(()),
        Some(404) => Verdict::discard("the page is gone").into(),
        Some(503) => Verdict::snooze(Duration::from_secs(600)).into(),
        Some(status) => format!("status {status}").into(),
    };
    Err(Wrapped { context: "polling", cause })
}

fn services() -> Services {
    let mut services = Services::new();
    services.provide(Counter::default());
    services.provide_arc::<dyn Mailer>(Arc::new(Postcard));
    services
}

/// Runs a job of this entry as a worker does.
async fn run_with(services: Services, entry: &JobEntry, payload: &str) -> Settled {
    let scope = Scope::new(Arc::new(services), JobContext::test());
    let run = entry.handler.call(Call { payload: payload.to_owned(), scope }).expect("the arguments decode");
    run.await
}

async fn run(entry: &JobEntry, payload: &str) -> Settled {
    run_with(services(), entry, payload).await
}

/// Why the arguments do not decode.
fn refused(entry: &JobEntry, payload: &str) -> String {
    let scope = Scope::new(Arc::new(services()), JobContext::test());
    match entry.handler.call(Call { payload: payload.to_owned(), scope }) {
        Ok(_) => panic!("{payload} was accepted"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn what_job_writes_the_handler_reads_in_the_order_of_the_fn() {
    let size = Size { width: 2, height: 3 };
    let job = resize::job(size, 10, Some("hi".to_owned())).into_new_job().unwrap();
    assert_eq!(job.payload, r#"{"size":{"width":2,"height":3},"factor":10,"note":"hi"}"#);
    let output = run(resize::entry(), &job.payload).await.unwrap();
    assert_eq!(output.as_deref(), Some(r#""20x30, hi, attempt 1""#));
}

#[tokio::test]
async fn the_fn_is_still_called_as_it_was_written() {
    nothing().await;
    let size = Size { width: 1, height: 1 };
    let text = resize(&Counter::default(), size, &JobContext::test(), 4, None).await.unwrap();
    assert_eq!(text, "4x4, no note, attempt 1");
}

#[tokio::test]
async fn a_missing_option_is_none_and_other_keys_are_left_alone() {
    let output = run(resize::entry(), r#"{"factor":1,"size":{"width":1,"height":1},"colour":"red"}"#).await.unwrap();
    assert_eq!(output.as_deref(), Some(r#""1x1, no note, attempt 1""#));
    assert_eq!(run(nightly::entry(), "{}").await.unwrap().as_deref(), Some("30"));
}

#[test]
fn arguments_that_do_not_decode_are_named_before_anything_runs() {
    assert_eq!(refused(resize::entry(), r#"{"factor":1}"#), "argument `size` is missing");
    let message = refused(resize::entry(), r#"{"size":{"width":1,"height":1},"factor":"x"}"#);
    assert!(message.starts_with("argument `factor`: invalid type: string"), "{message}");
    assert!(refused(resize::entry(), "[]").starts_with("the payload is not a JSON object"));
}

#[tokio::test]
async fn a_job_without_arguments_reads_no_payload() {
    assert_eq!(run(nothing::entry(), "anything").await, Ok(None));
}

#[tokio::test]
async fn a_trait_object_is_found_by_its_trait() {
    let output = run(announce::entry(), r#"{"to":"Ann"}"#).await.unwrap();
    assert_eq!(output.as_deref(), Some(r#""a postcard to Ann and a postcard to myself""#));
}

#[tokio::test]
async fn a_missing_service_fails_the_run_and_is_named() {
    let failure = run_with(Services::new(), announce::entry(), r#"{"to":"Ann"}"#).await.unwrap_err();
    assert!(failure.message.contains("dyn handler::Mailer") && failure.message.contains(".provide("), "{failure:?}");
}

#[tokio::test]
async fn a_verdict_below_a_wrapper_decides() {
    for (status, message, directive) in [
        (404, "polling: the page is gone", Directive::Discard),
        (503, "polling: snoozed", Directive::Snooze(Duration::from_secs(600))),
        (500, "polling: status 500", Directive::Backoff),
    ] {
        let failure = run(poll::entry(), &format!(r#"{{"status":{status}}}"#)).await.unwrap_err();
        assert_eq!((failure.message.as_str(), failure.directive), (message, directive));
    }
    assert_eq!(run(poll::entry(), "{}").await, Ok(None));
}

#[test]
fn the_entry_holds_what_the_keys_say() {
    let entry = resize::entry();
    assert_eq!((resize::NAME, &*entry.name), ("resize", "resize"));
    assert_eq!((&*entry.queue, entry.priority, entry.retries), ("pictures", -5, Some(2)));
    assert_eq!((entry.timeout, &entry.backoff), (Some(Duration::from_secs(90)), &None));
    assert_eq!((&*entry.aliases, &*entry.tags), (&["scale".into(), "shrink".into()][..], &["slow".into()][..]));
    assert_eq!((entry.module, entry.location.file.ends_with("handler.rs")), ("handler", true));
    assert_eq!(
        format!("{:?} {:?}", entry.arguments, entry.services),
        "[size: handler::Size, factor: u32, note: core::option::Option<alloc::string::String>] [&handler::Counter]"
    );
    assert_eq!(poll::entry().backoff.as_ref().unwrap().to_string(), "1m, 5m");
    let line = include_str!("handler.rs").lines().position(|line| line.starts_with("#[job(aliases")).unwrap();
    assert_eq!(entry.location.line as usize, line + 1);
}

#[test]
fn a_schedule_is_written_down_as_it_was_given() {
    let mut schedule = ScheduleEntry::new(ScheduleText::Cron("0 2 * * *".into()));
    (schedule.key, schedule.zone) = (Some("night".into()), Some("Europe/Berlin".into()));
    schedule.run_on_start = Some(RunOnStart::Process);
    let shown = |schedule: &ScheduleEntry| format!("{schedule:?}");
    assert_eq!(nightly::entry().schedules.iter().map(shown).collect::<Vec<_>>(), [shown(&schedule)]);
    assert_eq!(poll::entry().schedules[0].spec, ScheduleText::Every("5m".into()));
    assert!(nothing::entry().schedules.is_empty());
}

#[test]
fn every_job_of_this_file_is_linked_and_found_by_its_earlier_names() {
    let registry = Registry::new(Registry::linked().cloned()).unwrap();
    let names: Vec<&str> = registry.entries().iter().map(|entry| &*entry.name).collect();
    assert_eq!(names, ["announce", "nightly", "nothing", "poll", "resize"]);
    assert_eq!(registry.get("shrink").unwrap().location, resize::entry().location);
}
