//! Looking and managing: queries on the reader's connection, changes through the writer.

use jobs_core::record::WorkerRecord;
use jobs_core::store::{CancelAnswer, JobFilter, JobPage, Now, PausedQueue};
use jobs_core::{Counts, JobId, JobRecord, State, WorkerId};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::complete::{Tally, end_unfenced};
use super::error::Result;
use super::row::{FINISHED, LIVE, instant, micros, record, rows, text};
use super::session::Session;

pub(super) fn job(connection: &Connection, wanted: JobId) -> rusqlite::Result<Option<JobRecord>> {
    // One look at both tables: a job that moves meanwhile is found.
    let _snapshot = connection.unchecked_transaction()?;
    let key = wanted.as_bytes().as_slice();
    for sql in
        [format!("SELECT {LIVE} FROM jobs_job WHERE id = ?1"), format!("SELECT {FINISHED} FROM jobs_history WHERE id = ?1")]
    {
        if let Some((job, _)) = connection.prepare_cached(&sql)?.query_row([key], record).optional()? {
            return Ok(Some(job));
        }
    }
    Ok(None)
}

pub(super) fn job_named(connection: &Connection, name: &str) -> rusqlite::Result<Option<JobRecord>> {
    let sql = format!("SELECT {LIVE} FROM jobs_job WHERE name = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([name], record).optional()?.map(|(job, _)| job))
}

/// The most jobs of a page.
const PAGE: usize = 1_000;

pub(super) fn jobs(connection: &Connection, filter: &JobFilter) -> rusqlite::Result<JobPage> {
    let (columns, table, order) = if filter.finished { (FINISHED, "jobs_history", "place") } else { (LIVE, "jobs_job", "seq") };
    let limit = if filter.limit == 0 { PAGE } else { filter.limit.min(PAGE) };
    let mut sql = format!("SELECT {columns} FROM {table} WHERE {order} > ?");
    let mut values = vec![Value::Integer(filter.after)];
    let texts = [
        ("state", filter.state.map(|state| state.as_str().to_owned())),
        ("kind", filter.kind.clone()),
        ("queue", filter.queue.clone()),
    ];
    for (column, text) in texts {
        if let Some(text) = text {
            sql.push_str(" AND ");
            sql.push_str(column);
            sql.push_str(" = ?");
            values.push(Value::Text(text));
        }
    }
    if let Some(parent) = filter.parent {
        sql.push_str(" AND parent = ?");
        values.push(Value::Blob(parent.as_bytes().to_vec()));
    }
    sql.push_str(" ORDER BY ");
    sql.push_str(order);
    sql.push_str(" LIMIT ?");
    values.push(Value::Integer(rows(limit)));
    let found: Vec<(JobRecord, i64)> =
        connection.prepare_cached(&sql)?.query_map(params_from_iter(values), record)?.collect::<rusqlite::Result<_>>()?;
    let next = if found.len() == limit { found.last().map(|(_, place)| *place) } else { None };
    Ok(JobPage { jobs: found.into_iter().map(|(job, _)| job).collect(), next })
}

/// The numbers of live jobs by state, each counted in an index of its own; a state without one has few jobs.
const LIVE_COUNTS: &[(State, &str)] = &[
    (State::Available, "SELECT count(*) FROM jobs_job INDEXED BY jobs_ready WHERE state = 'available' AND crashes = 0"),
    (State::Available, "SELECT count(*) FROM jobs_job INDEXED BY jobs_probation WHERE state = 'available' AND crashes > 0"),
    (State::Running, "SELECT count(*) FROM jobs_job INDEXED BY jobs_running WHERE state = 'running'"),
    (State::Parked, "SELECT count(*) FROM jobs_job INDEXED BY jobs_parked WHERE state = 'parked'"),
    (
        State::Scheduled,
        "SELECT count(*) FROM jobs_job INDEXED BY jobs_due WHERE state IN ('scheduled', 'retryable') AND state = 'scheduled'",
    ),
    (
        State::Retryable,
        "SELECT count(*) FROM jobs_job INDEXED BY jobs_due WHERE state IN ('scheduled', 'retryable') AND state = 'retryable'",
    ),
];

pub(super) fn counts(connection: &Connection) -> rusqlite::Result<Counts> {
    // One look at all: a job that moves meanwhile is counted once.
    let _snapshot = connection.unchecked_transaction()?;
    let mut counts = Counts::default();
    for (state, sql) in LIVE_COUNTS {
        let jobs: i64 = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        *counts.of_mut(*state) += jobs.max(0).unsigned_abs();
    }
    let mut statement = connection.prepare_cached("SELECT state, jobs FROM jobs_tally")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (state, jobs): (String, i64) = (row.get(0)?, row.get(1)?);
        if let Ok(state) = state.parse::<State>() {
            *counts.of_mut(state) += jobs.max(0).unsigned_abs();
        }
    }
    Ok(counts)
}

pub(super) fn cancel(session: &mut Session, now: Now, ids: &[JobId], reason: &str) -> Result<Vec<CancelAnswer>> {
    let mut tally = Tally::default();
    let cancel = |connection: &Connection, tally: &mut Tally| -> rusqlite::Result<Vec<CancelAnswer>> {
        let answers = ids.iter().map(|id| cancel_one(connection, now, *id, reason, tally)).collect::<rusqlite::Result<_>>()?;
        tally.write(connection)?;
        Ok(answers)
    };
    let answers = cancel(&session.connection, &mut tally).map_err(|error| session.error(&error))?;
    session.after.commands = true;
    Ok(answers)
}

