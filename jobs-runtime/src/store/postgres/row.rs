//! Between rows and records.

use std::time::Duration;

use jobs_core::record::AttemptError;
use jobs_core::{JobId, JobRecord, State};
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use uuid::Uuid;

use super::connection::get;
use super::error::{Result, refused};

/// A job's id as the driver takes it.
pub(super) fn uuid(id: JobId) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}

/// The id in a column.
pub(super) fn id(row: &Row, column: &str) -> Result<JobId> {
    Ok(JobId::from_bytes(get::<Uuid>(row, column)?.into_bytes()))
}

/// A count in a column; numbers from outside that are none become the nearest.
pub(super) fn count(row: &Row, column: &str) -> Result<u32> {
    Ok(not_negative(get(row, column)?))
}

/// A number from outside that is no count becomes the nearest.
pub(super) fn not_negative(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// A time that the server told in microseconds; never less than none.
pub(super) fn micros_of(micros: i64) -> Duration {
    Duration::from_micros(micros.max(0).unsigned_abs())
}

/// A count that may be missing.
pub(super) fn count_or_none(row: &Row, column: &str) -> Result<Option<u32>> {
    Ok(get::<Option<i32>>(row, column)?.map(not_negative))
}

/// The columns of a live job.
pub(super) const LIVE: &str = "id, kind, queue, priority, state, payload, name, retries, tags, metadata, tenant, \"user\", failures, crashes, \
     snoozes, token, schedule, tick, parent, chain, created_at, run_at, started_at, error, errors::text AS errors, \
     cancel IS NOT NULL AS cancel_requested, NULL::timestamptz AS finished_at, NULL::text AS output, seq AS place";

/// The columns of a finished job.
pub(super) const FINISHED: &str = "id, kind, queue, priority, state, payload, name, retries, tags, metadata, tenant, \"user\", failures, crashes, \
     snoozes, token, schedule, tick, parent, chain, created_at, run_at, started_at, error, errors::text AS errors, \
     false AS cancel_requested, finished_at, output, place";

/// The record of a job, and its place in the order of its table.
pub(super) fn record(row: &Row) -> Result<(JobRecord, i64)> {
    fn list<T: DeserializeOwned>(row: &Row, column: &str) -> Result<Vec<T>> {
        let json: Option<String> = get(row, column)?;
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
    }
    let state: String = get(row, "state")?;
    let state: State = state.parse().map_err(|error| refused(format!("a row from outside: {error}")))?;
    let mut record = JobRecord::new(id(row, "id")?, get(row, "kind")?, get(row, "queue")?, state);
    record.priority = get(row, "priority")?;
    record.payload = get::<Option<String>>(row, "payload")?.unwrap_or_default();
    record.name = get(row, "name")?;
    record.retries = count_or_none(row, "retries")?;
    record.tags = list(row, "tags")?;
    record.metadata = get(row, "metadata")?;
    record.tenant = get(row, "tenant")?;
    record.user = get(row, "user")?;
    record.failures = count(row, "failures")?;
    record.crashes = count(row, "crashes")?;
    record.snoozes = count(row, "snoozes")?;
    record.token = get(row, "token")?;
    record.schedule = get(row, "schedule")?;
    record.tick = get(row, "tick")?;
    record.parent = get::<Option<Uuid>>(row, "parent")?.map(|parent| JobId::from_bytes(parent.into_bytes()));
    record.chain = list(row, "chain")?;
    record.created_at = get(row, "created_at")?;
    record.run_at = get(row, "run_at")?;
    record.started_at = get(row, "started_at")?;
    record.finished_at = get(row, "finished_at")?;
    record.cancel_requested = get(row, "cancel_requested")?;
    record.error = get(row, "error")?;
    record.errors = list::<AttemptError>(row, "errors")?;
    record.output = get(row, "output")?;
    Ok((record, get(row, "place")?))
}
