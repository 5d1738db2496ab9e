//! The clock that all processes of a host share, by which ledgers and faults can be put in one order.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The time since the host was started (`CLOCK_MONOTONIC`, `clock_gettime(2)`). It runs on while a process is frozen.
#[must_use]
pub fn now() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}
