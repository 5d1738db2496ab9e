//! Workers and their leases: each worker holds the OS lock of a side file while its process lives, and beats while it is awake.

use std::collections::HashSet;
use std::time::Duration;

use jobs_core::store::{BITE, Beat, Held, NewWorker, Now};
use jobs_core::{JobId, StoreError, WorkerId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::claim::{next_due, worker_key};
use super::complete::{Tally, end_unfenced};
use super::error::Result;
use super::file::open_side_file;
use super::rescue;
use super::row::{instant, micros, text_or_none};
use super::session::Session;
use crate::store::names::kinds_key;
use crate::store::start_of;
use jobs_core::State;

pub(super) fn register(session: &mut Session, now: Now, worker: &NewWorker) -> Result<()> {
    // The lock is held before anybody can see the worker.
    if !session.locks.contains_key(&worker.id) {
        let path = session.folder.join(worker.id.to_string());
        let file = open_side_file(&path).and_then(|file| file.lock().map(|()| file));
        let file = file.map_err(|error| StoreError::Unusable(format!("cannot lock {}: {error}", path.display())))?;
        session.locks.insert(worker.id, file);
    }
    let freed = register_rows(&session.connection, now, worker).map_err(|error| session.error(&error))?;
    session.renewed();
    if freed {
        session.after.jobs = true;
    }
    Ok(())
}

fn register_rows(connection: &Connection, now: Now, worker: &NewWorker) -> rusqlite::Result<bool> {
    let kinds = kinds_key(&worker.kinds);
    let started_at = micros(start_of(now.wall, worker.up_for));
    let known: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM jobs_worker WHERE kinds = ?1)")?
        .query_row([&kinds], |row| row.get(0))?;
    if !known {
        let mut insert = connection.prepare_cached(
            "INSERT OR IGNORE INTO jobs_kind (kinds, name, shape, queue, priority, tags, started_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for kind in worker.kinds.iter() {
            insert.execute(params![kinds, kind.name, kind.shape, kind.queue, kind.priority, kind.tags_text(), started_at])?;
        }
        connection
            .execute("DELETE FROM jobs_kind WHERE kinds <> ?1 AND kinds NOT IN (SELECT kinds FROM jobs_worker)", [&kinds])?;
    }
    connection
        .prepare_cached("UPDATE jobs_kind SET started_at = ?2 WHERE kinds = ?1 AND started_at < ?2")?
        .execute(params![kinds, started_at])?;
    connection
        .prepare_cached(
            "INSERT INTO jobs_worker (id, name, build, kinds, queues, schedules, lease, started_at, renewed_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?9, ?8)",
        )?
        .execute(params![
            worker.id.as_bytes().as_slice(),
            worker.name,
            worker.build,
            kinds,
            serde_json::to_string(&worker.queues).unwrap_or_default(),
            serde_json::to_string(&worker.schedules).unwrap_or_default(),
            i64::try_from(worker.lease.as_millis()).unwrap_or(i64::MAX),
            micros(now.wall),
            started_at,
        ])?;
    // The rest in the bites of a rescue.
    Ok(rescue::free_parked(connection, BITE)? > 0)
}

/// Renews a lease. At the time of the judge, if there is one, it looks at the others, too.
pub(super) fn heartbeat(session: &mut Session, now: Now, worker: WorkerId, judging: Option<Duration>) -> Result<Beat> {
    let renewed = session
        .connection
        .prepare_cached("UPDATE jobs_worker SET beat = beat + 1, renewed_at = ?2 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![worker.as_bytes().as_slice(), micros(now.wall)]))
        .map_err(|error| session.error(&error))?;
    if renewed == 0 {
        session.after.ended.push(worker);
        return Ok(Beat::default());
    }
    session.renewed();
    let rescue = judging.map_or(Ok(false), |at| rescue::wanted(session, at, worker))?;
    let look = |connection: &Connection| -> rusqlite::Result<Beat> {
        let (waiting, paused) = connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM jobs_job INDEXED BY jobs_ready WHERE state = 'available' AND crashes = 0) \
                 OR EXISTS (SELECT 1 FROM jobs_job INDEXED BY jobs_probation WHERE state = 'available' AND crashes > 0), \
                 EXISTS (SELECT 1 FROM jobs_paused_queue)",
            )?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Beat { alive: true, rescue, next_due: next_due(connection)?.map(instant), waiting, paused })
    };
    look(&session.connection).map_err(|error| session.error(&error))
}

