//! The fetcher: claims for the whole process, as many jobs as there is room for, and again as soon as half of them are used up.
//!
//! Only a short answer makes it wait: for a signal of the store, for the time when the next job is due, or for a heartbeat that
//! found something. There is no polling.

use std::sync::Arc;
use std::time::Duration;

use jobs_core::StoreError;
use jobs_core::record::ClaimedJob;
use jobs_core::store::{Beat, Changes, ClaimRequest};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::Shared;
use super::executor::{Executor, Outcome};
use super::lease::Lease;
use super::pool::{Pool, Wish};
use super::supervisor::Part;
use crate::env::first;
use crate::testing::guards::Guard;

/// How often jobs that wait in this process are looked over.
const LOOK_OVER: Duration = Duration::from_millis(250);

/// Claims jobs.
pub(crate) struct Fetcher {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    lease: Arc<Lease>,
    executor: Arc<Executor>,
    outcomes: UnboundedSender<Outcome>,
    changes: watch::Receiver<Changes>,
    beats: watch::Receiver<Beat>,
    /// When the next waiting job is due, on the steady clock.
    due: Option<Duration>,
    /// When the jobs that wait in this process are looked over next, on the steady clock.
    look_over: Option<Duration>,
    /// The answer of a claim was lost, or may have been: the store may hold more under our name than we know of.
    doubt: bool,
}

impl Fetcher {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        pool: &Arc<Pool>,
        lease: &Arc<Lease>,
        executor: &Arc<Executor>,
        beats: watch::Receiver<Beat>,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            pool: Arc::clone(pool),
            lease: Arc::clone(lease),
            executor: Arc::clone(executor),
            outcomes: executor.outcomes.clone(),
            changes: shared.store.signal().listen(),
            beats,
            due: None,
            look_over: None,
            // A fetcher that is started anew does not know what its predecessor's last claim brought.
            doubt: true,
        }
    }

    async fn wait(&mut self) {
        let next_look = self.shared.env.now().steady.saturating_add(LOOK_OVER);
        // Other news must not put it off.
        self.look_over = (self.pool.load().waiting > 0).then(|| self.look_over.unwrap_or(next_look));
        let look_over = self.until(self.look_over);
        let due = self.until(self.due);
        first! {
            // The store is there as long as this process is: its signal never ends.
            _ = self.changes.changed() => self.pool.refresh(),
            () = self.pool.room.notified() => {}
            () = due => {
                self.due = None;
                self.pool.refresh();
            }
            _ = self.beats.changed() => {
                let beat = *self.beats.borrow_and_update();
                // A beat may be older than what the last claim said: the earlier time does no harm.
                self.due = [self.due, self.steady(beat.next_due)].into_iter().flatten().min();
                if beat.waiting && Guard::SafetyNet.is_on() {
                    self.pool.refresh();
                }
            }
            () = look_over => {
                self.look_over = None;
                self.hand_back(self.pool.take_surplus(LOOK_OVER));
            }
        }
    }

    /// Gives jobs back that have not begun, of the lease that holds now.
    fn hand_back(&self, jobs: Vec<ClaimedJob>) {
        for job in jobs {
            let _ = self.outcomes.send(Outcome::hand_back(&job, self.pool.epoch()));
        }
    }

    /// Waits until a time of the steady clock, or for ever.
    fn until(&self, steady: Option<Duration>) -> crate::env::Task {
        match steady {
            Some(steady) => self.shared.env.clock.sleep_until(steady),
            None => Box::pin(std::future::pending()),
        }
    }

    /// An instant of the wall clock on the steady one.
    fn steady(&self, at: Option<jiff::Timestamp>) -> Option<Duration> {
        let now = self.shared.env.now();
        let wait = at?.duration_since(now.wall);
        Some(now.steady.saturating_add(Duration::try_from(wait).unwrap_or(Duration::ZERO)))
    }

    async fn clear_doubt(&mut self) -> Result<(), StoreError> {
        let Some((worker, epoch)) = self.lease.held() else { return Ok(()) };
        let known = self.pool.held();
        let call = self.shared.store.reconcile(self.shared.env.now(), worker, known);
        let handed_back = self.shared.within_patience(call).await?;
        if handed_back > 0 {
            crate::telemetry::reconciled(handed_back);
        }
        self.doubt = epoch != self.pool.epoch();
        Ok(())
    }

    async fn claim(&mut self, wish: Wish) -> Result<(), StoreError> {
        // It may have been lost since this step began.
        let Some((worker, epoch)) = self.lease.held() else { return Ok(()) };
        let request = ClaimRequest {
            worker,
            kinds: Arc::clone(&self.shared.kinds),
            queues: wish.queues.clone(),
            limit: wish.limit,
            probation: wish.probation,
        };
        self.doubt = true;
        let call = self.shared.store.claim(self.shared.env.now(), request);
        let claim = self.shared.within_patience(call).await?;
        if claim.lost {
            self.lease.lose(epoch);
            self.doubt = false;
            return Ok(());
        }
        if epoch != self.pool.epoch() {
            // The lease was lost while the claim was under way. What it brought goes back with everything else of that worker.
            return Ok(());
        }
        self.doubt = false;
        self.due = self.steady(claim.next_due);
        let slots = self.pool.put(&wish, claim.jobs);
        self.executor.fill(slots);
        // The queue may have been paused while the claim was under way.
        self.hand_back(self.pool.take_paused());
        Ok(())
    }
}

impl Part for Fetcher {
    async fn run_once(&mut self) -> Result<(), StoreError> {
        self.lease.wait_until_held().await;
        if self.doubt && Guard::Reconcile.is_on() {
            return self.clear_doubt().await;
        }
        // News is taken before the wish is made: it makes queues that had nothing worth asking again. What comes later stays news.
        if self.changes.has_changed().unwrap_or(false) {
            self.changes.mark_unchanged();
            self.pool.refresh();
        }
        let wish = self.pool.wish();
        if wish.queues.is_empty() {
            self.wait().await;
            return Ok(());
        }
        self.claim(wish).await
    }
}
