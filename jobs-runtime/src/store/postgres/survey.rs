//! When the table of jobs may be surveyed: at every heartbeat, unless that has become slow.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a heartbeat waits for its survey.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How long a survey may go on, waited for or not. One that took longer is tried again after ten times as long.
pub(super) const SILENCE: Duration = Duration::from_secs(10);

/// As how long one counts that failed.
pub(super) const FAILED: Duration = Duration::from_secs(1);

/// How much longer than a survey the time until the next one is, at least.
const REST: u32 = 10;

/// The earliest time of the next survey, on the steady clock.
#[derive(Debug, Default)]
pub(super) struct Surveys(Mutex<Next>);

#[derive(Debug, Default)]
struct Next {
    not_before: Duration,
    is_under_way: bool,
    /// The last one found something to rescue, and nobody has been told.
    rescue: bool,
}

impl Surveys {
    /// Whether a survey may begin now; if so, it has begun.
    pub(super) fn may_begin(&self, now: Duration) -> bool {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever began one may have been dropped before its end.
        let forgotten = next.not_before.saturating_add(SILENCE * REST);
        if now < next.not_before || (next.is_under_way && now < forgotten) {
            return false;
        }
        *next = Next { not_before: now, is_under_way: true, rescue: false };
        true
    }

    /// One that began then took so long, and found something to rescue or not.
    pub(super) fn ended(&self, began: Duration, took: Duration, rescue: bool) {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *next = Next { not_before: began.saturating_add(took.saturating_mul(REST)), is_under_way: false, rescue };
    }

    /// Whether the last one found something to rescue, told once.
    pub(super) fn take_rescue(&self) -> bool {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).rescue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_surveys_are_rare_and_lost_ones_are_forgotten() {
        let (surveys, second) = (Surveys::default(), Duration::from_secs(1));
        assert!(surveys.may_begin(second));
        assert!(!surveys.may_begin(2 * second), "one at a time");
        surveys.ended(second, second, true);
        assert!(surveys.take_rescue() && !surveys.take_rescue());
        assert!(!surveys.may_begin(10 * second));
        assert!(surveys.may_begin(11 * second));
        assert!(!surveys.may_begin(110 * second));
        assert!(surveys.may_begin(111 * second), "whoever began it has gone");
        surveys.ended(111 * second, Duration::from_millis(1), false);
        assert!(surveys.may_begin(116 * second));
    }
}
