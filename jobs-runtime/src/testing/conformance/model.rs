//! What a random history must keep: the model beside the store, and the rules it is compared by after every step.

use std::collections::{BTreeMap, BTreeSet};

use jobs_core::store::{JobFilter, QUARANTINE};
use jobs_core::{Counts, JobId, JobRecord, State};

use super::world::Process;

/// Which jobs a step may have changed, and how far.
#[derive(Clone, Debug)]
pub(super) enum Scope {
    /// These, by one move each.
    Only(BTreeSet<JobId>),
    /// Any, by up to two moves each: time has passed, or jobs became due and were claimed.
    Any,
}

impl Scope {
    pub(super) fn only(ids: impl IntoIterator<Item = JobId>) -> Self {
        Self::Only(ids.into_iter().collect())
    }

    fn allows(&self, before: &JobRecord, after: &JobRecord) -> bool {
        let (from, to) = (before.state, after.state);
        match self {
            Self::Only(ids) => ids.contains(&before.id) && (from == to || from.may_become(to)),
            Self::Any => {
                let by_way_of = |state: &State| from.may_become(*state) && state.may_become(to);
                from == to || from.may_become(to) || State::ALL.iter().any(by_way_of)
            }
        }
    }
}

/// What is known of one job.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// As it was seen last.
    pub(super) record: JobRecord,
    /// How often it was claimed.
    pub(super) claims: i64,
    /// How many failures were recorded since it was last requeued.
    pub(super) failures: u32,
    pub(super) retries: u32,
}

/// All jobs of a history, and how to tell which history it is.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) seed: u64,
    pub(super) jobs: BTreeMap<JobId, Known>,
    steps: Vec<String>,
}

impl Model {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, jobs: BTreeMap::new(), steps: Vec::new() }
    }

    /// Writes down what is done, for the message when it goes wrong.
    pub(super) fn step(&mut self, step: String) {
        self.steps.push(step);
    }

    /// The seed and the newest steps.
    pub(super) fn story(&self) -> String {
        let newest = &self.steps[self.steps.len().saturating_sub(12)..];
        format!("seed {}, step {}, the newest steps:\n  {}", self.seed, self.steps.len(), newest.join("\n  "))
    }

    /// The live job that bears a name.
    pub(super) fn bearer(&self, name: &str) -> Option<JobId> {
        let bears = |known: &&Known| !known.record.state.is_finished() && known.record.name.as_deref() == Some(name);
        self.jobs.values().find(bears).map(|known| known.record.id)
    }

    /// Looks at the whole store, and compares it with what was seen before.
    pub(super) async fn compare(&mut self, viewer: &Process, scope: Scope) {
        let story = self.story();
        let mut seen = viewer.all(JobFilter::default()).await;
        seen.extend(viewer.all(JobFilter { finished: true, ..JobFilter::default() }).await);
        assert_eq!(seen.len(), self.jobs.len(), "jobs came or went: {story}");
        let mut counts = Counts::default();
        for after in seen {
            *counts.of_mut(after.state) += 1;
            let known = self.jobs.get_mut(&after.id).unwrap_or_else(|| panic!("job {} came from nowhere: {story}", after.id));
            let before = &known.record;
            if *before != after {
                assert!(scope.allows(before, &after), "no step may make {before:#?}\ninto {after:#?}\nin {scope:?}: {story}");
            }
            assert_eq!(after.token, known.claims, "a token is the number of claims, {after:#?}: {story}");
            assert_eq!(after.failures, known.failures, "failures are those recorded, {after:#?}: {story}");
            assert!(after.failures <= known.retries + 1, "an attempt too many, {after:#?}: {story}");
            assert!(after.crashes <= QUARANTINE + 1, "a crash too many, {after:#?}: {story}");
            assert_eq!(
                (&after.payload, &after.kind, after.priority, &after.chain, after.parent),
                (&before.payload, &before.kind, before.priority, &before.chain, before.parent),
                "{story}"
            );
            known.record = after;
        }
        assert_eq!(viewer.counts().await, counts, "the counts are those of the jobs: {story}");
        let held: u64 = viewer.store.workers().await.expect("a list of workers").iter().map(|worker| worker.held).sum();
        assert_eq!(held, counts.running, "whatever runs is held by a known worker: {story}");
    }
}
