//! When a job runs by itself: the text of a schedule, and the instants at which it ticks.
//!
//! `cron` and `spec` read what users write and need only the standard library.

pub mod cron;
mod spec;

pub use self::cron::CronExpr;
pub use self::spec::Spec;
