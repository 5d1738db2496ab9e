//! Looking and managing: queries, cancellations, requeues, paused queues.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jobs_core::record::{Unserved, UnservedCause, WorkerRecord};
use jobs_core::store::{CancelAnswer, JobFilter, JobPage, PausedQueue};
use jobs_core::{Counts, JobId, JobRecord, State, WorkerId};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::complete::end_unfenced;
use super::connection::{Connection, get, time};
use super::error::Result;
use super::row::{FINISHED, LIVE, id, record, uuid};

pub(super) async fn job(connection: &mut Connection, wanted: JobId) -> Result<Option<JobRecord>> {
    let key = uuid(wanted);
    // One statement, one look at both tables: a job that moves meanwhile is found.
    let sql = format!(
        "SELECT {LIVE} FROM {{s}}.job WHERE id = $1 UNION ALL SELECT {FINISHED} FROM {{s}}.history WHERE id = $1 LIMIT 1"
    );
    let row = connection.ad_hoc(&sql, &[(&key, Type::UUID)]).await?.into_iter().next();
    row.map(|row| Ok(record(&row)?.0)).transpose()
}

pub(super) async fn job_named(connection: &mut Connection, name: &str) -> Result<Option<JobRecord>> {
    let sql = format!("SELECT {LIVE} FROM {{s}}.job WHERE name = $1");
    let row = connection.ad_hoc(&sql, &[(&name, Type::TEXT)]).await?.into_iter().next();
    row.map(|row| Ok(record(&row)?.0)).transpose()
}

/// The most jobs of a page.
const PAGE: usize = 1_000;

