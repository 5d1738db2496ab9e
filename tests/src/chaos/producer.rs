//! The producer: it enqueues jobs with ids of its own, through the same faults as the workers, and repeats what was not answered for until
//! it is. Some calls it gives up half-way, and some it repeats although they were answered for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jobs_core::{BoxError, EnqueueError, NewJob};
use jobs_runtime::Client;
use jobs_runtime::env::Env;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::evidence::Enqueued;
use super::plan::Plan;
use super::work;
use super::worker::open;

/// The most jobs of one call.
const MOST: usize = 10;

/// How long a call may take before it is given up and made again.
const PATIENCE: Duration = Duration::from_secs(8);

/// Who enqueues.
pub(super) struct Producer<'a> {
    plan: &'a Plan,
    client: Client,
    told: Mutex<Enqueued>,
}

/// Opens a client of the store of this URL.
pub(super) async fn client(url: &str) -> Result<Client, BoxError> {
    let tokio = Handle::current();
    Ok(Client::new(open(url).await?, Env::system(tokio.clone(), tokio)))
}

impl<'a> Producer<'a> {
    pub(super) async fn new(plan: &'a Plan, url: &str) -> Result<Self, BoxError> {
        Ok(Self { plan, client: client(url).await?, told: Mutex::default() })
    }

    fn told(&self) -> MutexGuard<'_, Enqueued> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it was told.
    pub(super) fn enqueued(self) -> Enqueued {
        self.told.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enqueues until this moment, and brings what it has begun to its end until the later one.
    pub(super) async fn run(&self, until: Instant, at_last: Instant) {
        let hand = |number: u64| self.hand(self.plan.chance(10 + number), until, at_last);
        tokio::join!(hand(0), hand(1), hand(2), hand(3));
    }

    async fn hand(&self, mut chance: fastrand::Rng, until: Instant, at_last: Instant) {
        let mut answered: Vec<Vec<NewJob>> = Vec::new();
        while Instant::now() < until {
            let jobs: Vec<NewJob> = (0..chance.usize(1..=MOST)).map(|_| work::any(self.client.new_id(), &mut chance)).collect();
            self.told().unanswered.extend(jobs.iter().filter_map(|job| job.id));
            if timeout_at(at_last, self.surely(&jobs, &mut chance)).await.is_err() {
                return;
            }
            {
                let mut told = self.told();
                for (id, job) in jobs.iter().filter_map(|job| Some((job.id?, job))) {
                    told.unanswered.remove(&id);
                    told.acknowledged.insert(id, job.kind.to_string());
                }
            }
            answered.push(jobs);
            if chance.f64() < 0.1 {
                // At once, or long after.
                let last = answered.len() - 1;
                let place = if chance.bool() { last } else { chance.usize(..=last) };
                self.repeat(&answered[place]).await;
            }
            sleep(Duration::from_millis(chance.u64(50..150))).await;
        }
    }

    /// Enqueues until there is an answer.
    async fn surely(&self, jobs: &[NewJob], chance: &mut fastrand::Rng) {
        loop {
            // Whoever gives a call up half-way does not know what has become of it.
            let patience = if chance.f64() < 0.1 { Duration::from_micros(chance.u64(50..20_000)) } else { PATIENCE };
            match timeout(patience, self.client.enqueue_jobs(jobs.to_vec())).await {
                Ok(Ok(_)) => return,
                Ok(Err(EnqueueError::Store(error))) if error.is_transient() => {}
                Ok(Err(error)) => panic!("the store will never take this: {error}"),
                Err(_) => {}
            }
            self.told().lost_answers += 1;
            sleep(Duration::from_millis(chance.u64(5..100))).await;
        }
    }

    /// Enqueues once more what was answered for: nothing of it is new.
    async fn repeat(&self, jobs: &[NewJob]) {
        self.told().repeats += 1;
        if let Ok(Ok(answers)) = timeout(PATIENCE, self.client.enqueue_jobs(jobs.to_vec())).await {
            self.told().made_again.extend(answers.iter().filter(|answer| answer.created).map(|answer| answer.id));
        }
    }
}
