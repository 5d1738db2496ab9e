//! When a job runs by itself: the text of a schedule, and the instants at which it ticks.
//!
//! `cron`, `spec`, `policy` and `moment` read what users write and need only the standard library. `common` has the usual schedules by
//! name, `describe` tells one in plain words. `calendar` searches wall-clock times, `zone` relates them to instants, `clock` holds the
//! rules for clock changes, `ticks` is the [`Schedule`] of all that, and `due` says which of its ticks are to be fired.

pub mod cron;
mod moment;
mod policy;
mod spec;

#[cfg(feature = "full")]
mod calendar;
#[cfg(feature = "full")]
mod clock;
#[cfg(feature = "full")]
mod common;
#[cfg(feature = "full")]
mod describe;
#[cfg(feature = "full")]
mod due;
#[cfg(feature = "full")]
mod ticks;
#[cfg(feature = "full")]
mod zone;

#[cfg(all(test, feature = "full"))]
mod tests;

pub use self::cron::CronExpr;
pub use self::moment::Moment;
pub use self::policy::{GRACE, MOST_MISSED, Misfire, Overlap, RunOnStart};
pub use self::spec::Spec;
#[cfg(feature = "full")]
pub use self::{
    common::Weekday,
    due::{Due, DueTick, Fate, Frame, ONCE, Times, delay, passed},
    ticks::Schedule,
    zone::Zone,
};
