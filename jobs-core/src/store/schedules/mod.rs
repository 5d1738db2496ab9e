//! What schedules and their ticks are to a store.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::JobId;
use crate::job::NewJob;

/// A schedule as a starting build declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSchedule {
    /// Its key, unique in the store.
    pub key: String,
    /// The kind it runs.
    pub kind: String,
    /// The text: `cron 0 2 * * *`, `every 10s`, or `never`.
    pub spec: String,
    /// The time zone's name.
    pub zone: String,
    /// The arguments of each job.
    pub payload: String,
    /// The queue of each job.
    pub queue: String,
    /// The priority of each job.
    pub priority: i16,
    /// The build that declares it.
    pub build: String,
}

/// A schedule as it stands in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScheduleRecord {
    /// What was declared.
    pub schedule: NewSchedule,
    /// The last tick that was fired or skipped, or the time from which it counts. It only grows.
    pub last_tick: Timestamp,
}

impl ScheduleRecord {
    /// A record of these parts, for stores.
    #[must_use]
    pub fn new(schedule: NewSchedule, last_tick: Timestamp) -> Self {
        Self { schedule, last_tick }
    }
}

/// A tick to fire.
#[derive(Clone, Debug)]
pub struct Fire {
    /// The schedule's key.
    pub key: String,
    /// The last tick as the firing process knows it. `None` fires beside the schedule's times (run on start): the last tick stays.
    pub expected: Option<Timestamp>,
    /// The instant.
    pub tick: Timestamp,
    /// How many earlier ticks were missed and are passed over by this one.
    pub missed: u32,
    /// The job of the tick.
    pub job: NewJob,
}

/// The answer for one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fired {
    /// The job was stored.
    Job(JobId),
    /// The last job of the schedule is still live: the tick is recorded as skipped.
    Overlap,
    /// Somebody else was first, or the schedule is gone.
    Lost,
}
