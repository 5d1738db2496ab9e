//! Rescue: who is dead, and what becomes of the jobs that they held.
//!
//! A worker whose side file is no longer locked is dead, and its jobs are free at once. One that holds its lock but does not beat is
//! judged by its counter, on the judge's own steady clock and only while the judge's own beats succeed: while a stranger locks the
//! file nobody can beat, so nobody is judged. Nor do beats count that waited for the lock until they were given up, since all of them are
//! written in one moment then, nor those that were undone.

use std::collections::HashMap;
use std::time::Duration;

use jobs_core::State;
use jobs_core::WorkerId;
use jobs_core::store::{BITE, Now, QUARANTINE, Rescue};
use rusqlite::{Connection, OptionalExtension, params};

use super::complete::{Tally, end_unfenced};
use super::error::Result;
use super::file::open_side_file;
use super::row::{Raw, rows, text, text_or_none};
use super::session::Session;

/// How many beats of the judge a counter must have stood still for, beside the lease time.
const BEATS: u32 = 3;

/// What this process has seen of the others' counters.
#[derive(Clone, Debug, Default)]
pub(super) struct Judge(HashMap<i64, Seen>);

#[derive(Clone, Debug)]
struct Seen {
    beat: i64,
    since: Duration,
    own_beats: u32,
}

/// A worker as the judge sees it.
struct Other {
    key: i64,
    id: WorkerId,
    beat: i64,
    lease: Duration,
}

/// Whether a rescue has something to do. Called at each of the judge's own beats, with the time of the judge's steady clock.
pub(super) fn wanted(session: &mut Session, at: Duration, by: WorkerId) -> Result<bool> {
    let others = others(&session.connection, by).map_err(|error| session.error(&error))?;
    let mut judge = session.after.judge.take().unwrap_or_else(|| session.judge.clone());
    judge.0.retain(|key, _| others.iter().any(|other| other.key == *key));
    for other in &others {
        let seen = judge.0.entry(other.key).or_insert(Seen { beat: other.beat, since: at, own_beats: 0 });
        if seen.beat == other.beat {
            seen.own_beats += 1;
        } else {
            *seen = Seen { beat: other.beat, since: at, own_beats: 0 };
        }
    }
    let dead = others.iter().any(|other| is_dead(session, &judge, at, other));
    session.after.judge = Some(judge);
    Ok(dead || has_more(&session.connection).map_err(|error| session.error(&error))?)
}

fn has_more(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(has_orphans(connection)? || !strange_kinds(connection)?.is_empty() || !freeable(connection)?.is_empty())
}

pub(super) fn rescue(session: &mut Session, now: Now, by: WorkerId) -> Result<Rescue> {
    let mut answer = Rescue::default();
    let others = others(&session.connection, by).map_err(|error| session.error(&error))?;
    let dead: Vec<Other> = others.into_iter().filter(|other| is_dead(session, &session.judge, now.steady, other)).collect();
    let mut tally = Tally::default();
    let mut work = |connection: &Connection| -> rusqlite::Result<()> {
        // The worker goes first: from here on it can neither beat nor claim.
        for other in &dead {
            answer.workers += connection.prepare_cached("DELETE FROM jobs_worker WHERE seq = ?1")?.execute([other.key])?;
        }
        free_orphans(connection, now, &mut answer, &mut tally)?;
        park_strangers(connection, &mut answer)?;
        answer.freed += free_parked(connection, BITE.saturating_sub(answer.freed + answer.quarantined + answer.parked))?;
        tally.write(connection)?;
        answer.more = has_more(connection)?;
        Ok(())
    };
    work(&session.connection).map_err(|error| session.error(&error))?;
    for other in &dead {
        session.judge.0.remove(&other.key);
        session.after.ended.push(other.id);
    }
    if answer.freed > 0 {
        session.after.jobs = true;
    }
    Ok(answer)
}

fn others(connection: &Connection, by: WorkerId) -> rusqlite::Result<Vec<Other>> {
    connection
        .prepare_cached("SELECT seq, id, beat, lease FROM jobs_worker WHERE id <> ?1 ORDER BY seq")?
        .query_map([by.as_bytes().as_slice()], |row| {
            let lease: i64 = row.get(3)?;
            Ok(Other {
                key: row.get(0)?,
                id: WorkerId::from_bytes(*super::row::id(row, 1)?.as_bytes()),
                beat: row.get(2)?,
                lease: Duration::from_millis(lease.max(0).unsigned_abs()),
            })
        })?
        .collect()
}

