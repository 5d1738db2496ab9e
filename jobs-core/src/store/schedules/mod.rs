//! What schedules and their ticks are to a store.
//!
//! A store keeps rows ([`StoredSchedule`]) and ticks, and gives transactions; what they mean is judged here, for all stores alike:
//! `change` says what an edit does to the rows, `judge` what becomes of a tick, and `stored` how a schedule is written down.

mod change;
mod judge;
mod stored;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use self::change::{ChangeScope, ScheduleEdit, change};
pub use self::judge::{FireRow, Judgement, Live, judge};
pub use self::stored::StoredSchedule;
use crate::error::{EnqueueError, ScheduleError};
use crate::id::JobId;
use crate::job::{IntoJob, NewJob, When};
use crate::schedule::{Misfire, Overlap, Spec, Times};

/// The longest jitter.
pub const MAX_JITTER: Duration = Duration::from_secs(86_400);

/// The most schedules of one call.
pub const MAX_SCHEDULES: usize = 10_000;

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
        if mistakes.is_empty() { Ok(()) } else { Err(ScheduleError::Invalid { key: self.key.clone(), mistakes }) }
    }
}

/// A schedule as it stands in the store.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScheduleRecord {
    /// What was declared in code, or saved.
    pub schedule: NewSchedule,
    /// Grows with each change of the row but for its ticks.
    pub version: i64,
    /// The last tick that was fired or skipped, or the time from which it counts. It only grows.
    pub last_tick: Timestamp,
    /// Since when it is paused, by hand.
    pub paused_at: Option<Timestamp>,
    /// The times that were given by hand in place of its own.
    pub override_times: Option<OverrideTimes>,
    /// The ticks that wait for the last run to end, in order.
    pub queued: Vec<Timestamp>,
    /// The last builds for which it ran on start.
    pub started: Vec<String>,
    /// Set where the row cannot be read: it was written by hand, or by a newer release.
    pub unreadable: Option<Unreadable>,
}

/// A definition that this release cannot read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Why not.
    pub because: String,
    /// The definition, which stays as it is until somebody declares or saves the schedule anew.
    pub definition: String,
}

/// Times that were given by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideTimes {
    /// The times, as in [`NewSchedule::spec`].
    pub spec: String,
    /// The time zone's name.
    pub zone: String,
}

impl ScheduleRecord {
    /// A schedule that is new at `now`.
    #[must_use]
    pub const fn new(schedule: NewSchedule, now: Timestamp) -> Self {
        Self {
            schedule,
            version: 1,
            last_tick: now,
            paused_at: None,
            override_times: None,
            queued: Vec::new(),
            started: Vec::new(),
            unreadable: None,
        }
    }

    /// The times in force, as text, and their zone.
    #[must_use]
    pub fn times_text(&self) -> (&str, &str) {
        match &self.override_times {
            Some(OverrideTimes { spec, zone }) => (spec, zone),
            None => (&self.schedule.spec, &self.schedule.zone),
        }
    }

    /// Whether it ticks: it is enabled, not paused, and can be read.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.schedule.enabled && self.paused_at.is_none() && self.unreadable.is_none()
    }
}

/// All schedules, and the time by the store's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedules {
    /// What the store's clock says.
    pub now: Timestamp,
    /// The schedules, by key.
    pub schedules: Vec<ScheduleRecord>,
}

/// A change of schedules, in one step.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ScheduleChange {
    /// The schedules of a starting build, which knows these kinds: the newest start wins. A schedule of such a kind that is not among
    /// them, and that no known worker has, is removed, if code has it. One answer for each of them.
    Declare {
        /// The schedules.
        schedules: Vec<NewSchedule>,
        /// The kinds.
        kinds: Arc<BTreeSet<String>>,
    },
    /// Only that removal.
    Retire {
        /// The kinds.
        kinds: Arc<BTreeSet<String>>,
    },
    /// Creates or changes schedules that exist in the store alone: all or none.
    Save {
        /// The schedules.
        schedules: Vec<NewSchedule>,
    },
    /// Makes these schedules all that the group has: all or none.
    ReplaceGroup {
        /// The group.
        group: String,
        /// The schedules.
        schedules: Vec<NewSchedule>,
    },
    /// Removes schedules that exist in the store alone.
    Remove {
        /// Their keys.
        keys: Vec<String>,
    },
    /// Stops schedules from ticking.
    Pause {
        /// Their keys.
        keys: Vec<String>,
    },
    /// Lets them tick again. What passed meanwhile is accounted for as skipped.
    Resume {
        /// Their keys.
        keys: Vec<String>,
    },
    /// Gives a schedule other times than its own, or its own again.
    Override {
        /// Its key.
        key: String,
        /// The times.
        times: Option<OverrideTimes>,
    },
}

