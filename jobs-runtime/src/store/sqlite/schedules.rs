//! Schedules and their ticks: each tick by compare and swap on its schedule's last one, in the same transaction as its job.

use std::collections::BTreeSet;

use jobs_core::JobId;
use jobs_core::store::{Fire, Fired, NewSchedule, Now, ONCE, ScheduleRecord};
use rusqlite::{Connection, OptionalExtension, params};

use super::enqueue::Insert;
use super::error::Result;
use super::row::{id, instant, micros, priority, text};
use super::session::Session;

pub(super) fn declare(session: &mut Session, now: Now, schedules: &[NewSchedule], known: &BTreeSet<String>) -> Result<()> {
    let write = |connection: &Connection| -> rusqlite::Result<()> {
        // A changed text or zone counts from now: an edit is not a misfire.
        let mut declare = connection.prepare_cached(
            "INSERT INTO jobs_schedule (key, kind, spec, zone, payload, queue, priority, build, last_tick) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
             ON CONFLICT (key) DO UPDATE SET kind = ?2, spec = ?3, zone = ?4, payload = ?5, queue = ?6, priority = ?7, build = ?8, \
             last_tick = CASE WHEN spec <> ?3 OR zone <> ?4 THEN max(iif(last_tick >= ?10, 0, last_tick), ?9) ELSE last_tick END",
        )?;
        for schedule in schedules {
            declare.execute(params![
                schedule.key,
                schedule.kind,
                schedule.spec,
                schedule.zone,
                schedule.payload,
                schedule.queue,
                i64::from(schedule.priority),
                schedule.build,
                micros(now.wall),
                micros(ONCE),
            ])?;
        }
        let declared: BTreeSet<&str> = schedules.iter().map(|schedule| &*schedule.key).collect();
        for found in read(connection)? {
            let NewSchedule { key, kind, .. } = &found.schedule;
            if known.contains(kind) && !declared.contains(&**key) {
                connection.prepare_cached("DELETE FROM jobs_schedule WHERE key = ?1")?.execute([key])?;
            }
        }
        Ok(())
    };
    write(&session.connection).map_err(|error| session.error(&error))?;
    session.after.commands = true;
    Ok(())
}

pub(super) fn read(connection: &Connection) -> rusqlite::Result<Vec<ScheduleRecord>> {
    connection
        .prepare_cached(
            "SELECT key, kind, spec, zone, payload, queue, priority, build, last_tick FROM jobs_schedule ORDER BY key",
        )?
        .query_map([], |row| {
            let schedule = NewSchedule {
                key: text(row, 0)?,
                kind: text(row, 1)?,
                spec: text(row, 2)?,
                zone: text(row, 3)?,
                payload: text(row, 4)?,
                queue: text(row, 5)?,
                priority: priority(row, 6)?,
                build: text(row, 7)?,
            };
            Ok(ScheduleRecord::new(schedule, instant(row.get(8)?)))
        })?
        .collect()
}

pub(super) fn fire(session: &mut Session, now: Now, ticks: &[Fire]) -> Result<Vec<Fired>> {
    let mut answers = Vec::with_capacity(ticks.len());
    for tick in ticks {
        answers.push(fire_one(session, now, tick)?);
    }
    if answers.iter().any(|answer| matches!(answer, Fired::Job(_))) {
        session.after.jobs = true;
    }
    Ok(answers)
}

fn fire_one(session: &Session, now: Now, tick: &Fire) -> Result<Fired> {
    let sql = |error: rusqlite::Error| session.error(&error);
    let connection = &session.connection;
    if !advance(connection, tick).map_err(sql)? {
        return Ok(Fired::Lost);
    }
    let live: Option<JobId> = connection
        .prepare_cached("SELECT id FROM jobs_job WHERE schedule = ?1 LIMIT 1")
        .and_then(|mut statement| statement.query_row([&tick.key], |row| id(row, 0)).optional())
        .map_err(sql)?;
    let fired = if live.is_some() {
        Fired::Overlap
    } else {
        Fired::Job(Insert::new(connection, now).one(&tick.job).map_err(|problem| problem.into_store_error(session))?.id)
    };
    let (outcome, job) = match fired {
        Fired::Job(job) => ("fired", Some(job)),
        _ => ("overlap", None),
    };
    let accounted = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO jobs_tick (schedule, instant, dealt_at, outcome, missed, job) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                tick.key,
                micros(tick.tick),
                micros(now.wall),
                outcome,
                i64::from(tick.missed),
                job.as_ref().map(|job| job.as_bytes().as_slice()),
            ])
        })
        .map_err(sql)?;
    debug_assert_eq!(accounted, 1, "the tick was looked up before it was dealt with");
    Ok(fired)
}

/// Moves the schedule's last tick to this one; `false` if somebody else did, or the tick was dealt with before.
fn advance(connection: &Connection, tick: &Fire) -> rusqlite::Result<bool> {
    let dealt: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM jobs_tick WHERE schedule = ?1 AND instant = ?2)")?
        .query_row(params![tick.key, micros(tick.tick)], |row| row.get(0))?;
    let known: Option<i64> = connection
        .prepare_cached("SELECT last_tick FROM jobs_schedule WHERE key = ?1")?
        .query_row([&tick.key], |row| row.get(0))
        .optional()?;
    let Some(last) = known else { return Ok(false) };
    match tick.expected {
        None => Ok(!dealt),
        Some(expected) if last == micros(expected) && micros(tick.tick) > last => {
            connection
                .prepare_cached("UPDATE jobs_schedule SET last_tick = ?2 WHERE key = ?1")?
                .execute(params![tick.key, micros(tick.tick)])?;
            // A run on start at this very instant stands for it.
            Ok(!dealt)
        }
        Some(_) => Ok(false),
    }
}