pub(super) fn leave(session: &mut Session, now: Now, worker: WorkerId) -> Result<()> {
    let leave = |connection: &Connection| -> rusqlite::Result<()> {
        let Some(key) = worker_key(connection, worker)? else { return Ok(()) };
        hand_back(connection, now, key, &[])?;
        connection.prepare_cached("DELETE FROM jobs_worker WHERE seq = ?1")?.execute([key]).map(drop)
    };
    leave(&session.connection).map_err(|error| session.error(&error))?;
    session.after.ended.push(worker);
    session.after.jobs = true;
    Ok(())
}

pub(super) fn reconcile(session: &mut Session, now: Now, worker: WorkerId, known: &[Held]) -> Result<u64> {
    let reconcile = |connection: &Connection| -> rusqlite::Result<u64> {
        worker_key(connection, worker)?.map_or(Ok(0), |key| hand_back(connection, now, key, known))
    };
    let handed_back = reconcile(&session.connection).map_err(|error| session.error(&error))?;
    if handed_back > 0 {
        session.after.jobs = true;
    }
    Ok(handed_back)
}

/// Hands back what a worker holds, except for what it knows of. Jobs that were asked to stop end as cancelled.
fn hand_back(connection: &Connection, now: Now, worker: i64, known: &[Held]) -> rusqlite::Result<u64> {
    let known: HashSet<Held> = known.iter().copied().collect();
    let held: Vec<(Held, Running)> = connection
        .prepare_cached("SELECT seq, cancel, id, token FROM jobs_job WHERE worker = ?1 AND state = 'running' ORDER BY seq")?
        .query_map([worker], |row| Ok((Held { id: super::row::id(row, 2)?, token: row.get(3)? }, running(row)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let unknown = held.into_iter().filter(|(held, _)| !known.contains(held));
    give_back(connection, now, unknown.map(|(_, running)| running))
}

/// A running job, and why somebody asked it to stop.
type Running = (i64, Option<String>);

fn running(row: &Row<'_>) -> rusqlite::Result<Running> {
    Ok((row.get(0)?, text_or_none(row, 1)?))
}

/// Makes running jobs available. Those that were asked to stop end as cancelled.
fn give_back(connection: &Connection, now: Now, jobs: impl IntoIterator<Item = Running>) -> rusqlite::Result<u64> {
    let mut tally = Tally::default();
    let mut given_back = 0;
    let mut free = connection.prepare_cached("UPDATE jobs_job SET state = 'available', worker = NULL WHERE seq = ?1")?;
    for (seq, cancel) in jobs {
        match cancel {
            None => drop(free.execute([seq])?),
            Some(reason) => {
                end_unfenced(connection, now, seq, State::Cancelled, &reason, &mut tally)?;
            }
        }
        given_back += 1;
    }
    tally.write(connection)?;
    Ok(given_back)
}

pub(super) fn abandon(session: &mut Session, now: Now, held: &[Held]) -> Result<u64> {
    let take_back = |connection: &Connection| -> rusqlite::Result<u64> {
        let mut crash = connection.prepare_cached(
            "UPDATE jobs_job SET crashes = max(crashes - 1, 0), crash_tokens = replace(crash_tokens, ',' || ?2 || ',', ',') \
             WHERE id = ?1 AND instr(crash_tokens, ',' || ?2 || ',') > 0",
        )?;
        // Its worker is gone, but the rescue frees in bites, and has not come to it yet.
        let mut deserted = connection.prepare_cached(
            "SELECT seq, cancel FROM jobs_job WHERE id = ?1 AND token = ?2 AND state = 'running' \
             AND worker NOT IN (SELECT seq FROM jobs_worker)",
        )?;
        let mut taken = 0;
        for held in held {
            let held = params![held.id.as_bytes().as_slice(), held.token];
            taken += u64::try_from(crash.execute(held)?).unwrap_or(0);
            taken += give_back(connection, now, deserted.query_row(held, running).optional()?)?;
        }
        Ok(taken)
    };
    let taken = take_back(&session.connection).map_err(|error| session.error(&error))?;
    if taken > 0 {
        session.after.jobs = true;
    }
    Ok(taken)
}

pub(super) fn cancellations(connection: &Connection, worker: WorkerId) -> rusqlite::Result<Vec<JobId>> {
    let Some(key) = worker_key(connection, worker)? else { return Ok(Vec::new()) };
    connection
        .prepare_cached("SELECT id FROM jobs_job WHERE worker = ?1 AND cancel IS NOT NULL AND state = 'running'")?
        .query_map([key], |row| super::row::id(row, 0))?
        .collect()
}