/// What became of one schedule of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleAnswer {
    /// It is new.
    Created,
    /// It has changed, or is gone.
    Changed,
    /// It was so before.
    Unchanged,
    /// There is none of this key.
    Unknown,
    /// It belongs to somebody else, which is said here, and is left alone. Where all or none are saved, none is.
    Taken(String),
}

/// A tick to deal with.
#[derive(Clone, Debug)]
pub struct Fire {
    /// The schedule's key.
    pub key: String,
    /// Why it is fired.
    pub occasion: Occasion,
    /// The instant.
    pub tick: Timestamp,
    /// How many earlier ticks it stands for.
    pub missed: u32,
    /// What becomes of it while the last run is not over.
    pub overlap: Overlap,
    /// What it gets.
    pub deal: Deal,
}

/// Why a tick is fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Its time has come, where the row is as the firing process knows it.
    Time {
        /// The last tick.
        last_tick: Timestamp,
        /// The version.
        version: i64,
    },
    /// It waited for the last run, which is over.
    Queued {
        /// The version.
        version: i64,
    },
    /// A worker starts: beside the schedule's times, so that the last tick stays.
    Start {
        /// Only if no worker of this build has done so.
        build: Option<String>,
    },
    /// Somebody asked for it: beside the schedule's times.
    Request,
}

/// What a tick gets.
#[derive(Clone, Debug)]
pub enum Deal {
    /// This job.
    Job(Box<NewJob>),
    /// None, for this reason.
    Skip(Skip),
}

/// Why a tick got no job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Skip {
    /// The last run was not over.
    Overlap,
    /// It was missed, and its policy passes it over.
    Misfire,
    /// It was missed, and then the schedule was given other times, which count from then.
    Edited,
    /// The schedule was paused, or not enabled.
    Paused,
    /// The schedule has ended.
    Ended,
    /// It waited for the last run, and a later one came.
    Replaced,
    /// It waited for the last run, and the schedule was removed.
    Removed,
}

/// The answer for one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fired {
    /// The job was stored.
    Job(JobId),
    /// It waits for the last run to end.
    Queued,
    /// It is recorded as skipped.
    Skipped(Skip),
    /// Its time has not come by the store's clock, which is told: nothing was changed.
    Early(Timestamp),
    /// Somebody else was first, or the schedule is gone or was changed.
    Lost,
}

/// What became of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TickOutcome {
    /// It got its job.
    Fired,
    /// It waits for the last run to end.
    Queued,
    /// It got none.
    Skipped(Skip),
}

impl TickOutcome {
    /// All outcomes.
    pub const ALL: [Self; 9] = [
        Self::Fired,
        Self::Queued,
        Self::Skipped(Skip::Overlap),
        Self::Skipped(Skip::Misfire),
        Self::Skipped(Skip::Edited),
        Self::Skipped(Skip::Paused),
        Self::Skipped(Skip::Ended),
        Self::Skipped(Skip::Replaced),
        Self::Skipped(Skip::Removed),
    ];

    /// As it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Queued => "queued",
            Self::Skipped(Skip::Overlap) => "overlap",
            Self::Skipped(Skip::Misfire) => "misfire",
            Self::Skipped(Skip::Edited) => "edited",
            Self::Skipped(Skip::Paused) => "paused",
            Self::Skipped(Skip::Ended) => "ended",
            Self::Skipped(Skip::Replaced) => "replaced",
            Self::Skipped(Skip::Removed) => "removed",
        }
    }

    /// The one that is written so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// The account of a tick. It stands for all ticks after `since`, up to its instant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TickRecord {
    /// The schedule's key.
    pub schedule: String,
    /// The instant for which it was planned.
    pub instant: Timestamp,
    /// The tick before it, or the time from which the schedule counted then. That of a run on start or on request is its instant.
    pub since: Timestamp,
    /// When it was dealt with: later than planned by the difference.
    pub dealt_at: Timestamp,
    /// What became of it.
    pub outcome: TickOutcome,
    /// How many earlier ticks it stands for, counted up to 1,000.
    pub missed: u32,
    /// Its job.
    pub job: Option<JobId>,
}

impl TickRecord {
    /// An account of these parts, for stores.
    #[must_use]
    pub fn new(
        schedule: impl Into<String>,
        instant: Timestamp,
        since: Timestamp,
        dealt_at: Timestamp,
        outcome: TickOutcome,
    ) -> Self {
        Self { schedule: schedule.into(), instant, since, dealt_at, outcome, missed: 0, job: None }
    }

    /// By how much it was dealt with later than planned; nothing for one that fires once ever, and is not planned.
    #[must_use]
    pub fn late_by(&self) -> Duration {
        Duration::try_from(self.dealt_at.duration_since(self.instant)).unwrap_or_default()
    }
}

/// Which accounts of ticks to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TickFilter {
    /// Of this schedule.
    pub schedule: String,
    /// Only of instants before this one.
    pub before: Option<Timestamp>,
    /// How many, the latest first; 0 and more than 1,000 mean 1,000.
    pub limit: usize,
}
