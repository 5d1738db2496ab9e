//! Registration by hand of a named closure, as an equal of a `#[job]` fn.

use std::borrow::Cow;
use std::future::Future;
use std::panic::Location as Caller;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::outcome::Outcome;
use jobs_core::schedule::RunOnStart;
use jobs_core::registry::{Handler, Location, ScheduleEntry, ScheduleText};
use jobs_core::{Backoff, JobContext, JobEntry};

/// A kind of job made of a closure: it has a name and may have a schedule, but no arguments.
///
/// ```
/// use jobs_runtime::{JobContext, closure};
///
/// let entry = closure("refresh", |ctx: JobContext| async move {
///     println!("attempt {} of {}", ctx.attempt(), ctx.kind());
///     Ok::<_, std::io::Error>(())
/// })
/// .every("10s")
/// .retries(0);
/// # let _ = jobs_runtime::Runtime::builder().register(entry);
/// ```
#[must_use = "a closure becomes a job only when it is registered: `Runtime::builder().register(..)`"]
#[derive(Clone, Debug)]
pub struct ClosureJob {
    entry: JobEntry,
}

/// Names a closure as a job.
#[track_caller]
pub fn closure<F, Fut>(name: impl Into<Cow<'static, str>>, run: F) -> ClosureJob
where
    F: Fn(JobContext) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Outcome,
{
    let caller = Caller::caller();
    let location = Location { file: caller.file(), line: caller.line() };
    let run = Arc::new(run);
    let handler = Handler::Closure(Arc::new(move |call| {
        let run = Arc::clone(&run);
        Ok(Box::pin(async move { run(call.scope.context().clone()).await.settle() }))
    }));
    ClosureJob { entry: JobEntry::new(name.into(), "", location, handler) }
}

impl ClosureJob {
    /// Runs it by a cron expression.
    pub fn cron(self, text: impl Into<Cow<'static, str>>) -> Self {
        self.spec(ScheduleText::Cron(text.into()))
    }

    /// Runs it at an interval such as `10s`, counted from the Unix epoch.
    pub fn every(self, text: impl Into<Cow<'static, str>>) -> Self {
        self.spec(ScheduleText::Every(text.into()))
    }

    /// Names the time zone of its cron expression; UTC unless given.
    pub fn tz(mut self, zone: impl Into<Cow<'static, str>>) -> Self {
        self.schedule().zone = Some(zone.into());
        self
    }

    /// Runs it each time a worker starts, too.
    pub fn run_on_start(mut self) -> Self {
        self.schedule().run_on_start = Some(RunOnStart::Process);
        self
    }

    /// Puts its jobs into this queue.
    pub fn queue(mut self, queue: impl Into<Cow<'static, str>>) -> Self {
        self.entry.queue = queue.into();
        self
    }

    /// Gives its jobs this priority. Smaller runs first.
    pub fn priority(mut self, priority: i16) -> Self {
        self.entry.priority = priority;
        self
    }

    /// How often a job is tried again after its first failure.
    pub fn retries(mut self, retries: u32) -> Self {
        self.entry.retries = Some(retries);
        self
    }

    /// How long it waits between attempts.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.entry.backoff = Some(backoff);
        self
    }

    /// How long an attempt may take.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.entry.timeout = Some(timeout);
        self
    }

    fn spec(mut self, spec: ScheduleText) -> Self {
        self.schedule().spec = spec;
        self
    }

    fn schedule(&mut self) -> &mut ScheduleEntry {
        let schedules = self.entry.schedules.to_mut();
        if schedules.is_empty() {
            schedules.push(ScheduleEntry::new(ScheduleText::Never));
        }
        &mut schedules[0]
    }
}

impl From<ClosureJob> for JobEntry {
    fn from(job: ClosureJob) -> Self {
        job.entry
    }
}
