//! Between rows and records: times, ids and the lists inside texts.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::Timestamp;
use jobs_core::job::TickId;
use jobs_core::record::{AttemptError, KEPT_ERRORS};
use jobs_core::{JobId, JobRecord, State};
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, Type, ValueRef};

/// Microseconds since the Unix epoch, as every time is stored.
pub(super) fn micros(instant: Timestamp) -> i64 {
    instant.as_microsecond()
}

/// The instant of so many microseconds; the nearest one that exists for a value from outside that is beyond all times.
pub(super) fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// A number of rows, for a `LIMIT`.
pub(super) fn rows(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Keys as a JSON list, for `json_each`.
pub(super) fn keys(keys: &[i64]) -> String {
    let mut list = String::with_capacity(2 + 8 * keys.len());
    list.push('[');
    for (nth, key) in keys.iter().enumerate() {
        if nth > 0 {
            list.push(',');
        }
        // A string takes whatever is written to it.
        let _ = write!(list, "{key}");
    }
    list.push(']');
    list
}

/// The id in a column.
pub(super) fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<JobId> {
    let bytes = row.get_ref(column)?.as_blob().map_err(|error| wrong(column, error))?;
    let bytes = bytes.try_into().map_err(|error: std::array::TryFromSliceError| wrong(column, error))?;
    Ok(JobId::from_bytes(bytes))
}

fn wrong(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error))
}

/// A text word for word, to be looked up again: one from outside need not be UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Raw(Vec<u8>);

impl Raw {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, unless it is none.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl FromSql for Raw {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_bytes().map(|bytes| Self(bytes.to_vec()))
    }
}

impl ToSql for Raw {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

/// The bytes of a text.
pub(super) fn bytes<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a [u8]> {
    row.get_ref(column)?.as_bytes().map_err(|error| wrong(column, error))
}

/// The text in a column. Bytes from outside that are no UTF-8 become U+FFFD.
pub(super) fn lent<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<Cow<'a, str>> {
    bytes(row, column).map(String::from_utf8_lossy)
}

/// The same, to keep.
pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    lent(row, column).map(Cow::into_owned)
}

/// A text that may be missing.
pub(super) fn text_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        value => match value.as_bytes() {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(bytes).into_owned())),
            Err(error) => Err(wrong(column, error)),
        },
    }
}

/// A count in a column; numbers from outside that are none become the nearest.
pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u32> {
    let number: i64 = row.get(column)?;
    Ok(u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}

/// A count that may be missing.
pub(super) fn count_or_none(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u32>> {
    let number: Option<i64> = row.get(column)?;
    Ok(number.map(|number| u32::try_from(number.max(0)).unwrap_or(u32::MAX)))
}

/// A priority in a column.
pub(super) fn priority(row: &Row<'_>, column: usize) -> rusqlite::Result<i16> {
    let number: i64 = row.get(column)?;
    Ok(i16::try_from(number).unwrap_or(if number < 0 { i16::MIN } else { i16::MAX }))
}

/// The schedule and instant in two columns.
pub(super) fn tick(row: &Row<'_>, schedule: usize, tick: usize) -> rusqlite::Result<Option<TickId>> {
    let Some(schedule) = text_or_none(row, schedule)? else { return Ok(None) };
    let at: Option<i64> = row.get(tick)?;
    Ok(at.map(|at| TickId { schedule, instant: instant(at) }))
}

/// The kept failures, with one more, as JSON.
pub(super) fn with_error(errors: Option<&str>, attempt: u32, at: Timestamp, error: &str) -> String {
    let mut kept: Vec<AttemptError> = errors.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    kept.push(AttemptError { attempt, at: micros(at), error: error.to_owned() });
    let surplus = kept.len().saturating_sub(KEPT_ERRORS);
    kept.drain(..surplus);
    serde_json::to_string(&kept).unwrap_or_default()
}

/// The columns of a live job, in the order that [`record`] reads.
pub(super) const LIVE: &str = "id, kind, queue, priority, state, payload, name, retries, tags, metadata, tenant, user, failures, crashes, \
     snoozes, token, schedule, tick, created_at, run_at, started_at, error, errors, cancel IS NOT NULL, NULL, NULL, seq, \
     parent, chain";

/// The columns of a finished job, in the order that [`record`] reads.
pub(super) const FINISHED: &str = "id, kind, queue, priority, state, payload, name, retries, tags, metadata, tenant, user, failures, \
     crashes, snoozes, token, schedule, tick, created_at, run_at, started_at, error, errors, 0, finished_at, output, place, \
     parent, chain";

/// The record of a job, and its place in the order of its table.
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<(JobRecord, i64)> {
    fn list<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<T>> {
        let json = text_or_none(row, column)?;
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
    }
    let state = text(row, 4)?;
    let state: State = state.parse().map_err(|error| wrong(4, error))?;
    let optional = |column: usize| row.get::<_, Option<i64>>(column).map(|at| at.map(instant));
    let mut record = JobRecord::new(id(row, 0)?, text(row, 1)?, text(row, 2)?, state);
    record.priority = priority(row, 3)?;
    record.payload = text(row, 5)?;
    record.name = text_or_none(row, 6)?;
    record.retries = count_or_none(row, 7)?;
    record.tags = list(row, 8)?;
    record.metadata = text_or_none(row, 9)?;
    record.tenant = text_or_none(row, 10)?;
    record.user = text_or_none(row, 11)?;
    record.failures = count(row, 12)?;
    record.crashes = count(row, 13)?;
    record.snoozes = count(row, 14)?;
    record.token = row.get(15)?;
    record.schedule = text_or_none(row, 16)?;
    record.tick = optional(17)?;
    record.created_at = instant(row.get(18)?);
    record.run_at = instant(row.get(19)?);
    record.started_at = optional(20)?;
    record.error = text_or_none(row, 21)?;
    record.errors = list(row, 22)?;
    record.cancel_requested = row.get(23)?;
    record.finished_at = optional(24)?;
    record.output = text_or_none(row, 25)?;
    record.parent = if row.get_ref(27)? == ValueRef::Null { None } else { Some(id(row, 27)?) };
    record.chain = list(row, 28)?;
    Ok((record, row.get(26)?))
}
