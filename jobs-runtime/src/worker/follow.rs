//! What follows on a job of a chain: read before the job runs, made when it has ended well.

use jobs_core::argument::ArgumentError;
use jobs_core::chain::{self, Link, Predecessor};
use jobs_core::record::ClaimedJob;
use jobs_core::{EnqueueError, JobId, NewJob};

use crate::env::Env;

/// The rest of a chain, and what is handed on along it.
#[derive(Debug)]
pub(super) struct Rest {
    before: JobId,
    next: Link,
    others: Vec<Link>,
    tenant: Option<String>,
    user: Option<String>,
}

impl Rest {
    /// The rest of a job's chain, if there is one. A chain that cannot be read parks the job: a run would lose what follows.
    pub(super) fn of(job: &ClaimedJob) -> Result<Option<Self>, ArgumentError> {
        let mut others = chain::from_text(job.chain.as_deref())?;
        if others.is_empty() {
            return Ok(None);
        }
        let next = others.remove(0);
        Ok(Some(Self { before: job.id, next, others, tenant: job.tenant.clone(), user: job.user.clone() }))
    }

    /// The job that follows, with this output as its argument.
    pub(super) fn follow(self, output: Option<&str>, env: &Env) -> Result<NewJob, EnqueueError> {
        let Self { before, next, others, tenant, user } = self;
        let before = Predecessor { id: before, follower: env.job_id(), tenant: tenant.as_deref(), user: user.as_deref() };
        let job = next.follow(&before, output, others)?;
        job.check()?;
        Ok(job)
    }
}
