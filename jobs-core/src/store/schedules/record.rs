//! A schedule as it stands in the store.

use jiff::Timestamp;

use super::{NewSchedule, StoredSchedule};

/// A schedule as it stands in the store.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScheduleRecord {
    /// What was declared in code, or saved.
    pub schedule: NewSchedule,
    /// Grows with each change of the row but for its ticks.
    pub version: i64,
    /// The last tick that was fired or skipped, or the time from which it counts. It only grows, but for one that a wrong clock has
    /// put far ahead: [`ScheduleChange::Recount`](super::ScheduleChange::Recount).
    pub last_tick: Timestamp,
    /// Since when it is paused, by hand.
    pub paused_at: Option<Timestamp>,
    /// Since when it is gone from the code of every known worker. It is kept for a while, in case it comes back.
    pub retired_at: Option<Timestamp>,
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
            retired_at: None,
            override_times: None,
            queued: Vec::new(),
            started: Vec::new(),
            unreadable: None,
        }
    }

    /// The schedule as it comes back from a store.
    pub(super) fn written_and_read(&self) -> NewSchedule {
        StoredSchedule::from(self).into_record().schedule
    }

    /// The times in force, as text, and their zone.
    #[must_use]
    pub fn times_text(&self) -> (&str, &str) {
        match &self.override_times {
            Some(OverrideTimes { spec, zone }) => (spec, zone),
            None => (&self.schedule.spec, &self.schedule.zone),
        }
    }

    /// Whether it ticks: it is enabled, not paused, in the code of somebody if it is of code, and can be read.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.schedule.enabled && self.paused_at.is_none() && self.retired_at.is_none() && self.unreadable.is_none()
    }
}

/// Which schedules to look at: those of which all holds that is said here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleFilter {
    /// The one of this key.
    pub key: Option<String>,
    /// Those of this group.
    pub group: Option<String>,
}

/// Schedules, and the time by the store's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleList {
    /// What the store's clock says.
    pub now: Timestamp,
    /// The schedules, by key.
    pub schedules: Vec<ScheduleRecord>,
}
