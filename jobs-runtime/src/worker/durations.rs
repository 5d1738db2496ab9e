//! How long the jobs of a queue take, measured, and how many may therefore be fetched ahead.

use std::time::Duration;

/// What is fetched ahead ends within about this time.
const AHEAD: Duration = Duration::from_millis(50);

/// The most jobs that are fetched ahead for one queue.
pub(crate) const MOST_AHEAD: usize = 2_000;

/// The weight of the newest job in the mean. A single long job among short ones is enough to fetch less ahead.
const WEIGHT: f64 = 0.1;

/// The mean duration of recent jobs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Durations {
    mean_seconds: Option<f64>,
}

impl Durations {
    /// Takes note of one job.
    pub(crate) fn record(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.mean_seconds = Some(match self.mean_seconds {
            // A long job counts at once: hoarding is worse than a short wait.
            Some(mean) if seconds < mean => mean + WEIGHT * (seconds - mean),
            Some(mean) => mean + (seconds - mean) * 0.5,
            None => seconds,
        });
    }

    /// Takes note of jobs that have not ended for so long.
    pub(crate) fn at_least(&mut self, duration: Duration) {
        if let Some(mean) = &mut self.mean_seconds {
            *mean = mean.max(duration.as_secs_f64());
        }
    }

    /// How many jobs to hold beyond those that run, with this many running at once: none before anything is known.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "clamped to 0..=2000"
    )]
    pub(crate) fn ahead(&self, slots: usize) -> usize {
        let Some(mean) = self.mean_seconds else { return 0 };
        let jobs = slots as f64 * AHEAD.as_secs_f64() / mean.max(1e-6);
        jobs.clamp(0.0, MOST_AHEAD as f64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(durations: &[u64]) -> Durations {
        let mut measured = Durations::default();
        for millis in durations {
            measured.record(Duration::from_millis(*millis));
        }
        measured
    }

    #[test]
    fn nothing_is_fetched_ahead_before_anything_is_known_or_when_jobs_are_long() {
        assert_eq!(Durations::default().ahead(64), 0);
        assert_eq!(after(&[60_000]).ahead(64), 0);
    }

    #[test]
    fn what_ends_within_the_time_is_fetched_ahead() {
        assert_eq!(after(&[50; 5]).ahead(64), 64);
        assert_eq!(after(&[0; 5]).ahead(64), MOST_AHEAD);
    }

    #[test]
    fn a_job_that_does_not_end_stops_the_fetching_ahead() {
        let mut measured = after(&[0; 5]);
        measured.at_least(Duration::from_secs(4));
        assert_eq!(measured.ahead(64), 0);
    }

    #[test]
    fn one_long_job_stops_the_fetching_ahead() {
        assert_eq!(after(&[0, 0, 0, 60_000]).ahead(64), 0);
    }
}