fn cancel_one(connection: &Connection, now: Now, id: JobId, reason: &str, tally: &mut Tally) -> rusqlite::Result<CancelAnswer> {
    let key = id.as_bytes().as_slice();
    let found: Option<(i64, String)> = connection
        .prepare_cached("SELECT seq, state FROM jobs_job WHERE id = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match found {
        Some((seq, state)) if state == State::Running.as_str() => {
            connection.prepare_cached("UPDATE jobs_job SET cancel = ?2 WHERE seq = ?1")?.execute(params![seq, reason])?;
            Ok(CancelAnswer::Requested)
        }
        Some((seq, _)) => {
            end_unfenced(connection, now, seq, State::Cancelled, reason, tally)?;
            Ok(CancelAnswer::Cancelled)
        }
        None => {
            let finished: bool = connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM jobs_history WHERE id = ?1)")?
                .query_row([key], |row| row.get(0))?;
            Ok(if finished { CancelAnswer::Finished } else { CancelAnswer::Unknown })
        }
    }
}

pub(super) fn requeue(session: &mut Session, now: Now, ids: &[JobId]) -> Result<Vec<bool>> {
    let mut tally = Tally::default();
    let requeue = |connection: &Connection, tally: &mut Tally| -> rusqlite::Result<Vec<bool>> {
        let answers = ids.iter().map(|id| requeue_one(connection, now, *id, tally)).collect::<rusqlite::Result<_>>()?;
        tally.write(connection)?;
        Ok(answers)
    };
    let answers = requeue(&session.connection, &mut tally).map_err(|error| session.error(&error))?;
    session.after.jobs = true;
    Ok(answers)
}

/// Brings a finished job back under its token, with a clean slate.
const REVIVE: &str = "INSERT INTO jobs_job (id, token, kind, queue, priority, state, run_at, created_at, payload, retries, timeout, name, \
     unique_key, tags, metadata, tenant, user, schedule, tick, parent, chain) \
     SELECT id, token, kind, queue, priority, 'available', ?2, created_at, payload, retries, timeout, name, unique_key, tags, metadata, \
     tenant, user, schedule, tick, parent, chain FROM jobs_history WHERE id = ?1 AND payload <> '' ON CONFLICT DO NOTHING";

fn requeue_one(connection: &Connection, now: Now, id: JobId, tally: &mut Tally) -> rusqlite::Result<bool> {
    let key = id.as_bytes().as_slice();
    let freed = connection
        .prepare_cached(
            "UPDATE jobs_job SET state = 'available', run_at = ?2, failures = 0, crashes = 0, crash_tokens = NULL, errors = NULL, \
             error = NULL, parked_by = NULL WHERE id = ?1 AND state = 'parked'",
        )?
        .execute(params![key, micros(now.wall)])?;
    if freed == 1 {
        return Ok(true);
    }
    if connection.prepare_cached(REVIVE)?.execute(params![key, micros(now.wall)])? == 0 {
        return Ok(false);
    }
    let state: String = connection
        .prepare_cached("DELETE FROM jobs_history WHERE id = ?1 RETURNING state")?
        .query_row([key], |row| row.get(0))?;
    if let Ok(state) = state.parse() {
        tally.add(state, -1);
    }
    Ok(true)
}

pub(super) fn pause(session: &mut Session, now: Now, queues: &[String]) -> Result<Vec<bool>> {
    session.after.commands = true;
    let pause = |queue| {
        let mut insert = session
            .connection
            .prepare_cached("INSERT INTO jobs_paused_queue (queue, since) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
        Ok(insert.execute(params![queue, micros(now.wall)])? == 1)
    };
    queues.iter().map(pause).collect::<rusqlite::Result<_>>().map_err(|error| session.error(&error))
}

pub(super) fn resume(session: &mut Session, queues: &[String]) -> Result<Vec<bool>> {
    (session.after.jobs, session.after.commands) = (true, true);
    let resume = |queue| {
        let mut delete = session.connection.prepare_cached("DELETE FROM jobs_paused_queue WHERE queue = ?1")?;
        Ok(delete.execute([queue])? == 1)
    };
    queues.iter().map(resume).collect::<rusqlite::Result<_>>().map_err(|error| session.error(&error))
}

pub(super) fn paused(connection: &Connection) -> rusqlite::Result<Vec<PausedQueue>> {
    connection
        .prepare_cached("SELECT queue, since FROM jobs_paused_queue ORDER BY queue")?
        .query_map([], |row| Ok(PausedQueue { queue: text(row, 0)?, since: instant(row.get(1)?) }))?
        .collect()
}

pub(super) fn workers(connection: &Connection) -> rusqlite::Result<Vec<WorkerRecord>> {
    connection
        .prepare_cached(
            "SELECT id, name, build, started_at, queues, renewed_at, \
             (SELECT count(*) FROM jobs_job WHERE worker = jobs_worker.seq AND state = 'running') FROM jobs_worker ORDER BY seq",
        )?
        .query_map([], |row| {
            let id = WorkerId::from_bytes(*super::row::id(row, 0)?.as_bytes());
            let mut worker = WorkerRecord::new(id, row.get(1)?, row.get(2)?, instant(row.get(3)?));
            worker.queues = serde_json::from_str(&row.get::<_, String>(4)?).unwrap_or_default();
            worker.renewed_at = instant(row.get(5)?);
            worker.held = row.get::<_, i64>(6)?.max(0).unsigned_abs();
            Ok(worker)
        })?
        .collect()
}
