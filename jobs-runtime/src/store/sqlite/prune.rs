//! Pruning: finished jobs go when their retention is over, in small bites and without a walk over what stays.
//!
//! The history is in order of end, so old jobs stand at its beginning. Completed jobs have no index of their own, since it would
//! cost every completion; the walk over the few failed ones between them is remembered by a cursor. A job that ended while the clock
//! was ahead is walked past: it must not keep the others, and goes after a later start.

use std::time::Duration;

use jiff::Timestamp;
use jobs_core::State;
use jobs_core::store::{BITE, Now, ONCE, REPEAT_WINDOW, Retention};
use rusqlite::{Connection, OptionalExtension, params};

use super::complete::Tally;
use super::error::Result;
use super::row::{micros, rows};
use super::session::Session;

/// How far the walks have come: everything up to these places is dealt with.
#[derive(Debug, Default)]
pub(super) struct Cursors {
    removed: i64,
    emptied: [i64; 3],
}

pub(super) fn prune(session: &mut Session, now: Now, retention: Retention) -> Result<usize> {
    let Session { connection, cursors, place, .. } = session;
    run(connection, cursors, now, retention).map_err(|error| super::error::store_error(&error, place))
}

fn run(connection: &Connection, cursors: &mut Cursors, now: Now, retention: Retention) -> rusqlite::Result<usize> {
    let mut changed = 0;
    let mut tally = Tally::default();
    for (index, state) in [State::Completed, State::Failed, State::Cancelled].into_iter().enumerate() {
        let keep = retention.of(state);
        let cutoff = before(now, keep.max(REPEAT_WINDOW));
        let removed = if state == State::Completed {
            remove_completed(connection, &mut cursors.removed, micros(now.wall), cutoff, BITE - changed)?
        } else {
            remove_others(connection, state, cutoff, BITE - changed)?
        };
        tally.add(state, -i64::try_from(removed).unwrap_or(0));
        changed += removed;
        if keep < REPEAT_WINDOW {
            changed +=
                empty(connection, state, &mut cursors.emptied[index], micros(now.wall), before(now, keep), BITE - changed)?;
        }
    }
    changed += connection
        .prepare_cached(
            "DELETE FROM jobs_tick WHERE (schedule, instant) IN \
             (SELECT schedule, instant FROM jobs_tick WHERE dealt_at < ?1 AND instant < ?3 ORDER BY dealt_at LIMIT ?2)",
        )?
        .execute(params![before(now, retention.completed.max(REPEAT_WINDOW)), rows(BITE - changed), micros(ONCE)])?;
    tally.write(connection)?;
    Ok(changed)
}

fn before(now: Now, age: Duration) -> i64 {
    micros(now.wall.saturating_sub(age).unwrap_or(Timestamp::MIN))
}

fn remove_completed(connection: &Connection, cursor: &mut i64, now: i64, cutoff: i64, limit: usize) -> rusqlite::Result<usize> {
    // Places start again when the whole history was removed. Then the first row is one that the cursor should have met.
    let first: Option<(i64, String)> = connection
        .prepare_cached("SELECT place, state FROM jobs_history ORDER BY place LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match first {
        None => *cursor = 0,
        Some((place, state)) if place <= *cursor && state == State::Completed.as_str() => *cursor = 0,
        Some(_) => {}
    }
    let mut old = Vec::new();
    let mut statement =
        connection.prepare_cached("SELECT place, state, finished_at FROM jobs_history WHERE place > ?1 ORDER BY place")?;
    let mut rows = statement.query([*cursor])?;
    while let Some(row) = rows.next()? {
        let (place, finished_at): (i64, i64) = (row.get(0)?, row.get(2)?);
        if old.len() >= limit || (finished_at >= cutoff && finished_at <= now) {
            break;
        }
        if finished_at < cutoff && row.get_ref(1)?.as_str() == Ok(State::Completed.as_str()) {
            old.push(place);
        }
        *cursor = place;
    }
    drop(rows);
    delete(connection, &old)
}

fn remove_others(connection: &Connection, state: State, cutoff: i64, limit: usize) -> rusqlite::Result<usize> {
    let old: Vec<(i64, i64)> = connection
        .prepare_cached(
            "SELECT place, finished_at FROM jobs_history WHERE state = ?1 AND state <> 'completed' ORDER BY place LIMIT ?2",
        )?
        .query_map(params![state.as_str(), rows(limit)], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let old: Vec<i64> = old.into_iter().filter(|(_, finished_at)| *finished_at < cutoff).map(|(place, _)| place).collect();
    delete(connection, &old)
}

fn delete(connection: &Connection, places: &[i64]) -> rusqlite::Result<usize> {
    let mut statement = connection.prepare_cached("DELETE FROM jobs_history WHERE place = ?1")?;
    places.iter().map(|place| statement.execute([place])).sum()
}

/// Empties jobs whose retention is over but whose id must still be remembered.
fn empty(
    connection: &Connection,
    state: State,
    cursor: &mut i64,
    now: i64,
    cutoff: i64,
    limit: usize,
) -> rusqlite::Result<usize> {
    let newest: i64 =
        connection.prepare_cached("SELECT coalesce(max(place), 0) FROM jobs_history")?.query_row([], |row| row.get(0))?;
    *cursor = if newest < *cursor { 0 } else { *cursor };
    let mut old = Vec::new();
    let mut statement = connection
        .prepare_cached("SELECT place, state, finished_at, payload <> '' FROM jobs_history WHERE place > ?1 ORDER BY place")?;
    let mut rows = statement.query([*cursor])?;
    while let Some(row) = rows.next()? {
        let (place, finished_at): (i64, i64) = (row.get(0)?, row.get(2)?);
        if old.len() >= limit || (finished_at >= cutoff && finished_at <= now) {
            break;
        }
        if finished_at < cutoff && row.get_ref(1)?.as_str() == Ok(state.as_str()) && row.get(3)? {
            old.push(place);
        }
        *cursor = place;
    }
    drop(rows);
    let mut statement = connection.prepare_cached(
        "UPDATE jobs_history SET payload = '', output = NULL, error = NULL, errors = NULL, tags = NULL, metadata = NULL, chain = NULL \
         WHERE place = ?1",
    )?;
    old.iter().map(|place| statement.execute([place])).sum()
}
