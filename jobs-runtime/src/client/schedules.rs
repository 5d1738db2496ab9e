//! The schedules, for people and programs that look at them and change them while workers run.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use jobs_core::schedule::{Frame, Overlap, Spec, Times, Zone};
use jobs_core::store::{
    Deal, Fire, Fired, MAX_SCHEDULES, NewSchedule, Now, Occasion, OverrideTimes, ScheduleAnswer, ScheduleChange, ScheduleFilter,
    ScheduleRecord, Store, TickFilter, TickRecord,
};
use jobs_core::{JobId, ScheduleError, StoreError};

use crate::env::Env;
use crate::scheduler::{beside, job_of};

/// Looks at schedules and changes them, for all processes, while workers run: [`Client::schedules`](super::Client::schedules).
///
/// What stands in code is declared by each worker that starts, and kept so by those that run. It can be paused, given other times and run
/// here, but not removed. What is saved here exists in the store alone.
///
/// ```
/// # use jobs_runtime::{Client, NewJob, ScheduleError};
/// # use jobs_runtime::schedule::{NewSchedule, Overlap, Spec};
/// # async fn example(client: &Client) -> Result<(), ScheduleError> {
/// let schedules = client.schedules();
/// let job = NewJob::new("send_report", r#"{"to":"ann@example.com"}"#);
/// let report = NewSchedule::new("report-ann", job)?.times(&Spec::daily_at(9, 0).unwrap()).tz("Europe/Berlin");
/// schedules.save(report.overlap(Overlap::Queue)).await?;
///
/// for view in schedules.list().await? {
///     println!("{}: {}, next {:?}", view.key(), view.describe(), view.next_ticks(3));
/// }
/// schedules.pause("report-ann").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Schedules<'a> {
    client: &'a super::Client,
}

/// A schedule, with what follows from it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScheduleView {
    /// The row in the store.
    pub record: ScheduleRecord,
    /// When it was looked at, by the store's clock.
    pub now: Timestamp,
    times: Result<Times, String>,
}

impl ScheduleView {
    fn new(record: ScheduleRecord, now: Timestamp) -> Self {
        let (spec, zone) = record.times_text();
        let times = match &record.unreadable {
            Some(unreadable) => Err(unreadable.because.clone()),
            None => Times::parse(spec, zone).map_err(|error| error.to_string()),
        };
        Self { record, now, times }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.record.schedule.key
    }

    /// Why its row cannot be read here, if it cannot; such a schedule does not tick in this build.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.times.as_ref().err().map(String::as_str)
    }

    /// Whether it stands in code.
    #[must_use]
    pub const fn is_in_code(&self) -> bool {
        self.record.schedule.build.is_some()
    }

    /// The times in force, in plain words: `at 09:00 every day, Europe/Berlin`.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.times {
            Ok(Times::Never) => "only on start or on request".to_owned(),
            Ok(Times::Once) => "once".to_owned(),
            Ok(Times::At(schedule)) => schedule.describe(),
            Err(problem) => problem.clone(),
        }
    }

    /// Its next ticks, at most `count` of them (and 1,000): none while it is paused or not enabled. Jitter is not in them.
    #[must_use]
    pub fn next_ticks(&self, count: usize) -> Vec<Timestamp> {
        let Some(times) = self.times.as_ref().ok().filter(|_| self.record.is_active()) else { return Vec::new() };
        let schedule = &self.record.schedule;
        let frame = Frame { times, misfire: schedule.misfire, starts: schedule.starts_at, ends: schedule.ends_at };
        let last = self.record.last_tick;
        if matches!(times, Times::Once) {
            return frame.next_after(last).map(|at| at.max(self.now)).into_iter().take(count).collect();
        }
        let next = std::iter::successors(frame.next_after(last.max(self.now)), |tick| frame.next_after(*tick));
        next.take(count.min(1_000)).collect()
    }
}

impl<'a> Schedules<'a> {
    pub(super) const fn new(client: &'a super::Client) -> Self {
        Self { client }
    }

