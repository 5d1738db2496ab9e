//! When a job runs by itself: the text of a schedule, and the instants at which it ticks.
//!
//! `cron` and `spec` read what users write and need only the standard library. `common` has the usual schedules by name, `describe` tells
//! one in plain words. `calendar` searches wall-clock times, `zone` relates them to instants, `clock` holds the rules for clock changes,
//! and `ticks` is the [`Schedule`] of all that.

pub mod cron;
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
mod ticks;
#[cfg(feature = "full")]
mod zone;

#[cfg(all(test, feature = "full"))]
mod tests;

pub use self::cron::CronExpr;
pub use self::spec::Spec;
#[cfg(feature = "full")]
pub use self::{common::Weekday, ticks::Schedule, zone::Zone};
