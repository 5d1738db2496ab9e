//! The vocabulary of jobs: what a job is, how it is written down, and what a store promises.
//!
//! Nothing here runs, waits, reads a clock or touches a disk. The modules without a feature need only the standard library,
//! because `jobs-macros` judges names, durations and schedules with the very same code; the rest stands behind `full`.

pub mod backoff;
pub mod duration;
pub mod name;
pub mod schedule;
pub mod text;

pub use backoff::Backoff;
pub use text::TextError;
