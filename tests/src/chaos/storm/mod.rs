//! What goes wrong with the store and with the ways to it: one fault after the other, each noted if it takes effect, each undone, until
//! the end.

mod commits;
mod file;
mod network;
mod server;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::faults::Journal;
use super::plan::Plan;
use super::stage::Stage;

/// Where and when.
pub(super) struct Storm<'a> {
    pub(super) plan: &'a Plan,
    pub(super) journal: &'a Arc<Journal>,
    pub(super) until: Instant,
}

impl Storm<'_> {
    /// Rages until the end. Everything is whole again when it answers.
    pub(super) async fn rage(&self, stage: &Stage) {
        match stage {
            Stage::File(stage) => file::rage(self, stage).await,
            Stage::Server(stage) => {
                tokio::join!(server::rage(self, stage), network::rage(self, stage), commits::rage(self, stage));
            }
        }
    }

    /// Rests for a while. Answers for how long the next fault, which is the `nth` of its sort, may last; nothing when the end has come.
    async fn rest(&self, chance: &mut fastrand::Rng, nth: usize) -> Option<Duration> {
        sleep(Duration::from_secs_f64(1.5 + 3.5 * chance.f64())).await;
        let left = self.until.saturating_duration_since(Instant::now());
        let longest = self.plan.longest_outage();
        // Most are short, some last.
        let limit = if chance.f64() < 0.2 { longest } else { longest.min(Duration::from_secs(3)) };
        let lasts = limit.mul_f64(chance.f64()).max(Duration::from_millis(100));
        // One in every run is longer than a lease.
        let lasts = if nth == 1 { self.plan.longest_outage() } else { lasts };
        (left > lasts).then_some(lasts)
    }
}