    const fn store(self) -> &'a Arc<dyn Store> {
        &self.client.store
    }

    const fn env(self) -> &'a Env {
        &self.client.env
    }

    fn now(self) -> Now {
        self.env().now()
    }

    /// All schedules, by key.
    pub async fn list(self) -> Result<Vec<ScheduleView>, StoreError> {
        self.found(ScheduleFilter::default()).await
    }

    /// The schedules of a group, by key.
    pub async fn list_group(self, group: impl Into<String> + Send) -> Result<Vec<ScheduleView>, StoreError> {
        self.found(ScheduleFilter { group: Some(group.into()), ..ScheduleFilter::default() }).await
    }

    /// The schedule of this key.
    pub async fn get(self, key: impl Into<String> + Send) -> Result<Option<ScheduleView>, StoreError> {
        Ok(self.found(ScheduleFilter { key: Some(key.into()), ..ScheduleFilter::default() }).await?.pop())
    }

    async fn found(self, filter: ScheduleFilter) -> Result<Vec<ScheduleView>, StoreError> {
        let found = self.store().schedules(self.now(), filter).await?;
        Ok(found.schedules.into_iter().map(|record| ScheduleView::new(record, found.now)).collect())
    }

    /// Creates a schedule, or changes the one of its key. Answers whether it is new. Other times count from now; what a person has
    /// paused or given other times stays so.
    pub async fn save(self, schedule: NewSchedule) -> Result<bool, ScheduleError> {
        let answers = self.save_all(vec![schedule]).await?;
        Ok(answers.first() == Some(&ScheduleAnswer::Created))
    }

    /// The same for many: all or none, at most [`MAX_SCHEDULES`] a call. Answers for each what became of it.
    pub async fn save_all(self, schedules: Vec<NewSchedule>) -> Result<Vec<ScheduleAnswer>, ScheduleError> {
        let keys = checked(&schedules)?;
        self.change(keys, ScheduleChange::Save { schedules }).await
    }

    /// Makes these schedules all that a group has, in one step: all or none, at most [`MAX_SCHEDULES`] a call. What the group had
    /// beside them is removed, and what is unchanged keeps its place in time. For schedules that are loaded from a table of one's own.
    pub async fn replace_group(
        self,
        group: impl Into<String> + Send,
        schedules: Vec<NewSchedule>,
    ) -> Result<Vec<ScheduleAnswer>, ScheduleError> {
        let keys = checked(&schedules)?;
        let group = group.into();
        if let Err(error) = jobs_core::name::check("group", &group) {
            return Err(ScheduleError::Invalid { key: group, mistakes: vec![error.to_string()] });
        }
        self.change(keys, ScheduleChange::ReplaceGroup { group, schedules }).await
    }

    /// Removes a schedule that exists in the store alone. Its jobs stay.
    pub async fn remove(self, key: impl Into<String> + Send) -> Result<(), ScheduleError> {
        let keys = vec![key.into()];
        self.known(keys.clone(), ScheduleChange::Remove { keys }).await.map(drop)
    }

    /// Stops a schedule from ticking, through deploys and restarts, until it is resumed. Answers whether it was not paused before.
    pub async fn pause(self, key: impl Into<String> + Send) -> Result<bool, ScheduleError> {
        let keys = vec![key.into()];
        self.known(keys.clone(), ScheduleChange::Pause { keys }).await
    }

    /// Lets a schedule tick again. What passed meanwhile was not missed; it is accounted for as skipped. Answers whether it was paused.
    pub async fn resume(self, key: impl Into<String> + Send) -> Result<bool, ScheduleError> {
        let keys = vec![key.into()];
        self.known(keys.clone(), ScheduleChange::Resume { keys }).await
    }

    /// Gives a schedule other times than its own, through deploys and restarts, until they are [dropped](Self::drop_times). They count
    /// from now. Answers whether anything changed.
    pub async fn give_times(self, key: impl Into<String> + Send, spec: &Spec, zone: &Zone) -> Result<bool, ScheduleError> {
        let text = match spec {
            Spec::Every(_) => format!("every {spec}"),
            Spec::Cron(_) | Spec::Once => format!("cron {spec}"),
        };
        // The zone of this machine goes by its name: others may lie elsewhere.
        let name = zone.time_zone().iana_name().filter(|_| zone.name() == "local").unwrap_or(zone.name());
        let key = key.into();
        if let Err(error) = Times::parse(&text, name) {
            return Err(ScheduleError::Invalid { key, mistakes: vec![error.to_string()] });
        }
        let times = Some(OverrideTimes { spec: text, zone: name.to_owned() });
        self.known(vec![key.clone()], ScheduleChange::Override { key, times }).await
    }

    /// Gives a schedule its own times again. Answers whether it had others.
    pub async fn drop_times(self, key: impl Into<String> + Send) -> Result<bool, ScheduleError> {
        let key = key.into();
        self.known(vec![key.clone()], ScheduleChange::Override { key, times: None }).await
    }

    /// Makes a job of a schedule now, beside its times: whether it is paused or not, and whatever still runs. When the store does not
    /// answer, whether it was made is unknown: [`ticks`](Self::ticks) shows it.
    pub async fn trigger(self, key: impl Into<String> + Send) -> Result<JobId, ScheduleError> {
        let key = key.into();
        let Some(ScheduleView { record, .. }) = self.get(key.clone()).await? else {
            return Err(ScheduleError::Unknown { key });
        };
        if let Some(unreadable) = record.unreadable {
            return Err(ScheduleError::Invalid { key, mistakes: vec![unreadable.because] });
        }
        let mut tick = beside(self.now().wall);
        for _ in 0..10 {
            let fire = Fire {
                key: key.clone(),
                occasion: Occasion::Request,
                tick,
                missed: 0,
                overlap: Overlap::Allow,
                deal: Deal::Job(Box::new(job_of(&record, tick, self.env().job_id()))),
            };
            if let Some(Fired::Job(id)) = self.store().fire(self.now(), vec![fire]).await?.first() {
                return Ok(*id);
            }
            // At this very instant there was a tick, or another request.
            tick = tick.saturating_add(SignedDuration::from_micros(1)).unwrap_or(tick);
        }
        Err(ScheduleError::Unknown { key })
    }

    /// What became of the ticks of a schedule, the latest first: fired, how late, or skipped and why. They are kept as long as completed
    /// jobs, and a day at least.
    pub async fn ticks(self, filter: TickFilter) -> Result<Vec<TickRecord>, StoreError> {
        self.store().ticks(filter).await
    }

    async fn change(self, keys: Vec<String>, change: ScheduleChange) -> Result<Vec<ScheduleAnswer>, ScheduleError> {
        let answers = self.store().change_schedules(self.now(), change).await?;
        for (key, answer) in keys.into_iter().zip(&answers) {
            match answer {
                ScheduleAnswer::Taken(owner) => return Err(ScheduleError::Taken { key, owner: owner.clone() }),
                ScheduleAnswer::Unknown => return Err(ScheduleError::Unknown { key }),
                _ => {}
            }
        }
        Ok(answers)
    }

    /// Changes one schedule that there is. Answers whether anything changed.
    async fn known(self, keys: Vec<String>, change: ScheduleChange) -> Result<bool, ScheduleError> {
        Ok(self.change(keys, change).await?.first() == Some(&ScheduleAnswer::Changed))
    }
}

/// How many schedules of one call an error names, beside the first.
const MOST_NAMED: usize = 20;

/// The keys of schedules that can be stored.
fn checked(schedules: &[NewSchedule]) -> Result<Vec<String>, ScheduleError> {
    if schedules.len() > MAX_SCHEDULES {
        return Err(ScheduleError::TooMany { schedules: schedules.len(), limit: MAX_SCHEDULES });
    }
    let mut wrong = schedules.iter().filter_map(|schedule| schedule.check().err());
    match wrong.next() {
        None => Ok(schedules.iter().map(|schedule| schedule.key.clone()).collect()),
        Some(ScheduleError::Invalid { key, mut mistakes }) => {
            mistakes.extend(wrong.by_ref().take(MOST_NAMED).map(|error| error.to_string()));
            let rest = wrong.count();
            if rest > 0 {
                mistakes.push(format!("and {rest} more schedules of this call cannot be stored"));
            }
            Err(ScheduleError::Invalid { key, mistakes })
        }
        Some(error) => Err(error),
    }
}
