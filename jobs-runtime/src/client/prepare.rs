//! Jobs for a transaction of the caller's own: one statement for whatever driver runs it.

use jobs_core::job::MAX_BATCH;
use jobs_core::store::contract::{answers, jobs_to_text};
use jobs_core::store::{Enqueued, Statement};
use jobs_core::{EnqueueError, IntoJob, JobId, StoreError};

use super::Client;

/// Jobs that a transaction of the caller's own will store: [`Client::prepare`].
///
/// The statement has one text parameter and gives one row with one text column, `answer`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a prepared job is stored only when its statement is run, and its transaction committed"]
pub struct Prepared {
    statement: Statement,
    ids: Vec<JobId>,
}

impl Prepared {
    /// The text of the statement: its parameter is `$1` on PostgreSQL and `?1` on SQLite.
    #[must_use]
    pub const fn sql(&self) -> &'static str {
        self.statement.sql()
    }

    /// The parameter, a JSON text.
    #[must_use]
    pub fn parameter(&self) -> &str {
        self.statement.parameter()
    }

    /// The ids that the jobs were given, in order. Where a job stands already, its answer has the id of that one.
    #[must_use]
    pub fn ids(&self) -> &[JobId] {
        &self.ids
    }

    /// Reads the answer of the statement: for each job, in order, the id that stands there and whether this statement stored it.
    pub fn answer(&self, text: &str) -> Result<Vec<Enqueued>, StoreError> {
        let answers = answers(text)?;
        if answers.len() == self.ids.len() {
            return Ok(answers);
        }
        let message = format!("the answer is of {} jobs, and not of these {}", answers.len(), self.ids.len());
        Err(StoreError::Refused { message, source: None })
    }
}

impl Client {
    /// Makes jobs ready for a transaction of the caller's own, by whatever driver: run the statement in it, and the jobs are stored when it is
    /// committed, together with all else it writes, or not at all. Stores nothing by itself.
    ///
    /// It must be a transaction on the store's own database: on SQLite the same file (see `sqlite.shared` in [`settings`](crate::settings)),
    /// on PostgreSQL the same database. The guide shows it for each driver ([`transactions`](crate::guide::transactions)). At most
    /// [`MAX_BATCH`] jobs.
    ///
    /// The same statement may be run again where its transaction failed, or where the answer to its commit was lost: each job is stored once.
    /// The latter only at READ COMMITTED, the default of PostgreSQL: a stricter transaction does not see what has ended since it began, so
    /// there look first whether the job is there ([`Client::job`]).
    ///
    /// ```
    /// # use jobs_runtime::{Client, EnqueueError, NewJob};
    /// # fn example(client: &Client) -> Result<(), EnqueueError> {
    /// let jobs = client.prepare([NewJob::new("mail", r#"{"to":"ann@example.com"}"#)])?;
    /// // sqlx: let answer: String = query_scalar(jobs.sql()).bind(jobs.parameter()).fetch_one(&mut *tx).await?;
    /// // let stored = jobs.answer(&answer)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn prepare<I>(&self, jobs: I) -> Result<Prepared, EnqueueError>
    where
        I: IntoIterator,
        I::Item: IntoJob,
    {
        let Some(contract) = self.store.contract() else {
            let info = self.store.info();
            return Err(EnqueueError::NoContract(format!("{} {}", info.name, info.version)));
        };
        let mut jobs = jobs.into_iter().map(IntoJob::into_new_job).collect::<Result<Vec<_>, _>>()?;
        if jobs.len() > MAX_BATCH {
            return Err(EnqueueError::TooMany { jobs: jobs.len(), limit: MAX_BATCH });
        }
        for job in &mut jobs {
            job.check()?;
            job.fresh = job.id.is_none();
        }
        let ids = jobs.iter_mut().map(|job| *job.id.get_or_insert_with(|| self.env.job_id())).collect();
        let now = (!contract.own_clock).then(|| self.env.now().wall);
        Ok(Prepared { statement: Statement::new(contract.enqueue, jobs_to_text(&jobs, now)), ids })
    }

    /// Lets the workers that share this client's store look for jobs at once: after the commit of a transaction that stored some. That is the
    /// client of a runtime; one that was connected by itself wakes nobody. Without it all hear of them too, on SQLite within a quarter of a
    /// second.
    pub fn wake(&self) {
        self.store.signal().jobs();
    }
}
