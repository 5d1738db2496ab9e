//! The pauser: lets nothing begin of a queue that somebody paused, and hands back what of it waits in this process.
//!
//! The store gives no job of a paused queue to anybody, so a process that has not heard of a pause begins what it had fetched ahead, and
//! no more.

use std::sync::Arc;
use std::time::Duration;

use jobs_core::StoreError;
use jobs_core::store::{Beat, Changes};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::Shared;
use super::executor::Outcome;
use super::pool::Pool;
use super::supervisor::Part;
use crate::env::first;
use crate::telemetry;

/// How often the store is asked what is paused at most.
const SELDOM: Duration = Duration::from_millis(100);

/// Reads which queues are paused.
pub(crate) struct Pauser {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    outcomes: UnboundedSender<Outcome>,
    changes: watch::Receiver<Changes>,
    beats: watch::Receiver<Beat>,
    commands: u64,
    /// When the store was asked last, on the steady clock.
    read_at: Option<Duration>,
}

impl Pauser {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        pool: &Arc<Pool>,
        outcomes: UnboundedSender<Outcome>,
        beats: watch::Receiver<Beat>,
    ) -> Self {
        let mut changes = shared.store.signal().listen();
        // Something may have been paused before anybody listened.
        changes.mark_changed();
        Self { shared: Arc::clone(shared), pool: Arc::clone(pool), outcomes, changes, beats, commands: u64::MAX, read_at: None }
    }

    /// Whether news of commands is worth a question: an idle process without a paused queue has nothing that could begin, and waits for
    /// its next heartbeat. Where news is a guess, made every second, this keeps it still.
    fn is_concerned(&self) -> bool {
        let is_long_ago =
            |read_at: Duration| self.shared.env.now().steady >= read_at.saturating_add(self.shared.options.heartbeat);
        self.pool.load().held > 0 || !self.pool.paused().is_empty() || self.read_at.is_none_or(is_long_ago)
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        self.read_at = Some(self.shared.env.now().steady);
        let paused = self.shared.within_patience(self.shared.store.paused()).await?;
        let (begun, ended) = self.pool.note_paused(&paused.into_iter().map(|paused| paused.queue).collect());
        for queue in begun {
            telemetry::paused(&queue);
        }
        for queue in ended {
            telemetry::resumed(&queue);
        }
        // That they go back is news of jobs, at which this process looks for others.
        for job in self.pool.take_paused() {
            let _ = self.outcomes.send(Outcome::hand_back(&job, self.pool.epoch()));
        }
        Ok(())
    }
}

impl Part for Pauser {
    async fn run_once(&mut self) -> Result<(), StoreError> {
        first! {
            _ = self.beats.changed() => {
                let beat = *self.beats.borrow_and_update();
                // News may be lost.
                if beat.paused || !self.pool.paused().is_empty() {
                    self.read().await?;
                }
            }
            _ = self.changes.changed() => {
                let commands = self.changes.borrow_and_update().commands;
                if commands != self.commands && self.is_concerned() {
                    if let Err(error) = self.read().await {
                        // Again after the supervisor's pause, and not when the next news comes.
                        self.changes.mark_changed();
                        return Err(error);
                    }
                    self.commands = commands;
                    self.shared.env.sleep(SELDOM).await;
                }
            }
        }
        Ok(())
    }
}