fn is_dead(session: &Session, judge: &Judge, at: Duration, other: &Other) -> bool {
    if !session.locks.contains_key(&other.id) && lock_is_free(session, other.id) {
        return true;
    }
    judge
        .0
        .get(&other.key)
        .is_some_and(|seen| seen.beat == other.beat && seen.own_beats >= BEATS && at.saturating_sub(seen.since) >= other.lease)
}

fn lock_is_free(session: &Session, worker: WorkerId) -> bool {
    let path = session.folder.join(worker.to_string());
    // A file that somebody removed, or that cannot be opened, tells nothing: then the counter alone decides.
    path.exists() && open_side_file(&path).is_ok_and(|file| file.try_lock().is_ok())
}

fn has_orphans(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM jobs_job INDEXED BY jobs_running WHERE state = 'running' \
             AND worker NOT IN (SELECT seq FROM jobs_worker))",
        )?
        .query_row([], |row| row.get(0))
}

/// Frees running jobs whose worker is gone. Each gets one crash more.
fn free_orphans(connection: &Connection, now: Now, answer: &mut Rescue, tally: &mut Tally) -> rusqlite::Result<()> {
    let orphans: Vec<(i64, u32, Option<String>)> = connection
        .prepare_cached(
            "SELECT seq, crashes, cancel FROM jobs_job INDEXED BY jobs_running WHERE state = 'running' \
             AND worker NOT IN (SELECT seq FROM jobs_worker) LIMIT ?1",
        )?
        .query_map([rows(BITE)], |row| Ok((row.get(0)?, super::row::count(row, 1)?, text_or_none(row, 2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut free = connection.prepare_cached(
        "UPDATE jobs_job SET state = 'available', crashes = min(crashes + 1, 1000000000), \
         crash_tokens = ifnull(crash_tokens, ',') || token || ',', worker = NULL WHERE seq = ?1",
    )?;
    for (seq, crashes, cancel) in orphans {
        // The first crash only put it on probation; those after it count.
        if crashes >= QUARANTINE {
            connection
                .prepare_cached("UPDATE jobs_job SET crashes = min(crashes + 1, 1000000000) WHERE seq = ?1")?
                .execute([seq])?;
            let error = format!(
                "quarantined: {QUARANTINE} workers died while they ran this job on probation; find out why before you requeue it"
            );
            end_unfenced(connection, now, seq, State::Failed, &error, tally)?;
            answer.quarantined += 1;
        } else if let Some(reason) = cancel {
            end_unfenced(connection, now, seq, State::Cancelled, &reason, tally)?;
        } else {
            answer.freed += free.execute([seq])?;
        }
    }
    Ok(())
}

/// The kinds of available jobs that no worker knows.
fn strange_kinds(connection: &Connection) -> rusqlite::Result<Vec<(Raw, Raw)>> {
    let mut next = connection.prepare_cached(
        "SELECT queue, kind FROM jobs_job INDEXED BY jobs_ready WHERE state = 'available' AND crashes = 0 \
         AND (queue, kind) > (?1, ?2) ORDER BY queue, kind LIMIT 1",
    )?;
    let mut known = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM jobs_kind JOIN jobs_worker USING (kinds) WHERE jobs_kind.name = ?1)")?;
    let mut strange = Vec::new();
    let mut last = (Raw::default(), Raw::default());
    while let Some(stripe) = next.query_row(params![last.0, last.1], |row| Ok((row.get(0)?, row.get(1)?))).optional()? {
        if !known.query_row([&stripe.1], |row| row.get::<_, bool>(0))? {
            strange.push(stripe.clone());
        }
        last = stripe;
    }
    Ok(strange)
}

/// Parks available jobs of kinds that no worker knows, a bite at a time.
fn park_strangers(connection: &Connection, answer: &mut Rescue) -> rusqlite::Result<()> {
    for (queue, kind) in strange_kinds(connection)? {
        let room = BITE.saturating_sub(answer.freed + answer.quarantined + answer.parked);
        if room == 0 {
            break;
        }
        answer.parked += connection
            .prepare_cached(
                "UPDATE jobs_job SET state = 'parked', parked_by = '[]', error = 'no worker knows this kind' WHERE seq IN \
                 (SELECT seq FROM jobs_job WHERE queue = ?1 AND kind = ?2 AND state = 'available' AND crashes = 0 LIMIT ?3)",
            )?
            .execute(params![queue, kind, rows(room)])?;
    }
    Ok(())
}

/// The kinds and lists of shapes of parked jobs that some live worker may be able to run. Jobs parked alike are one step in the index.
fn freeable(connection: &Connection) -> rusqlite::Result<Vec<(Raw, Raw)>> {
    let mut next = connection.prepare_cached(
        "SELECT kind, parked_by FROM jobs_job INDEXED BY jobs_parked WHERE state = 'parked' AND (kind, parked_by) > (?1, ?2) \
         ORDER BY kind, parked_by LIMIT 1",
    )?;
    let mut able = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM jobs_kind JOIN jobs_worker USING (kinds) WHERE jobs_kind.name = ?1 \
         AND NOT EXISTS (SELECT 1 FROM json_each(?2) WHERE value = jobs_kind.shape))",
    )?;
    let mut found = Vec::new();
    let mut last = (Raw::default(), Raw::default());
    while let Some(alike) = next.query_row(params![last.0, last.1], |row| Ok((row.get(0)?, row.get(1)?))).optional()? {
        if able.query_row(params![alike.0, alike.1], |row| row.get::<_, bool>(0))? {
            found.push(alike.clone());
        }
        last = alike;
    }
    Ok(found)
}

/// Frees parked jobs that some live worker may be able to run, so many at most.
pub(super) fn free_parked(connection: &Connection, most: usize) -> rusqlite::Result<usize> {
    let mut freed = 0;
    for (kind, parked_by) in freeable(connection)? {
        freed += connection
            .prepare_cached(
                "UPDATE jobs_job SET state = 'available', error = NULL WHERE seq IN \
                 (SELECT seq FROM jobs_job WHERE state = 'parked' AND kind = ?1 AND parked_by = ?2 LIMIT ?3)",
            )?
            .execute(params![kind, parked_by, rows(most - freed)])?;
    }
    Ok(freed)
}

/// The queues of jobs that wait although no worker serves them, and the kinds that no worker knows; for the report.
pub(super) fn unserved(connection: &Connection) -> rusqlite::Result<Vec<(String, String, bool)>> {
    let mut rows = connection.prepare(
        "SELECT DISTINCT kind, queue, \
            NOT EXISTS (SELECT 1 FROM jobs_kind JOIN jobs_worker USING (kinds) WHERE jobs_kind.name = waiting.kind), \
            NOT EXISTS (SELECT 1 FROM jobs_worker, json_each(jobs_worker.queues) WHERE json_each.value = waiting.queue) \
         FROM (SELECT DISTINCT queue, kind FROM jobs_job WHERE state = 'available' AND crashes = 0 \
               UNION SELECT DISTINCT queue, kind FROM jobs_job WHERE state = 'available' AND crashes > 0 \
               UNION SELECT DISTINCT queue, kind FROM jobs_job WHERE state = 'parked' AND parked_by = '[]') AS waiting \
         ORDER BY kind, queue",
    )?;
    let rows = rows.query_map([], |row| Ok((text(row, 0)?, text(row, 1)?, row.get::<_, bool>(2)?, row.get::<_, bool>(3)?)))?;
    let mut found = Vec::new();
    for row in rows {
        let (kind, queue, strange, unserved) = row?;
        if strange || unserved {
            found.push((kind, queue, strange));
        }
    }
    Ok(found)
}

/// Removes side files that belong to no worker, when the store is opened.
pub(super) fn sweep(session: &Session) -> Result<()> {
    let Ok(files) = std::fs::read_dir(&session.folder) else { return Ok(()) };
    for file in files.flatten() {
        let Some(worker) = file.file_name().to_str().and_then(|name| name.parse::<WorkerId>().ok()) else { continue };
        let known = super::claim::worker_key(&session.connection, worker).map_err(|error| session.error(&error))?.is_some();
        if !known && !session.locks.contains_key(&worker) && lock_is_free(session, worker) {
            let _ = std::fs::remove_file(file.path());
        }
    }
    Ok(())
}
