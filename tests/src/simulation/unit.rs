//! Units of work in the play: what a run writes is kept until its commit, which carries it to the store together with the completion of
//! the job. The wire does to a commit what it does to any call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jobs_core::store::Statement;
use jobs_core::{BoxError, JobId, Scope};
use jobs_runtime::env::Clock;

use super::life::Life;
use super::server::job_text;
use super::stage::CALL;
use super::wire::Wire;

/// The kind of jobs that have one.
pub(super) const UNIT: &str = "unit";

/// The transaction of one run.
pub(super) struct Unit {
    wire: Arc<Wire>,
    life: Life,
    job: JobId,
    rows: Vec<JobId>,
}

impl Unit {
    /// Begins one, which may fail.
    pub(super) async fn begin(wire: Arc<Wire>, life: Life, scope: Scope) -> Result<Self, BoxError> {
        tokio::time::timeout(CALL, wire.begin()).await??;
        Ok(Self { wire, life, job: scope.context().id(), rows: Vec::new() })
    }

    /// Writes the effect of the job.
    pub(super) fn write(&mut self) {
        self.rows.push(self.job);
    }

    /// Commits what was written, and the completion of the job. Whoever has waited for long enough does not know what became of it.
    pub(super) async fn commit(self, completion: Statement) -> Result<(), BoxError> {
        let now = self.life.now();
        let commit = self.wire.commit(now, self.rows, completion.parameter().to_owned());
        Ok(tokio::time::timeout(CALL, commit).await??)
    }
}

/// What jobs have written, in the store: how often for each job and token.
#[derive(Clone, Debug, Default)]
pub(super) struct Effects(BTreeMap<(JobId, i64), u32>);

impl Effects {
    /// Writes a row.
    pub(super) fn add(&mut self, job: JobId, token: i64) {
        *self.0.entry((job, token)).or_default() += 1;
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> u64 {
        self.0.values().map(|rows| u64::from(*rows)).sum()
    }

    /// The rule that is broken, where these jobs were completed, each under its token, and no others.
    pub(super) fn broken(&self, completed: &BTreeSet<(JobId, i64)>) -> Option<(&'static str, String)> {
        let name = |(job, token): &(JobId, i64)| format!("{} under token {token}", job_text(*job));
        if let Some(one) = self.0.keys().find(|one| !completed.contains(one)) {
            return Some(("an effect comes with the completion of its job, or not at all", name(one)));
        }
        if let Some((one, rows)) = self.0.iter().find(|(_, rows)| **rows > 1) {
            return Some(("a job has its effect once", format!("{}: {rows} rows", name(one))));
        }
        let without = completed.iter().find(|one| !self.0.contains_key(one));
        without.map(|one| ("a job that is completed has its effect", name(one)))
    }
}

/// What became of transactions of jobs' own that came to the store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Commits {
    /// Those that took effect.
    pub done: u64,
    /// Those that were refused, since the job was not held under its token any more.
    pub refused: u64,
}

impl Commits {
    pub(super) fn add(&mut self, is_done: bool) {
        *(if is_done { &mut self.done } else { &mut self.refused }) += 1;
    }
}