pub(super) async fn jobs(connection: &mut Connection, filter: &JobFilter) -> Result<JobPage> {
    let finished = filter.finished || filter.state.is_some_and(State::is_finished);
    let (columns, table, order) = if finished { (FINISHED, "history", "place") } else { (LIVE, "job", "seq") };
    let limit = if filter.limit == 0 { PAGE } else { filter.limit.min(PAGE) };
    let rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let state = filter.state.map(State::as_str);
    let parent = filter.parent.map(uuid);
    let mut sql = format!("SELECT {columns} FROM {{s}}.{table} WHERE {order} > $1");
    let mut params = vec![(&filter.after as _, Type::INT8), (&rows as _, Type::INT8)];
    let wanted: [(&str, bool, super::connection::Param<'_>); 4] = [
        ("state", state.is_some(), (&state as _, Type::TEXT)),
        ("kind", filter.kind.is_some(), (&filter.kind as _, Type::TEXT)),
        ("queue", filter.queue.is_some(), (&filter.queue as _, Type::TEXT)),
        ("parent", parent.is_some(), (&parent as _, Type::UUID)),
    ];
    for (column, _, param) in wanted.into_iter().filter(|(_, is_wanted, _)| *is_wanted) {
        params.push(param);
        sql = format!("{sql} AND {column} = ${}", params.len());
    }
    sql = format!("{sql} ORDER BY {order} LIMIT $2");
    let found = connection.ad_hoc(&sql, &params).await?;
    let found = found.iter().map(record).collect::<Result<Vec<_>>>()?;
    let next = if found.len() == limit { found.last().map(|(_, place)| *place) } else { None };
    Ok(JobPage { jobs: found.into_iter().map(|(job, _)| job).collect(), next })
}

/// Live jobs are counted in small indexes of their own, finished ones are the sum of what was noted.
const COUNTS: &str = "SELECT state, count(*) AS jobs FROM {s}.job GROUP BY state \
     UNION ALL SELECT state, sum(jobs)::bigint FROM {s}.tally GROUP BY state";

pub(super) async fn counts(connection: &mut Connection) -> Result<Counts> {
    let mut counts = Counts::default();
    for row in &connection.rows(COUNTS, &[]).await? {
        let (state, jobs): (&str, i64) = (get(row, "state")?, get(row, "jobs")?);
        if let Ok(state) = state.parse::<State>() {
            *counts.of_mut(state) += jobs.max(0).unsigned_abs();
        }
    }
    Ok(counts)
}

pub(super) async fn cancel(
    connection: &mut Connection,
    now: Option<Timestamp>,
    ids: &[JobId],
    reason: &str,
) -> Result<Vec<CancelAnswer>> {
    connection.transaction(async |connection| cancel_within(connection, now, ids, reason).await).await
}

/// The same in the transaction that is open.
pub(super) async fn cancel_within(
    connection: &mut Connection,
    now: Option<Timestamp>,
    ids: &[JobId],
    reason: &str,
) -> Result<Vec<CancelAnswer>> {
    let keys: Vec<Uuid> = ids.iter().copied().map(uuid).collect();
    let rows = connection
        .rows("SELECT seq, id, state FROM {s}.job WHERE id = ANY($1) ORDER BY seq FOR UPDATE", &[(&keys, Type::UUID_ARRAY)])
        .await?;
    let (mut answers, mut running, mut ends) = (HashMap::new(), Vec::new(), Vec::new());
    for row in &rows {
        let (seq, state): (i64, &str) = (get(row, "seq")?, get(row, "state")?);
        if state == State::Running.as_str() {
            running.push(seq);
            answers.insert(id(row, "id")?, CancelAnswer::Requested);
        } else {
            ends.push((seq, State::Cancelled, reason.to_owned()));
            answers.insert(id(row, "id")?, CancelAnswer::Cancelled);
        }
    }
    connection
        .rows(
            "UPDATE {s}.job SET cancel = coalesce(cancel, $2) WHERE seq = ANY($1)",
            &[(&running, Type::INT8_ARRAY), (&reason, Type::TEXT)],
        )
        .await?;
    end_unfenced(connection, now, &ends).await?;
    let rows = connection.rows("SELECT id FROM {s}.history WHERE id = ANY($1)", &[(&keys, Type::UUID_ARRAY)]).await?;
    for row in &rows {
        answers.entry(id(row, "id")?).or_insert(CancelAnswer::Finished);
    }
    // An id that was given twice was cancelled by its first turn.
    let mut seen = HashSet::new();
    Ok(ids
        .iter()
        .map(|id| match answers.get(id) {
            Some(CancelAnswer::Cancelled) if !seen.insert(*id) => CancelAnswer::Finished,
            answer => answer.copied().unwrap_or(CancelAnswer::Unknown),
        })
        .collect())
}

/// Frees a parked job with a clean slate.
const FREE: &str = "UPDATE {s}.job SET state = 'available', run_at = {now}, failures = 0, crashes = 0, crash_tokens = NULL, errors = NULL, \
     error = NULL, parked_by = NULL, started_at = NULL WHERE id = $2 AND state = 'parked' RETURNING seq";

/// Brings a finished job back under its token, with a clean slate.
const REVIVE: &str = "WITH h AS (SELECT * FROM {s}.history WHERE id = $2 AND payload IS NOT NULL ORDER BY place DESC LIMIT 1 FOR UPDATE), \
     back AS (INSERT INTO {s}.job (id, token, kind, queue, priority, state, run_at, created_at, payload, retries, timeout, name, unique_key, \
       tags, metadata, tenant, \"user\", schedule, tick, parent, chain) \
       SELECT id, token, kind, queue, priority, 'available', {now}, created_at, payload, retries, timeout, name, unique_key, tags, \
       metadata, tenant, \"user\", schedule, tick, parent, chain FROM h ON CONFLICT DO NOTHING RETURNING id), \
     gone AS (DELETE FROM {s}.history WHERE id = $2 AND EXISTS (SELECT 1 FROM back) RETURNING state, finished_at), \
     counted AS (INSERT INTO {s}.tally (state, day, jobs) SELECT state, (finished_at AT TIME ZONE 'UTC')::date, -1 FROM gone) \
     SELECT id FROM back";

pub(super) async fn requeue(connection: &mut Connection, now: Option<Timestamp>, ids: &[JobId]) -> Result<Vec<bool>> {
    connection
        .transaction(async |connection| {
            let mut answers = Vec::with_capacity(ids.len());
            for id in ids {
                let key = uuid(*id);
                let params = [time(&now), (&key as _, Type::UUID)];
                let freed = !connection.rows(FREE, &params).await?.is_empty();
                answers.push(freed || !connection.rows(REVIVE, &params).await?.is_empty());
            }
            Ok(answers)
        })
        .await
}

pub(super) async fn pause(connection: &mut Connection, now: Option<Timestamp>, queues: &[String]) -> Result<Vec<bool>> {
    const PAUSE: &str = "INSERT INTO {s}.paused_queue (queue, since) SELECT queue, {now} FROM unnest($2::text[]) AS q (queue) \
         ORDER BY queue ON CONFLICT DO NOTHING RETURNING queue";
    let changed = connection.rows(PAUSE, &[time(&now), (&queues, Type::TEXT_ARRAY)]).await?;
    each_once(queues, &changed)
}

pub(super) async fn resume(connection: &mut Connection, queues: &[String]) -> Result<Vec<bool>> {
    const RESUME: &str = "DELETE FROM {s}.paused_queue WHERE queue = ANY(ARRAY(SELECT queue FROM {s}.paused_queue \
         WHERE queue = ANY($1) ORDER BY queue FOR UPDATE)) RETURNING queue";
    let changed = connection.rows(RESUME, &[(&queues, Type::TEXT_ARRAY)]).await?;
    each_once(queues, &changed)
}

/// For each queue whether it was changed; one that was given twice was changed by its first turn.
fn each_once(queues: &[String], changed: &[tokio_postgres::Row]) -> Result<Vec<bool>> {
    let mut changed = changed.iter().map(|row| get(row, "queue")).collect::<Result<HashSet<&str>>>()?;
    Ok(queues.iter().map(|queue| changed.remove(queue.as_str())).collect())
}

pub(super) async fn paused(connection: &mut Connection) -> Result<Vec<PausedQueue>> {
    let rows = connection.rows("SELECT queue, since FROM {s}.paused_queue ORDER BY queue", &[]).await?;
    rows.iter().map(|row| Ok(PausedQueue { queue: get(row, "queue")?, since: get(row, "since")? })).collect()
}

pub(super) async fn workers(connection: &mut Connection) -> Result<Vec<WorkerRecord>> {
    let rows = connection
        .rows(
            "SELECT id, name, build, started_at, queues, renewed_at, \
             (SELECT count(*) FROM {s}.job WHERE job.worker = worker.seq AND job.state = 'running') AS held FROM {s}.worker ORDER BY seq",
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let id = WorkerId::from_bytes(get::<Uuid>(row, "id")?.into_bytes());
            let mut worker = WorkerRecord::new(id, get(row, "name")?, get(row, "build")?, get(row, "started_at")?);
            worker.queues = get(row, "queues")?;
            worker.renewed_at = get(row, "renewed_at")?;
            worker.held = get::<i64>(row, "held")?.max(0).unsigned_abs();
            Ok(worker)
        })
        .collect()
}

