//! A clock to turn by hand, so that a test waits for nothing: it advances the time, and sees who sleeps.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;
use jobs_core::store::Now;
use tokio::sync::watch;

use crate::env::{Clock, Task};

/// A clock that stands still until it is told to go on. Clones are the same clock.
///
/// The steady clock begins at 0. Sleepers are woken by [`TestClock::advance`], in order of their time.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dial: Mutex<Dial>,
    sleepers: watch::Sender<usize>,
}

#[derive(Debug)]
struct Dial {
    now: Now,
    last: u64,
    /// Whom to wake, by when and by order of arrival.
    asleep: BTreeMap<(Duration, u64), Waker>,
}

impl TestClock {
    /// A clock whose wall shows `wall`.
    #[must_use]
    pub fn new(wall: Timestamp) -> Self {
        let dial = Dial { now: Now { wall, steady: Duration::ZERO }, last: 0, asleep: BTreeMap::new() };
        Self(Arc::new(Inner { dial: Mutex::new(dial), sleepers: watch::Sender::new(0) }))
    }

    /// Lets both clocks go on, and wakes the sleepers whose time has come.
    pub fn advance(&self, by: Duration) {
        let woken = {
            let mut dial = self.dial();
            dial.now.wall = dial.now.wall.saturating_add(by).unwrap_or(Timestamp::MAX);
            dial.now.steady = dial.now.steady.saturating_add(by);
            let reached = dial.now.steady;
            let still = dial.asleep.split_off(&(reached, u64::MAX));
            std::mem::replace(&mut dial.asleep, still)
        };
        for waker in woken.into_values() {
            waker.wake();
        }
        self.count();
    }

    /// Sets the wall clock alone, forward or back, as an administrator would.
    pub fn set_wall(&self, wall: Timestamp) {
        self.dial().now.wall = wall;
    }

    /// Advances to the time of the next sleeper and wakes it. Answers how far that was; `None` if nobody sleeps.
    #[must_use = "`None` says that nobody sleeps"]
    pub fn advance_to_next(&self) -> Option<Duration> {
        let by = {
            let dial = self.dial();
            dial.asleep.keys().next().map(|(until, _)| until.saturating_sub(dial.now.steady))
        };
        by.inspect(|by| self.advance(*by))
    }

    /// How many sleep now.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.dial().asleep.len()
    }

    /// Waits, by signal, until at least `n` sleep.
    pub async fn wait_for_sleepers(&self, n: usize) {
        let mut sleepers = self.0.sleepers.subscribe();
        // The sender lives as long as this clock, so the wait cannot fail.
        let _ = sleepers.wait_for(|asleep| *asleep >= n).await;
    }

    fn dial(&self) -> MutexGuard<'_, Dial> {
        self.0.dial.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) {
        // Counted under the signal's own lock, so that an older count never overwrites a newer one.
        self.0.sleepers.send_modify(|asleep| *asleep = self.sleepers());
    }
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        self.dial().now
    }

    fn sleep_until(&self, steady: Duration) -> Task {
        Box::pin(Sleep { clock: self.clone(), until: steady, place: None })
    }
}

struct Sleep {
    clock: TestClock,
    until: Duration,
    place: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        {
            let mut dial = clock.dial();
            if dial.now.steady >= self.until {
                return Poll::Ready(());
            }
            let place = *self.place.get_or_insert_with(|| {
                dial.last += 1;
                dial.last
            });
            let older = dial.asleep.insert((self.until, place), context.waker().clone());
            // A waker may drop a whole task, which may hold another sleep of this clock: never under the lock.
            drop(dial);
            drop(older);
        }
        clock.count();
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = {
                let mut dial = self.clock.dial();
                dial.asleep.remove(&(self.until, place))
            };
            drop(waker);
            self.clock.count();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_sleeper_wakes_at_its_time_and_not_before() {
        let clock = TestClock::new(Timestamp::UNIX_EPOCH);
        let sleeper = tokio::spawn(clock.sleep_until(2 * SECOND));
        clock.wait_for_sleepers(1).await;
        clock.advance(SECOND);
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        assert_eq!(clock.advance_to_next(), Some(SECOND));
        sleeper.await.unwrap();
        assert_eq!(clock.sleepers(), 0);
        assert_eq!(clock.now().wall, Timestamp::UNIX_EPOCH + 2 * SECOND);
    }

    #[tokio::test]
    async fn a_time_that_has_passed_is_not_waited_for() {
        let clock = TestClock::new(Timestamp::UNIX_EPOCH);
        clock.advance(SECOND);
        clock.sleep_until(SECOND).await;
        assert_eq!(clock.advance_to_next(), None);
    }

    #[tokio::test]
    async fn a_dropped_sleep_is_counted_no_more() {
        let clock = TestClock::new(Timestamp::UNIX_EPOCH);
        let sleeper = tokio::spawn(clock.sleep_until(SECOND));
        clock.wait_for_sleepers(1).await;
        sleeper.abort();
        assert!(sleeper.await.unwrap_err().is_cancelled());
        assert_eq!(clock.sleepers(), 0);
    }

    #[test]
    fn the_wall_may_jump_while_the_steady_clock_stands() {
        let clock = TestClock::new(Timestamp::UNIX_EPOCH + 60 * SECOND);
        clock.set_wall(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Now { wall: Timestamp::UNIX_EPOCH, steady: Duration::ZERO });
    }
}
