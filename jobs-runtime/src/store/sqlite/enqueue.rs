//! Enqueue: all jobs of a call or none, each by its own id, so that a repeat changes nothing.

use jiff::Timestamp;
use jobs_core::store::{Enqueued, Now};
use jobs_core::{JobId, NewJob, State, StoreError, When};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::error::Result;
use super::row::{id, micros};
use super::session::Session;

macro_rules! insert {
    ($values:literal) => {
        concat!(
            "INSERT OR IGNORE INTO jobs_job (id, kind, queue, priority, state, run_at, created_at, payload, name, retries, timeout, tags, \
             metadata, tenant, user, schedule, tick, parent, chain) ",
            $values
        )
    };
}

/// Stores a job whose id was made for this very call: it cannot have been used.
pub const INSERT_FRESH: &str =
    insert!("VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)");

/// Stores a job, unless it has finished. One writer at a time means that no second statement is needed to see one that finished
/// meanwhile.
const INSERT: &str = insert!(
    "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19 \
     WHERE NOT EXISTS (SELECT 1 FROM jobs_history WHERE id = ?1)"
);

/// Stores jobs. Each of the statements is looked up once for all.
pub(super) struct Insert<'c> {
    connection: &'c Connection,
    now: Now,
    fresh: Option<CachedStatement<'c>>,
    any: Option<CachedStatement<'c>>,
}

pub(super) fn enqueue(session: &mut Session, now: Now, jobs: &[NewJob]) -> Result<Vec<Enqueued>> {
    let mut answers = Vec::with_capacity(jobs.len());
    let mut insert = Insert::new(&session.connection, now);
    for job in jobs {
        answers.push(insert.one(job).map_err(|error| error.into_store_error(session))?);
    }
    drop(insert);
    if answers.iter().any(|answer| answer.created) {
        session.after.jobs = true;
    }
    Ok(answers)
}

const NO_ID: &str = "a job has no id: let the client make one";
const LOST: &str = "a job was neither stored nor found again";

/// Why a job was not stored.
pub(super) enum Problem {
    Sql(rusqlite::Error),
    NoId,
    NameInHistory,
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Problem {
    /// Why an outcome is refused with the job that follows on it; an error of the driver stays one.
    pub(super) fn into_refusal(self) -> rusqlite::Result<String> {
        match self {
            Self::Sql(error) => Err(error),
            Self::NoId => Ok(NO_ID.to_owned()),
            Self::NameInHistory => Ok(LOST.to_owned()),
        }
    }

    pub(super) fn into_store_error(self, session: &Session) -> StoreError {
        let refused = |message: &str| StoreError::Refused { message: message.to_owned(), source: None };
        match self {
            Self::Sql(error) => session.error(&error),
            Self::NoId => refused(NO_ID),
            Self::NameInHistory => refused(LOST),
        }
    }
}

impl<'c> Insert<'c> {
    pub(super) fn new(connection: &'c Connection, now: Now) -> Self {
        Self { connection, now, fresh: None, any: None }
    }

    fn statement(&mut self, fresh: bool) -> rusqlite::Result<&mut CachedStatement<'c>> {
        let (statement, sql) = if fresh { (&mut self.fresh, INSERT_FRESH) } else { (&mut self.any, INSERT) };
        match statement {
            Some(statement) => Ok(statement),
            None => Ok(statement.insert(self.connection.prepare_cached(sql)?)),
        }
    }

    /// Stores one job, or finds the one that stands in its place.
    pub(super) fn one(&mut self, job: &NewJob) -> std::result::Result<Enqueued, Problem> {
        let job_id = job.id.ok_or(Problem::NoId)?;
        let now = self.now;
        let due = due(job.when, now.wall);
        let state = if due <= now.wall { State::Available } else { State::Scheduled };
        let tags = (!job.tags.is_empty()).then(|| serde_json::to_string(&job.tags).unwrap_or_default());
        let metadata = job.metadata.as_ref().map(|metadata| serde_json::to_string(metadata).unwrap_or_default());
        let timeout = job.timeout.map(|timeout| i64::try_from(timeout.as_millis().max(1)).unwrap_or(i64::MAX));
        let tick = job.tick.as_ref();
        let stored = self.statement(job.fresh)?.execute(params![
            job_id.as_bytes().as_slice(),
            &*job.kind,
            &*job.queue,
            i64::from(job.priority),
            state.as_str(),
            micros(due),
            micros(now.wall),
            &*job.payload,
            job.name.as_deref(),
            job.retries.map(i64::from),
            timeout,
            tags.as_deref(),
            metadata.as_deref(),
            job.tenant.as_deref(),
            job.user.as_deref(),
            tick.map(|tick| &*tick.schedule),
            tick.map(|tick| micros(tick.instant)),
            job.parent.as_ref().map(|parent| parent.as_bytes().as_slice()),
            jobs_core::chain::to_text(&job.chain),
        ])?;
        if stored == 1 {
            return Ok(Enqueued { id: job_id, created: true });
        }
        let existing = existing(self.connection, job_id, job.name.as_deref())?.ok_or(Problem::NameInHistory)?;
        Ok(Enqueued { id: existing, created: false })
    }
}

/// The instant at which a job is due.
pub(super) fn due(when: When, now: Timestamp) -> Timestamp {
    match when {
        When::At(instant) => instant,
        When::After(delay) => now.saturating_add(delay).unwrap_or(Timestamp::MAX),
        _ => now,
    }
}

fn existing(connection: &Connection, job_id: JobId, name: Option<&str>) -> rusqlite::Result<Option<JobId>> {
    let same: bool = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM jobs_job WHERE id = ?1) OR EXISTS (SELECT 1 FROM jobs_history WHERE id = ?1)",
        )?
        .query_row([job_id.as_bytes().as_slice()], |row| row.get(0))?;
    if same {
        return Ok(Some(job_id));
    }
    connection.prepare_cached("SELECT id FROM jobs_job WHERE name = ?1")?.query_row([name], |row| id(row, 0)).optional()
}
