//! A schedule before it is stored, and what is asked of it.

use std::time::Duration;

use jiff::Timestamp;

use super::ScheduleRecord;
use crate::error::{EnqueueError, ScheduleError};
use crate::job::{IntoJob, NewJob, When};
use crate::schedule::{Misfire, Overlap, Spec, Times};

/// The longest jitter.
pub const MAX_JITTER: Duration = Duration::from_secs(86_400);

/// A schedule to be stored: its times, and the job that each of its ticks makes.
///
/// ```
/// use jobs_core::schedule::{Misfire, Overlap};
/// use jobs_core::store::NewSchedule;
/// use jobs_core::NewJob;
///
/// let job = NewJob::new("send_report", r#"{"to":"ann@example.com"}"#);
/// let schedule = NewSchedule::new("report:ann", job)?
///     .cron("0 9 * * MON-FRI")
///     .tz("Europe/Berlin")
///     .misfire(Misfire::Skip)
///     .overlap(Overlap::Queue);
/// assert!(schedule.check().is_ok());
/// # Ok::<(), jobs_core::EnqueueError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewSchedule {
    /// Its key, unique in the store.
    pub key: String,
    /// Its times: `cron 0 2 * * *`, `every 10s`, or `never`.
    pub spec: String,
    /// The time zone's name; UTC unless given.
    pub zone: String,
    /// What its jobs are made of: the kind, the arguments, and all else that they bear. It is due at once, and has no id and no name.
    pub job: NewJob,
    /// What becomes of missed ticks.
    pub misfire: Misfire,
    /// What becomes of a tick while the last run is not over.
    pub overlap: Overlap,
    /// By how much a job may come later than its tick.
    pub jitter: Duration,
    /// No tick before it.
    pub starts_at: Option<Timestamp>,
    /// No tick at it, or after it.
    pub ends_at: Option<Timestamp>,
    /// Whether it ticks at all.
    pub enabled: bool,
    /// The group that it is replaced with, if it has one.
    pub group: Option<String>,
    /// The build whose code it stands in. `None`: it exists in the store alone.
    pub build: Option<String>,
}

impl NewSchedule {
    /// A schedule without times, of jobs like this one.
    pub fn new(key: impl Into<String>, job: impl IntoJob) -> Result<Self, EnqueueError> {
        Ok(Self {
            key: key.into(),
            spec: "never".to_owned(),
            zone: "UTC".to_owned(),
            job: job.into_new_job()?,
            misfire: Misfire::default(),
            overlap: Overlap::default(),
            jitter: Duration::ZERO,
            starts_at: None,
            ends_at: None,
            enabled: true,
            group: None,
            build: None,
        })
    }

    /// By the calendar: a cron expression, a nickname such as `@daily`, or `@once`.
    #[must_use]
    pub fn cron(mut self, text: &str) -> Self {
        self.spec = format!("cron {text}");
        self
    }

    /// At an interval such as `10s`, counted from the Unix epoch.
    #[must_use]
    pub fn every(mut self, text: &str) -> Self {
        self.spec = format!("every {text}");
        self
    }

    /// At the times of a schedule that was made in code.
    #[must_use]
    pub fn times(self, spec: &Spec) -> Self {
        match spec {
            Spec::Every(_) => self.every(&spec.to_string()),
            Spec::Cron(_) | Spec::Once => self.cron(&spec.to_string()),
        }
    }

    /// Names the time zone of its cron expression.
    #[must_use]
    pub fn tz(mut self, zone: impl Into<String>) -> Self {
        self.zone = zone.into();
        self
    }

    /// Says what becomes of missed ticks.
    #[must_use]
    pub const fn misfire(mut self, misfire: Misfire) -> Self {
        self.misfire = misfire;
        self
    }

    /// Says what becomes of a tick while the last run is not over.
    #[must_use]
    pub const fn overlap(mut self, overlap: Overlap) -> Self {
        self.overlap = overlap;
        self
    }

    /// Lets its jobs come later than their ticks by up to this, each by another time.
    #[must_use]
    pub const fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// No tick before this instant.
    #[must_use]
    pub const fn starts_at(mut self, instant: Timestamp) -> Self {
        self.starts_at = Some(instant);
        self
    }

    /// No tick at this instant, or after it.
    #[must_use]
    pub const fn ends_at(mut self, instant: Timestamp) -> Self {
        self.ends_at = Some(instant);
        self
    }

    /// Whether it ticks at all. Ticks that pass meanwhile are not missed.
    #[must_use]
    pub const fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Checks everything, and says all that is wrong.
    pub fn check(&self) -> Result<(), ScheduleError> {
        let mut mistakes = Vec::new();
        if let Err(error) = crate::name::check("key", &self.key) {
            mistakes.push(error.to_string());
        }
        if let Some(Err(error)) = self.group.as_ref().map(|group| crate::name::check("group", group)) {
            mistakes.push(error.to_string());
        }
        if let Err(error) = Times::parse(&self.spec, &self.zone) {
            mistakes.push(error.to_string());
        }
        if let Err(error) = self.job.check() {
            mistakes.push(error.to_string());
        }
        if self.jitter > MAX_JITTER || !self.jitter.subsec_nanos().is_multiple_of(1_000_000) {
            let shown = crate::duration::format(self.jitter);
            mistakes.push(format!("jitter {shown} is not between 0s and 1d in whole milliseconds"));
        }
        if let (Some(starts), Some(ends)) = (self.starts_at, self.ends_at)
            && ends <= starts
        {
            mistakes.push(format!("it ends at {ends}, and begins at {starts}"));
        }
        let NewJob { id, name, when, tick, parent, .. } = &self.job;
        for (bears, what) in [
            (id.is_some(), "an id"),
            (name.is_some(), "a name"),
            (*when != When::Now, "a time at which it is due"),
            (tick.is_some(), "a tick"),
            (parent.is_some(), "a parent"),
        ] {
            if bears {
                mistakes.push(format!("its job has {what}, which not each of many jobs can have"));
            }
        }
        let payload = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&self.job.payload);
        if let Err(error) = payload {
            mistakes.push(format!("its arguments are no JSON object: {error}"));
        }
        if [&self.job.tenant, &self.job.user].iter().any(|text| text.as_ref().is_some_and(|text| text.contains('\0'))) {
            mistakes.push("its tenant or user has a zero byte in it".to_owned());
        }
        if mistakes.is_empty() && ScheduleRecord::new(self.clone(), Timestamp::UNIX_EPOCH).written_and_read() != *self {
            mistakes.push(
                "a value in it has no written form: a timeout in whole milliseconds, and at most 1,000 missed ticks of 100 years, have"
                    .to_owned(),
            );
        }
        if mistakes.is_empty() { Ok(()) } else { Err(ScheduleError::Invalid { key: self.key.clone(), mistakes }) }
    }
}
