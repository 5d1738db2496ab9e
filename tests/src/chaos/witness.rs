//! A store around the one that a worker uses: it knows under which token each job was claimed, and writes into the ledger which outcomes
//! the store has taken, and what a claim brought of the queue that rests. It changes nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jobs_core::store::{Claim, Completion, CompletionAnswer, Decision, Store, StoreFuture};
use jobs_core::{JobId, StoreError};

use super::clock;
use super::ledger::{Event, Ledger};
use super::work::RESTING;
use crate::around::{Around, Passage, Sort, Told};

/// The store.
pub(crate) type Witness = Around<Memory>;

/// What it has seen.
pub(crate) struct Memory {
    ledger: Arc<Ledger>,
    tokens: Mutex<HashMap<JobId, i64>>,
    /// When the last claim was asked for.
    asked: Mutex<Duration>,
}

impl Witness {
    pub(crate) fn new(inner: Arc<dyn Store>, ledger: &Arc<Ledger>) -> Self {
        Self { inner, passage: Memory { ledger: Arc::clone(ledger), tokens: Mutex::default(), asked: Mutex::default() } }
    }

    /// The token under which this process claimed a job last; 0 if it did not.
    pub(super) fn token(&self, job: JobId) -> i64 {
        self.passage.tokens().get(&job).copied().unwrap_or(0)
    }
}

impl Memory {
    fn tokens(&self) -> MutexGuard<'_, HashMap<JobId, i64>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> MutexGuard<'_, Duration> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passage for Memory {
    fn pass<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        _sort: Sort,
        store: &'a dyn Store,
        make: impl FnOnce(&'a dyn Store) -> StoreFuture<'a, T> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        if call == "claim" {
            *self.asked() = clock::now();
        }
        make(store)
    }

    fn took(&self, answer: &Result<Claim, StoreError>) {
        let jobs = || answer.iter().flat_map(|claim| &claim.jobs);
        self.tokens().extend(jobs().map(|job| (job.id, job.token)));
        // A process has one claim under way at a time.
        let asked = *self.asked();
        for job in jobs().filter(|job| *job.queue == *RESTING) {
            self.ledger.write(&Event::Claimed { job: job.id, token: job.token, asked });
        }
    }

    fn told(&self, outcomes: &[Completion]) -> Told {
        outcomes.iter().map(|outcome| (outcome.id, outcome.token, word(&outcome.decision))).collect()
    }

    fn completed(&self, told: &Told, answers: &[CompletionAnswer]) {
        for (&(job, token, decision), answer) in told.iter().zip(answers) {
            match answer {
                CompletionAnswer::Applied => self.ledger.write(&Event::Applied { job, token, decision: decision.to_owned() }),
                CompletionAnswer::Stale => self.ledger.write(&Event::Stale { job, token }),
                CompletionAnswer::Repeated | CompletionAnswer::Refused(_) => {}
            }
        }
    }
}

fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Complete { .. } => "completed",
        Decision::Retry { .. } => "retryable",
        Decision::Fail { .. } => "failed",
        Decision::Snooze { .. } => "snoozed",
        Decision::Cancel { .. } => "cancelled",
        Decision::HandBack => "handed-back",
        Decision::Park { .. } => "parked",
    }
}
