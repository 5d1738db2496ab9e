//! A job from its entry to its outcome, without a store or a worker: decode, inject, call, settle.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jobs_core::outcome::Failure;
use jobs_core::scope::UnitOfWork;
use jobs_core::{Ending, Statement};
use jobs_runtime::__private::{Call, Directive, JobEntry, Registry, ScheduleEntry, ScheduleText, Scope, Services, Settled};
use jobs_runtime::schedule::{Misfire, Moment, Overlap, RunOnStart};
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

#[job(
    cron = "@daily",
    args(greeting = "hi", only = Some("all".to_owned()), count = 3),
    schedule(
        every = "10m",
        key = "often",
        misfire = "all 20 within 2h",
        overlap = "cancel",
        jitter = "1m30s",
        starts = "2027-01-31",
        ends = "2027-12-24T18:00:00-03:30",
        args(greeting = format!("hel{}", "lo"), count = u32::MAX)
    ),
    schedule(run_on_start = "deployment", key = "start", args(count = LIMIT, greeting = String::new()))
)]
async fn greet(greeting: String, count: u32, only: Option<String>) -> Result<String, Infallible> {
    Ok(format!("{greeting} {count} {only:?}"))
}

const LIMIT: u32 = 7;

#[job(every = "5m", args(map = BTreeMap::from([(vec![1], 2)])))]
async fn keyless(map: BTreeMap<Vec<u8>, u8>) {
    drop(map);
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

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, line: impl fmt::Display) {
        self.0.lock().unwrap().push(line.to_string());
    }

    fn taken(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(", ")
    }
}

/// Its lifetime is that of a connection, where it borrows one.
struct Transaction<'c> {
    log: Log,
    statements: Vec<String>,
    connection: PhantomData<&'c ()>,
}

struct Tenant(Log);

struct Lines<T> {
    log: Log,
    lines: Vec<T>,
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.log.add("rolled back, if not committed");
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        self.0.add("tenant dropped");
    }
}

impl<T> Drop for Lines<T> {
    fn drop(&mut self) {
        self.log.add(format_args!("{} lines dropped", self.lines.len()));
    }
}

#[job]
async fn transfer(
    tx: &mut Transaction<'_>,
    Tenant(tenant): &mut Tenant,
    counter: &Counter,
    how: String,
    ctx: &JobContext,
    lines: &mut Lines<String>,
) -> Result<u32, BoxError> {
    tokio::task::yield_now().await;
    tenant.add(format_args!("attempt {}", ctx.attempt()));
    lines.lines.push(how.clone());
    tx.statements.push(format!("insert {how}"));
    match &*how {
        "failing" => Err("no money".into()),
        "panicking" => panic!("no mind"),
        _ => Ok(counter.0.fetch_add(7, Ordering::Relaxed) + 7),
    }
}

#[job]
async fn charge(tx: &mut Transaction<'_>, order: u64) {
    tx.statements.push(order.to_string());
}

/// What goes wrong after the fn.
#[derive(Clone, Copy, Default, PartialEq)]
enum Fault {
    #[default]
    None,
    Tenant,
    Completion,
    Commit,
}

/// In the place of the engine.
struct Unit(Log, Fault);

impl UnitOfWork for Unit {
    fn begins(&self) {
        self.0.add("begins");
    }

    fn completion(&self, output: Option<&str>) -> Result<Statement, Failure> {
        self.0.add("completes");
        match self.1 {
            Fault::Completion => Err(Failure::new("the lease is lost")),
            _ => Ok(Statement::new("SELECT jobs.complete($1)", output.unwrap_or("nothing").to_owned())),
        }
    }

    fn committed(&self) {
        self.0.add("committed");
    }
}

