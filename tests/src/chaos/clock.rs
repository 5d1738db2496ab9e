//! The clock that all processes of a host share, by which ledgers and faults can be put in one order.

use std::fmt;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The time since the host was started (`CLOCK_MONOTONIC`, `clock_gettime(2)`). It runs on while a process is frozen.
#[must_use]
pub fn now() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// Such a time as people read it.
#[derive(Clone, Copy, Debug)]
pub struct Seconds(pub Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0.as_secs_f64())
    }
}
