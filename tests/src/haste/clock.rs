//! The clock that all processes of a run share: it passes a hundred times as fast as the host's.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jobs_core::store::Now;
use jobs_runtime::env::{Clock, Task};

use crate::chaos::clock;

/// How many seconds pass on this clock in one of the host.
pub(super) const SPEED: u32 = 100;

/// What this time of the host is on this clock.
pub(super) const fn fast(real: Duration) -> Duration {
    real.saturating_mul(SPEED)
}

/// The clock. It runs on while a process is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FastClock {
    /// When the run began, by the host's clock. The steady clock stood at 0 then.
    pub(super) origin: Duration,
    /// What the wall clock showed then.
    pub(super) wall: Timestamp,
    /// By how much the wall clock is ahead of what it should show.
    pub(super) ahead: SignedDuration,
}

impl FastClock {
    /// What the steady clock shows at this time of the host.
    fn steady_at(&self, host: Duration) -> Duration {
        fast(host.saturating_sub(self.origin))
    }

    /// What the wall clock shows at this time of the host.
    pub(super) fn wall_at(&self, host: Duration) -> Timestamp {
        let passed = self.steady_at(host);
        self.wall.saturating_add(passed).and_then(|wall| wall.saturating_add(self.ahead)).unwrap_or(Timestamp::MAX)
    }
}

impl Clock for FastClock {
    fn now(&self) -> Now {
        let host = clock::now();
        Now { wall: self.wall_at(host), steady: self.steady_at(host) }
    }

    fn sleep_until(&self, steady: Duration) -> Task {
        let clock = *self;
        Box::pin(async move {
            loop {
                let left = steady.saturating_sub(clock.now().steady);
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left / SPEED).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead_by(seconds: i64) -> FastClock {
        let origin = clock::now().saturating_sub(Duration::from_secs(2));
        FastClock { origin, wall: Timestamp::UNIX_EPOCH, ahead: SignedDuration::from_secs(seconds) }
    }

    #[test]
    fn two_seconds_of_the_host_are_two_hundred() {
        let clock = ahead_by(3);
        let shown = clock.wall_at(clock.origin + Duration::from_secs(2));
        assert_eq!(shown.as_second(), 203);
        assert_eq!(
            clock.now().wall.duration_since(clock.wall).as_secs(),
            i64::try_from(clock.now().steady.as_secs()).unwrap() + 3
        );
        assert!(clock.now().steady >= Duration::from_secs(200));
    }

    #[tokio::test]
    async fn whoever_sleeps_wakes_at_his_time_by_the_steady_clock() {
        let clock = ahead_by(-3);
        let until = clock.now().steady + Duration::from_secs(1);
        clock.sleep_until(until).await;
        assert!(clock.now().steady >= until);
    }
}
