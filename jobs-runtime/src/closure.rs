//! Registration by hand of a named closure, as an equal of a `#[job]` fn.

use std::borrow::Cow;
use std::future::Future;
use std::panic::Location as Caller;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::outcome::Outcome;
use jobs_core::registry::{Handler, Location, ScheduleEntry, ScheduleText};
use jobs_core::schedule::{Misfire, Moment, Overlap, RunOnStart};
use jobs_core::{Backoff, JobContext, JobEntry};

/// A kind of job made of a closure: it has a name and may have schedules, but no arguments.
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

    /// Names the time zone of its cron expression, its beginning and its end; that of the settings unless given, which is UTC by default.
    pub fn tz(self, zone: impl Into<Cow<'static, str>>) -> Self {
        self.set(|schedule| schedule.zone = Some(zone.into()))
    }

    /// Gives its schedule a key in the store; the name of the closure unless given.
    pub fn key(self, key: impl Into<Cow<'static, str>>) -> Self {
        self.set(|schedule| schedule.key = Some(key.into()))
    }

    /// Runs it each time a worker starts, too.
    pub fn run_on_start(self) -> Self {
        self.set(|schedule| schedule.run_on_start = Some(RunOnStart::Process))
    }

    /// Runs it once for each build, too, when the first worker of that starts.
    pub fn run_on_deployment(self) -> Self {
        self.set(|schedule| schedule.run_on_start = Some(RunOnStart::Deployment))
    }

    /// Says what becomes of missed ticks; the latest stands for all of them unless given.
    pub fn misfire(self, misfire: Misfire) -> Self {
        self.set(|schedule| schedule.misfire = misfire)
    }

    /// Says what becomes of a tick while the last run is not over; it is skipped unless given.
    pub fn overlap(self, overlap: Overlap) -> Self {
        self.set(|schedule| schedule.overlap = overlap)
    }

    /// Lets each run begin later than its tick by up to this, a day at most.
    pub fn jitter(self, jitter: Duration) -> Self {
        self.set(|schedule| schedule.jitter = jitter)
    }

    /// Runs it not before this moment.
    pub fn starts(self, moment: Moment) -> Self {
        self.set(|schedule| schedule.starts = Some(moment))
    }

    /// Runs it neither at this moment nor after it.
    pub fn ends(self, moment: Moment) -> Self {
        self.set(|schedule| schedule.ends = Some(moment))
    }

    /// Begins one more schedule, about which the calls say something that follow. All but one need a [`key`](Self::key).
    ///
    /// ```
    /// use jobs_runtime::schedule::{Misfire, Moment};
    /// use jobs_runtime::{JobContext, closure};
    ///
    /// let entry = closure("report", |_: JobContext| async {})
    ///     .cron("0 9 * * MON-FRI")
    ///     .misfire(Misfire::Skip)
    ///     .also()
    ///     .every("1h")
    ///     .key("hourly")
    ///     .ends(Moment::parse("2027-12-24")?);
    /// # let _ = jobs_runtime::Runtime::builder().register(entry);
    /// # Ok::<(), jobs_core::TextError>(())
    /// ```
    pub fn also(mut self) -> Self {
        self.entry.schedules.to_mut().push(ScheduleEntry::new(ScheduleText::Never));
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

    fn spec(self, spec: ScheduleText) -> Self {
        self.set(|schedule| schedule.spec = spec)
    }

    /// Changes the schedule that was begun last.
    fn set(mut self, change: impl FnOnce(&mut ScheduleEntry)) -> Self {
        let schedules = self.entry.schedules.to_mut();
        if schedules.is_empty() {
            schedules.push(ScheduleEntry::new(ScheduleText::Never));
        }
        if let Some(last) = schedules.last_mut() {
            change(last);
        }
        self
    }
}

impl From<ClosureJob> for JobEntry {
    fn from(job: ClosureJob) -> Self {
        job.entry
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jobs_core::registry::ScheduleText;
    use jobs_core::schedule::{Misfire, Moment, Overlap, RunOnStart};
    use jobs_core::{JobContext, JobEntry};

    use super::closure;

    #[test]
    fn each_call_says_something_about_the_schedule_that_was_begun_last() {
        let moment = |text| Moment::parse(text).unwrap();
        let job = closure("work", |_: JobContext| async {})
            .every("1h")
            .misfire(Misfire::Skip)
            .run_on_start()
            .also()
            .key("late")
            .cron("@daily")
            .tz("Europe/Berlin")
            .overlap(Overlap::Cancel)
            .jitter(Duration::from_secs(5))
            .starts(moment("2027-01-31"))
            .ends(moment("2027-12-24"))
            .run_on_deployment();
        let [first, second] = &*JobEntry::from(job).schedules else { panic!("two schedules are expected") };
        assert_eq!((&first.key, &first.spec, first.misfire), (&None, &ScheduleText::Every("1h".into()), Misfire::Skip));
        assert_eq!((first.run_on_start, first.overlap), (Some(RunOnStart::Process), Overlap::Skip));
        assert_eq!((&second.spec, second.overlap), (&ScheduleText::Cron("@daily".into()), Overlap::Cancel));
        assert_eq!((second.key.as_deref(), second.zone.as_deref()), (Some("late"), Some("Europe/Berlin")));
        assert_eq!((second.starts, second.ends), (Some(moment("2027-01-31")), Some(moment("2027-12-24"))));
        assert_eq!((second.jitter, second.misfire), (Duration::from_secs(5), Misfire::Once));
        assert_eq!(second.run_on_start, Some(RunOnStart::Deployment));
        assert!(JobEntry::from(closure("idle", |_: JobContext| async {})).schedules.is_empty());
    }
}