/// The stripes of an index, among `$name`. Each step of the recursion is one look into it.
macro_rules! stripes {
    ($name:literal, $which:literal) => {
        concat!(
            $name,
            " AS ((SELECT queue, kind FROM {s}.job WHERE ",
            $which,
            " ORDER BY queue, kind LIMIT 1) UNION ALL SELECT f.queue, f.kind FROM ",
            $name,
            " AS s, LATERAL (SELECT queue, kind FROM {s}.job WHERE ",
            $which,
            " AND (queue, kind) > (s.queue, s.kind) ORDER BY queue, kind LIMIT 1) AS f)"
        )
    };
}

/// The queues of jobs that wait although no worker serves them, and the kinds that no worker knows. Of the jobs that were parked for their
/// kind, the first of each kind tells the queue.
pub(super) const UNSERVED: &str = concat!(
    "WITH RECURSIVE ",
    stripes!("ready", "state = 'available' AND crashes = 0"),
    ", ",
    stripes!("probation", "state = 'available' AND crashes > 0"),
    ", parked AS ( \
       (SELECT kind, queue FROM {s}.job WHERE state = 'parked' AND parked_by = '{}' ORDER BY kind LIMIT 1) \
       UNION ALL \
       SELECT f.kind, f.queue FROM parked, LATERAL (SELECT kind, queue FROM {s}.job WHERE state = 'parked' AND parked_by = '{}' \
         AND kind > parked.kind ORDER BY kind LIMIT 1) AS f) \
     SELECT kind, queue, strange FROM (SELECT kind, queue, \
       NOT EXISTS (SELECT 1 FROM {s}.kind AS k JOIN {s}.worker USING (kinds) WHERE k.name = waiting.kind) AS strange, \
       NOT EXISTS (SELECT 1 FROM {s}.worker WHERE waiting.queue = ANY(queues)) AS unserved \
     FROM (SELECT queue, kind FROM ready UNION SELECT queue, kind FROM probation UNION SELECT queue, kind FROM parked) AS waiting) AS w \
     WHERE strange OR unserved ORDER BY kind, queue"
);

pub(super) async fn unserved(connection: &mut Connection) -> Result<Vec<Unserved>> {
    let rows = connection.rows(UNSERVED, &[]).await?;
    rows.iter()
        .map(|row| {
            let because = if get(row, "strange")? { UnservedCause::Kind } else { UnservedCause::Queue };
            Ok(Unserved { kind: get(row, "kind")?, queue: get(row, "queue")?, because })
        })
        .collect()
}
