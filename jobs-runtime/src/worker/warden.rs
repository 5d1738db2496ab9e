//! The warden: stops jobs whose time is up. First by asking, after a grace by dropping them. It never waits for the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::StoreError;
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;

use super::Shared;
use super::leash::{Leash, Reason};
use super::supervisor::Part;
use crate::env::first;

/// A running job, and what is done to it at a time of the steady clock.
pub(crate) struct Watched {
    pub(crate) deadline: Duration,
    pub(crate) leash: Arc<Leash>,
    pub(crate) measure: Measure,
}

/// What is done to a job.
pub(crate) enum Measure {
    /// It is asked to stop, unless somebody has asked before: then his grace counts.
    Ask,
    /// It is dropped.
    Drop,
    /// It is dropped at once, since its transaction keeps everybody from writing.
    End,
}

/// Stops jobs.
pub(crate) struct Warden {
    shared: Arc<Shared>,
    watched: Arc<Mutex<UnboundedReceiver<Watched>>>,
    /// What is to be done, by its time and the order in which it came.
    deadlines: BTreeMap<(Duration, u64), Watched>,
    order: u64,
}

impl Warden {
    pub(crate) fn new(shared: &Arc<Shared>, watched: &Arc<Mutex<UnboundedReceiver<Watched>>>) -> Self {
        Self { shared: Arc::clone(shared), watched: Arc::clone(watched), deadlines: BTreeMap::new(), order: 0 }
    }

    fn watch(&mut self, watched: Watched) {
        self.order += 1;
        // Deadlines of jobs that have ended long ago must not gather.
        if self.deadlines.len() > 1_000 && self.order.is_multiple_of(1_000) {
            self.deadlines.retain(|_, watched| Arc::strong_count(&watched.leash) > 1);
        }
        self.deadlines.insert((watched.deadline, self.order), watched);
    }

    fn act(&mut self) {
        let now = self.shared.env.now().steady;
        let later = self.deadlines.split_off(&(now.saturating_add(Duration::from_nanos(1)), 0));
        for Watched { leash, measure, .. } in std::mem::replace(&mut self.deadlines, later).into_values() {
            match measure {
                Measure::Drop => leash.abort.cancel(),
                Measure::End => {
                    leash.stop(Reason::Overlong);
                    leash.abort.cancel();
                }
                Measure::Ask if leash.reason().is_some() => {}
                Measure::Ask => {
                    leash.stop(Reason::Timeout);
                    let deadline = now.saturating_add(self.shared.options.cancel_grace);
                    self.watch(Watched { deadline, leash, measure: Measure::Drop });
                }
            }
        }
    }
}

impl Part for Warden {
    async fn run_once(&mut self) -> Result<(), StoreError> {
        let clock = Arc::clone(&self.shared.env.clock);
        let next = self.deadlines.keys().next().map(|(deadline, _)| *deadline);
        let watched = Arc::clone(&self.watched);
        let mut watched = watched.lock().await;
        let mut came = Vec::new();
        first! {
            () = async {
                match next {
                    Some(next) => clock.sleep_until(next).await,
                    None => std::future::pending().await,
                }
            } => self.act(),
            _ = watched.recv_many(&mut came, 1_000) => {}
        }
        for watched in came {
            self.watch(watched);
        }
        Ok(())
    }
}
