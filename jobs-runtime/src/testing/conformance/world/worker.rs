//! A worker in a process: it beats, claims, rescues and leaves.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::record::ClaimedJob;
use jobs_core::store::{Beat, Claim, ClaimRequest, NewKind, NewWorker, QueueDemand, Rescue};
use jobs_core::{JobId, WorkerId};

use super::{LEASE, Process, add};

/// What a worker can run.
#[derive(Clone, Debug)]
pub(in super::super) struct Skills {
    kinds: Vec<String>,
    shape: String,
    queues: Vec<String>,
    build: String,
    up_for: Duration,
    schedules: Vec<String>,
}

impl Skills {
    /// These kinds with arguments of shape `1`, from the default queue.
    pub(in super::super) fn new(kinds: &[&str]) -> Self {
        Self {
            kinds: owned(kinds),
            shape: "1".to_owned(),
            queues: vec!["default".to_owned()],
            build: "build-1".to_owned(),
            up_for: Duration::ZERO,
            schedules: Vec::new(),
        }
    }

    pub(in super::super) fn shape(mut self, shape: &str) -> Self {
        shape.clone_into(&mut self.shape);
        self
    }

    /// The build.
    pub(in super::super) fn build(mut self, build: &str) -> Self {
        build.clone_into(&mut self.build);
        self
    }

    /// For how long its process has run.
    pub(in super::super) fn up_for(mut self, duration: Duration) -> Self {
        self.up_for = duration;
        self
    }

    /// The schedules of its build.
    pub(in super::super) fn schedules(mut self, keys: &[&str]) -> Self {
        self.schedules = owned(keys);
        self
    }

    pub(in super::super) fn queues(mut self, queues: &[&str]) -> Self {
        self.queues = owned(queues);
        self
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl Process {
    /// Registers a worker in this process.
    pub(in super::super) async fn worker(&self, skills: &Skills) -> Worker {
        let (millis, chance) = self.common.chance();
        let id = WorkerId::from_parts(millis, chance);
        let kinds = skills.kinds.iter().map(|kind| NewKind::new(kind, &skills.shape)).collect();
        let new = NewWorker {
            id,
            name: "host:1".to_owned(),
            build: skills.build.clone(),
            kinds,
            queues: skills.queues.clone(),
            schedules: skills.schedules.clone(),
            lease: LEASE,
            up_for: skills.up_for,
        };
        self.store.register(self.now(), new).await.expect("the store takes a worker");
        Worker { process: self.clone(), id, skills: skills.clone() }
    }
}

/// A worker in a process.
pub(in super::super) struct Worker {
    pub(super) process: Process,
    pub(in super::super) id: WorkerId,
    skills: Skills,
}

impl Deref for Worker {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl Worker {
    pub(in super::super) async fn beat(&self) -> Beat {
        self.store.heartbeat(self.now(), self.id).await.expect("the store takes a beat")
    }

    /// Rescues until there is no more to do.
    pub(in super::super) async fn rescue(&self) -> Rescue {
        let mut total = Rescue::default();
        for _ in 0..1_000 {
            let bite = self.store.rescue(self.now(), self.id).await.expect("the store rescues");
            add(&mut total, bite);
            if !bite.more {
                return total;
            }
        }
        panic!("a rescue never ends: {total:?}");
    }

    /// A wish for jobs of all it can run, none on probation.
    pub(in super::super) fn request(&self, limit: usize) -> ClaimRequest {
        ClaimRequest {
            worker: self.id,
            kinds: Arc::new(self.skills.kinds.iter().cloned().collect::<BTreeSet<String>>()),
            queues: self.skills.queues.iter().map(|queue| QueueDemand { queue: queue.as_str().into(), limit }).collect(),
            limit,
            probation: false,
        }
    }

    pub(in super::super) async fn try_claim(&self, request: ClaimRequest) -> Claim {
        self.store.claim(self.now(), request).await.expect("the store answers a claim")
    }

    pub(in super::super) async fn claim(&self, limit: usize) -> Vec<ClaimedJob> {
        let claim = self.try_claim(self.request(limit)).await;
        assert!(!claim.lost, "a live worker has its lease");
        claim.jobs
    }

    /// Claims with room for one job on probation.
    pub(in super::super) async fn claim_on_probation(&self, limit: usize) -> Vec<ClaimedJob> {
        let claim = self.try_claim(ClaimRequest { probation: true, ..self.request(limit) }).await;
        assert!(!claim.lost, "a live worker has its lease");
        claim.jobs
    }

    /// The one job that is there to claim, on probation or not.
    pub(in super::super) async fn claim_one(&self) -> ClaimedJob {
        let mut jobs = self.claim_on_probation(10).await;
        assert_eq!(jobs.len(), 1, "just one job is there to claim");
        jobs.remove(0)
    }

    pub(in super::super) async fn leave(&self) {
        self.store.leave(self.now(), self.id).await.expect("the store lets a worker leave");
    }

    pub(in super::super) async fn cancellations(&self) -> Vec<JobId> {
        self.store.cancellations(self.id).await.expect("the store tells of cancellations")
    }
}
