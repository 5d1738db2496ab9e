//! Shutdown in four steps: stop taking, let jobs end, ask them to stop, hand back what is left. The completer is the last to write.

use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::engine::Thread;
use crate::env::first;
use crate::telemetry;
use crate::worker::completer::Completer;
use crate::worker::executor::Outcome;
use crate::worker::lease::Lease;
use crate::worker::leash::Reason;
use crate::worker::pool::Pool;
use crate::worker::{Shared, idle};

/// How long jobs that were dropped may take to be gone. What blocks its thread cannot be dropped, and is not waited for.
const DROPPED: Duration = Duration::from_secs(1);

/// How long the last words to the store may take.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// What a shutdown needs, kept until it comes.
pub(super) struct Shutdown {
    pub(super) shared: Arc<Shared>,
    pub(super) pool: Arc<Pool>,
    pub(super) lease: Arc<Lease>,
    pub(super) completer: Completer,
    pub(super) outcomes: UnboundedSender<Outcome>,
    /// Stops those who take jobs, the one who writes outcomes, and those who keep the lease.
    pub(super) stop: [CancellationToken; 3],
    pub(super) ended: [Vec<CancellationToken>; 3],
    /// Whether the store is closed at the end.
    pub(super) owned: bool,
    /// How many steps shall be cut short.
    pub(super) hurry: watch::Sender<u32>,
    pub(super) done: CancellationToken,
    pub(super) begun: Once,
    pub(super) thread: Mutex<Option<Thread>>,
}

impl Shutdown {
    /// Begins it, once, on the engine's thread.
    pub(super) fn begin(self: &Arc<Self>) {
        self.begun.call_once(|| {
            let shutdown = Arc::clone(self);
            self.shared.env.spawn.engine(Box::pin(async move { shutdown.run().await }));
        });
    }

    async fn run(&self) {
        telemetry::stopping("no more jobs are taken");
        self.pool.close();
        self.end(0).await;
        for job in self.pool.take_waiting() {
            let _ = self.outcomes.send(Outcome::hand_back(&job, self.pool.epoch()));
        }
        telemetry::stopping("running jobs may end");
        self.wait_for_jobs(self.shared.options.drain, 1).await;
        if self.pool.load().running > 0 {
            telemetry::stopping("running jobs are asked to stop");
            self.pool.stop_all(Reason::Shutdown);
            self.wait_for_jobs(self.shared.options.shutdown_grace, 2).await;
        }
        if self.pool.load().running > 0 {
            telemetry::stopping("running jobs are dropped");
            self.pool.abort_all();
            self.wait_for_jobs(DROPPED, u32::MAX).await;
        }
        telemetry::stopping("what is left is handed back");
        self.end(1).await;
        self.last_words(async {
            self.completer.flush().await;
            Ok(())
        })
        .await;
        self.end(2).await;
        self.last_words(self.lease.end_former(&self.shared)).await;
        let (worker, _) = self.lease.current();
        self.last_words(self.shared.store.leave(self.shared.env.now(), worker)).await;
        if self.owned {
            self.last_words(self.shared.store.close()).await;
        }
        telemetry::stopped();
        self.done.cancel();
        // Ends the thread on which this runs, at its next wait.
        drop(self.thread.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Ends a group of parts, and waits until they have ended.
    async fn end(&self, group: usize) {
        self.stop[group].cancel();
        for part in &self.ended[group] {
            part.cancelled().await;
        }
    }

    /// Waits until no job runs, for `limit` at most, or until so many steps shall be cut short.
    async fn wait_for_jobs(&self, limit: Duration, cut: u32) {
        let mut hurry = self.hurry.subscribe();
        first! {
            () = idle(&self.pool) => {}
            _ = hurry.wait_for(|times| *times >= cut) => {}
            () = self.shared.env.sleep(limit) => {}
        }
    }

    async fn last_words(&self, words: impl Future<Output = Result<(), jobs_core::StoreError>> + Send) {
        first! {
            said = words => {
                if let Err(error) = said {
                    telemetry::part_failing("shutdown", &error);
                }
            }
            () = self.shared.env.sleep(LAST_WORDS) => {}
        }
    }
}