/// A run with services of its own: what it noted, and how it ended.
async fn run_alone(entry: &JobEntry, payload: &str, fault: Fault) -> (String, Result<Settled, tokio::task::JoinError>) {
    let log = Log::default();
    let mut services = services();
    services.provide(log.clone());
    services.provide_scoped(
        |scope: Scope| async move { Ok(Lines::<String> { log: scope.service::<Log>()?.clone(), lines: vec![] }) },
    );
    services.provide_scoped_with(
        |scope: Scope| async move { Ok(Tenant(scope.service::<Log>()?.clone())) },
        move |tenant: Tenant, ending: Ending| async move {
            tenant.0.add(format_args!("tenant {ending:?}"));
            if fault == Fault::Tenant { Err("no line".into()) } else { Ok(()) }
        },
    );
    services.provide_transaction(
        |scope: Scope| async move {
            let log = scope.service::<Log>()?.clone();
            Ok(Transaction::<'static> { log, statements: vec![], connection: PhantomData })
        },
        move |mut tx: Transaction<'static>, completion: Statement| async move {
            tx.statements.push(format!("{} of {}", completion.sql(), completion.parameter()));
            tokio::task::yield_now().await;
            if fault == Fault::Commit {
                return Err(Verdict::discard("a row of another").into());
            }
            tx.log.add(format_args!("commit: {}", tx.statements.join("; ")));
            Ok(())
        },
    );
    let scope = Scope::new(Arc::new(services), JobContext::test()).with_unit(Arc::new(Unit(log.clone(), fault)));
    let run = entry.handler.call(Call { payload: payload.to_owned(), scope }).expect("the arguments decode");
    let settled = tokio::spawn(run).await;
    (log.taken(), settled)
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
async fn the_services_of_a_run_are_made_passed_ended_and_committed_with_its_output() {
    let (log, settled) = run_alone(transfer::entry(), r#"{"how":"well"}"#, Fault::None).await;
    let ended = "1 lines dropped, tenant Completed, tenant dropped";
    let commit = "completes, commit: insert well; SELECT jobs.complete($1) of 7, rolled back, if not committed, committed";
    assert_eq!(log, format!("begins, attempt 1, {ended}, {commit}"));
    assert_eq!(settled.unwrap(), Ok(Some("7".to_owned())));

    let (log, settled) = run_alone(charge::entry(), r#"{"order":3}"#, Fault::None).await;
    let commit = "commit: 3; SELECT jobs.complete($1) of nothing, rolled back, if not committed";
    assert_eq!(log, format!("begins, completes, {commit}, committed"));
    assert_eq!(settled.unwrap(), Ok(None));
}

#[tokio::test]
async fn after_an_error_the_transaction_is_dropped_and_the_others_end_as_failed() {
    let (log, settled) = run_alone(transfer::entry(), r#"{"how":"failing"}"#, Fault::None).await;
    let ended = "1 lines dropped, tenant Failed, tenant dropped";
    assert_eq!(log, format!("begins, attempt 1, rolled back, if not committed, {ended}"));
    assert_eq!(settled.unwrap(), Err(Failure::new("no money")));
}

#[tokio::test]
async fn after_a_panic_all_is_dropped_and_nothing_ended() {
    let (log, settled) = run_alone(transfer::entry(), r#"{"how":"panicking"}"#, Fault::None).await;
    assert_eq!(log, "begins, attempt 1, 1 lines dropped, tenant dropped, rolled back, if not committed");
    assert!(settled.unwrap_err().is_panic());
}

#[tokio::test]
async fn what_fails_after_the_fn_is_the_failure_of_the_run_and_nothing_is_committed() {
    let ran = "begins, attempt 1, 1 lines dropped, tenant Completed";
    for (fault, then, message, directive) in [
        (
            Fault::Tenant,
            "tenant dropped, rolled back, if not committed",
            "the work was done, but `handler::Tenant` did not end well: no line",
            Directive::Backoff,
        ),
        (Fault::Completion, "tenant dropped, completes, rolled back, if not committed", "the lease is lost", Directive::Backoff),
        (
            Fault::Commit,
            "tenant dropped, completes, rolled back, if not committed",
            "the transaction could not be committed: a row of another",
            Directive::Discard,
        ),
    ] {
        let (log, settled) = run_alone(transfer::entry(), r#"{"how":"well"}"#, fault).await;
        assert_eq!(log, format!("{ran}, {then}"));
        assert_eq!(settled.unwrap(), Err(Failure { message: message.to_owned(), directive }));
    }
}

#[tokio::test]
async fn a_missing_service_of_a_run_fails_it_and_is_named() {
    let failure = run(transfer::entry(), r#"{"how":"well"}"#).await.unwrap_err();
    let help = "was not provided: add `.provide_scoped(..)` or `.provide_transaction(..)` to the runtime's builder";
    assert!(failure.message.starts_with("the service `handler::Transaction"), "{failure:?}");
    assert!(failure.message.ends_with(help), "{failure:?}");
}

#[tokio::test]
async fn a_transaction_needs_a_runtime() {
    let mut services = Services::new();
    services.provide_transaction(
        |_| async { Err::<Transaction<'static>, _>("it was begun".into()) },
        |_, _| async { Err("it was committed".into()) },
    );
    let failure = run_with(services, charge::entry(), r#"{"order":3}"#).await.unwrap_err();
    assert!(failure.message.starts_with("`handler::Transaction"), "{failure:?}");
    assert!(failure.message.ends_with("completes the job when it is committed: only a runtime can do that"), "{failure:?}");
}

#[tokio::test]
async fn a_fn_with_services_of_its_own_is_called_as_it_was_written() {
    let log = Log::default();
    let mut tx = Transaction { log: log.clone(), statements: vec![], connection: PhantomData };
    let mut lines = Lines { log: log.clone(), lines: vec![] };
    let context = JobContext::test();
    let ran = transfer(&mut tx, &mut Tenant(log.clone()), &Counter::default(), "well".into(), &context, &mut lines).await;
    assert_eq!((ran.unwrap(), tx.statements.len(), lines.lines.len()), (7, 1, 1));
    assert_eq!(transfer::job("well".into()).into_new_job().unwrap().payload, r#"{"how":"well"}"#);
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
    let schedule = ScheduleEntry {
        key: Some("night".into()),
        spec: ScheduleText::Cron("0 2 * * *".into()),
        zone: Some("Europe/Berlin".into()),
        run_on_start: Some(RunOnStart::Process),
        ..ScheduleEntry::new(ScheduleText::Never)
    };
    assert_eq!(format!("{:?}", nightly::entry().schedules), format!("{:?}", [schedule]));
    assert_eq!(poll::entry().schedules[0].spec, ScheduleText::Every("5m".into()));
    assert!(nothing::entry().schedules.is_empty());
}

#[test]
fn every_key_of_several_schedules_is_written_down_as_it_was_given() {
    let [first, second, third] = &*greet::entry().schedules else { panic!("three schedules are expected") };
    assert_eq!((first.misfire, first.overlap), (Misfire::Once, Overlap::Skip));
    assert_eq!((first.jitter, first.starts, first.ends, first.run_on_start), (Duration::ZERO, None, None, None));
    assert_eq!((first.key.as_deref(), second.key.as_deref(), third.key.as_deref()), (None, Some("often"), Some("start")));
    assert_eq!(second.misfire, Misfire::All { limit: 20, within: Duration::from_secs(7_200) });
    assert_eq!((second.overlap, second.jitter), (Overlap::Cancel, Duration::from_secs(90)));
    assert_eq!(second.starts, Moment::parse("2027-01-31").ok());
    assert_eq!(second.ends, Moment::parse("2027-12-24T18:00:00-03:30").ok());
    assert_eq!((&third.spec, third.run_on_start), (&ScheduleText::Never, Some(RunOnStart::Deployment)));
}

#[tokio::test]
async fn the_arguments_of_a_schedule_are_those_that_the_job_would_write_and_read() {
    let payload = |nth: usize| greet::entry().schedules[nth].payload.unwrap()().unwrap();
    assert_eq!(payload(0), greet::job("hi".into(), 3, Some("all".into())).into_new_job().unwrap().payload);
    for (nth, output) in [(0, "hi 3 Some(\"all\")"), (1, "hello 4294967295 None"), (2, " 7 None")] {
        let ran = run(greet::entry(), &payload(nth)).await.unwrap();
        assert_eq!(ran, Some(serde_json::to_string(output).unwrap()));
    }
}

#[test]
fn an_argument_without_a_json_form_is_an_error_of_its_schedule() {
    let error = keyless::entry().schedules[0].payload.unwrap()().unwrap_err();
    assert!(error.to_string().starts_with("argument `map` cannot be written as JSON: "), "{error}");
}

#[test]
fn every_job_of_this_file_is_linked_and_found_by_its_earlier_names() {
    let registry = Registry::new(Registry::linked().cloned()).unwrap();
    let names: Vec<&str> = registry.entries().iter().map(|entry| &*entry.name).collect();
    assert_eq!(names, ["announce", "charge", "greet", "keyless", "nightly", "nothing", "poll", "resize", "transfer"]);
    assert_eq!(registry.get("shrink").unwrap().location, resize::entry().location);
}
