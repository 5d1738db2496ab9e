//! What the runtime tells `tracing`: a span around each attempt, and never an argument or an error of a job at info or above.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, PoisonError};

use jobs_core::{JobId, NewJob, State};
use jobs_runtime::{Enqueue, Job, Verdict, job};
use tests::{Step, World, enqueue, on_every_store, script, stop};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// What no line may hold.
const SECRET: &str = "hunter2";

/// Keeps each span and event as a line: level, name and fields.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(Level, String)>>>);

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl Lines {
    fn add(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Fields<'_>)) {
        let mut line = metadata.name().to_owned();
        record(&mut Fields(&mut line));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((*metadata.level(), line));
    }

    fn all(&self) -> Vec<(Level, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("jobs")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.add(span.metadata(), |fields| span.record(fields));
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.add(event.metadata(), |fields| event.record(fields));
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

#[job(name = "telling", retries = 0)]
async fn telling(word: u32) {
    let _ = word;
}

/// One test alone, since the subscriber is that of the whole process.
#[tokio::test]
async fn every_attempt_has_a_span_and_no_secret_is_told() {
    let lines = Lines::default();
    tracing::subscriber::set_global_default(lines.clone()).unwrap();
    on_every_store(async |world| {
        let told_before = lines.all().len();
        let ids = tell_everything(world).await;
        let told = lines.all().split_off(told_before);
        for id in ids {
            let spans = told.iter().filter(|(_, line)| line.starts_with("job ") && line.contains(&id.to_string())).count();
            assert_eq!(spans, 1, "job {id}");
        }
    })
    .await;
    for (level, line) in lines.all() {
        assert!(level > Level::INFO || !line.contains(SECRET), "{level} {line}");
    }
    let told = lines.all().into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    for name in ["jobs.started", "jobs.registered", "jobs.failed", "jobs.parked", "jobs.stopping", "jobs.stopped", "jobs.attempt"]
    {
        assert!(told.contains(name), "{name} was not told");
    }
}

/// Lets jobs end in every way, with the secret wherever a job may have one. Answers their ids.
async fn tell_everything(world: &World) -> Vec<JobId> {
    let store = world.store().await;
    let (work, mut runs) = script("work");
    let builder = world.builder(&store).concurrency(1).register(work.retries(1)).register(telling::entry().clone());
    let runtime = builder.start().await.unwrap();
    let client = runtime.client();
    let parked = client.enqueue_one(NewJob::new("telling", format!(r#"{{"word":"{SECRET}"}}"#))).await.unwrap();
    world.job_in(client, parked, State::Parked).await;
    let mut ids = vec![parked];
    for (step, state) in [
        (Step::Fail(SECRET.into()), State::Retryable),
        (Step::PanicWith(SECRET.to_owned()), State::Retryable),
        (Step::Fail(Verdict::discard(SECRET).into()), State::Failed),
        (Step::Fail(Verdict::cancel(SECRET).into()), State::Cancelled),
        (Step::Succeed(SECRET.into()), State::Completed),
    ] {
        let mut job = NewJob::new("work", format!(r#"{{"password":"{SECRET}"}}"#));
        job.metadata = serde_json::json!({ "key": SECRET }).as_object().cloned();
        job.tenant = Some(SECRET.to_owned());
        let id = client.enqueue_one(job).await.unwrap();
        runs.next().await.play(step);
        world.job_in(client, id, state).await;
        ids.push(id);
    }
    enqueue(client, "nobody").await;
    stop(runtime).await;
    ids
}
