//! Schedules and their ticks: what changes and ticks mean is judged by `jobs_core::store`, and done here.

use std::collections::BTreeSet;

use jobs_core::store::{
    ChangeScope, Deal, Fire, FireRow, Fired, KnownWorkers, Live, Now, ScheduleAnswer, ScheduleChange, ScheduleFilter,
    ScheduleList, ScheduleRecord, StoredSchedule, TickCause, TickFilter, TickOutcome, TickRecord, change, judge,
};
use jobs_core::{JobId, State};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::enqueue::Insert;
use super::error::Result;
use super::manage;
use super::row::{count, id, instant, micros, rows, text, text_or_none};
use super::session::Session;
use crate::store::{CANCELLED_FOR_A_TICK, newly_queued, ticks_of};

const COLUMNS: &str = "key, kind, spec, zone, group_name, build, definition, version, last_tick, paused_at, retired_at, override_spec, \
     override_zone, queued, started";

pub(super) fn change_schedules(session: &mut Session, now: Now, wanted: &ScheduleChange) -> Result<Vec<ScheduleAnswer>> {
    let work = |connection: &Connection| -> rusqlite::Result<(Vec<ScheduleAnswer>, bool)> {
        let ChangeScope { keys, group, kinds } = wanted.scope();
        let keys: BTreeSet<String> = keys.into_iter().collect();
        let kinds_text = kinds.as_ref().map(|kinds| json(&**kinds));
        let found: Vec<ScheduleRecord> = connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM jobs_schedule WHERE key IN (SELECT value FROM json_each(?1)) OR group_name = ?2 \
                 OR (build IS NOT NULL AND kind IN (SELECT value FROM json_each(?3))) ORDER BY key"
            ))?
            .query_map(params![json(&keys), group, kinds_text], record)?
            .collect::<rusqlite::Result<_>>()?;
        let known = if kinds.is_some() { known(connection)? } else { KnownWorkers::default() };
        let edit = change(now.wall, wanted.clone(), found, &known);
        let has_changed = !(edit.write.is_empty() && edit.remove.is_empty());
        for key in &edit.remove {
            connection.prepare_cached("DELETE FROM jobs_schedule WHERE key = ?1")?.execute([key])?;
        }
        for row in &edit.write {
            write(connection, row)?;
        }
        for tick in &edit.ticks {
            account(connection, tick)?;
        }
        Ok((edit.answers, has_changed))
    };
    let (answers, has_changed) = work(&session.connection).map_err(|error| session.error(&error))?;
    session.after.commands |= has_changed;
    Ok(answers)
}

fn json<'a>(texts: impl IntoIterator<Item = &'a String>) -> String {
    serde_json::to_string(&texts.into_iter().collect::<Vec<_>>()).unwrap_or_default()
}

fn known(connection: &Connection) -> rusqlite::Result<KnownWorkers> {
    let mut known = KnownWorkers::default();
    let mut statement = connection.prepare_cached("SELECT build, schedules, max(started_at) FROM jobs_worker GROUP BY 1, 2")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let schedules: Vec<String> = serde_json::from_str(&text(row, 1)?).unwrap_or_default();
        known.add(&text(row, 0)?, instant(row.get(2)?), schedules);
    }
    Ok(known)
}

fn write(connection: &Connection, row: &ScheduleRecord) -> rusqlite::Result<()> {
    let row = StoredSchedule::from(row);
    connection
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO jobs_schedule ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"
        ))?
        .execute(params![
            row.key,
            row.kind,
            row.spec,
            row.zone,
            row.group,
            row.build,
            row.definition,
            row.version,
            micros(row.last_tick),
            row.paused_at.map(micros),
            row.retired_at.map(micros),
            row.override_spec,
            row.override_zone,
            row.queued,
            row.started,
        ])?;
    Ok(())
}

fn record(row: &Row<'_>) -> rusqlite::Result<ScheduleRecord> {
    let (paused_at, retired_at): (Option<i64>, Option<i64>) = (row.get(9)?, row.get(10)?);
    let stored = StoredSchedule {
        key: text(row, 0)?,
        kind: text(row, 1)?,
        spec: text(row, 2)?,
        zone: text(row, 3)?,
        group: text_or_none(row, 4)?,
        build: text_or_none(row, 5)?,
        definition: text(row, 6)?,
        version: row.get(7)?,
        last_tick: instant(row.get(8)?),
        paused_at: paused_at.map(instant),
        retired_at: retired_at.map(instant),
        override_spec: text_or_none(row, 11)?,
        override_zone: text_or_none(row, 12)?,
        queued: text(row, 13)?,
        started: text(row, 14)?,
    };
    Ok(stored.into_record())
}

pub(super) fn read(connection: &Connection, now: Now, filter: &ScheduleFilter) -> rusqlite::Result<ScheduleList> {
    let wanted = match (&filter.key, &filter.group) {
        (Some(_), _) => "key = ?1 AND (?2 IS NULL OR group_name = ?2)",
        (None, Some(_)) => "?1 IS NULL AND group_name = ?2",
        (None, None) => "?1 IS NULL AND ?2 IS NULL",
    };
    let schedules = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM jobs_schedule WHERE {wanted} ORDER BY key"))?
        .query_map(params![filter.key, filter.group], record)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(ScheduleList { now: now.wall, schedules })
}

pub(super) fn ticks(connection: &Connection, filter: &TickFilter) -> rusqlite::Result<Vec<TickRecord>> {
    let found = connection
        .prepare_cached(
            "SELECT instant, since, dealt_at, outcome, missed, job, cause FROM jobs_tick WHERE schedule = ?1 AND instant < ?2 \
             ORDER BY instant DESC LIMIT ?3",
        )?
        .query_map(params![filter.schedule, filter.before.map_or(i64::MAX, micros), rows(ticks_of(filter))], |row| {
            let outcome = TickOutcome::parse(&text(row, 3)?);
            let job = match row.get_ref(5)? {
                ValueRef::Null => None,
                _ => Some(id(row, 5)?),
            };
            let (at, since, dealt_at) = (instant(row.get(0)?), instant(row.get(1)?), instant(row.get(2)?));
            let (missed, cause) = (count(row, 4)?, TickCause::parse(&text(row, 6)?).unwrap_or_default());
            // A newer release may know outcomes that this one does not.
            Ok(outcome.map(|outcome| {
                let mut tick = TickRecord::new(&*filter.schedule, at, since, dealt_at, outcome);
                (tick.cause, tick.missed, tick.job) = (cause, missed, job);
                tick
            }))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// Accounts for a tick, as [`TickRecord::renew`] says.
fn account(connection: &Connection, tick: &TickRecord) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO jobs_tick (schedule, instant, since, dealt_at, outcome, missed, job, cause) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
             ON CONFLICT (schedule, instant) DO UPDATE SET dealt_at = ?4, outcome = ?5, job = ?7, \
               since = iif(outcome = 'queued', since, ?3), missed = iif(outcome = 'queued', missed, ?6), \
               cause = iif(outcome = 'queued', cause, ?8) \
             WHERE outcome = 'queued' OR (outcome <> 'fired' AND ?5 IN ('fired', 'queued'))",
        )?
        .execute(params![
            tick.schedule,
            micros(tick.instant),
            micros(tick.since),
            micros(tick.dealt_at),
            tick.outcome.as_str(),
            i64::from(tick.missed),
            tick.job.as_ref().map(|job| job.as_bytes().as_slice()),
            tick.cause.as_str(),
        ])?;
    Ok(())
}

pub(super) fn fire(session: &mut Session, now: Now, ticks: &[Fire]) -> Result<Vec<Fired>> {
    let mut answers = Vec::with_capacity(ticks.len());
    for tick in ticks {
        answers.push(fire_one(session, now, tick)?);
    }
    if answers.iter().any(|answer| matches!(answer, Fired::Job(_))) {
        session.after.jobs = true;
    }
    session.after.commands |= newly_queued(ticks, &answers);
    Ok(answers)
}

fn fire_one(session: &mut Session, now: Now, fire: &Fire) -> Result<Fired> {
    let sql = |error: rusqlite::Error, session: &Session| session.error(&error);
    let (row, dealt, live) = look(&session.connection, fire).map_err(|error| sql(error, session))?;
    let judgement = judge(fire, now.wall, row, dealt, &live);
    if !judgement.cancel.is_empty() {
        manage::cancel(session, now, &judgement.cancel, CANCELLED_FOR_A_TICK)?;
    }
    let stored: Option<JobId> = match (judgement.outcome, &fire.deal) {
        (Some(TickOutcome::Fired), Deal::Job(job)) => {
            let connection = &session.connection;
            let stored = Insert::new(connection, now).one(job).map_err(|problem| problem.into_store_error(session))?;
            Some(stored.id)
        }
        _ => None,
    };
    let note = |connection: &Connection| -> rusqlite::Result<()> {
        if let Some(row) = &judgement.row {
            connection
                .prepare_cached("UPDATE jobs_schedule SET last_tick = ?2, queued = ?3, started = ?4 WHERE key = ?1")?
                .execute(params![
                    fire.key,
                    micros(row.last_tick),
                    StoredSchedule::queued_text(&row.queued),
                    StoredSchedule::started_text(&row.started),
                ])?;
        }
        judgement.accounts(fire, now.wall, stored).iter().try_for_each(|tick| account(connection, tick))
    };
    note(&session.connection).map_err(|error| sql(error, session))?;
    Ok(judgement.answer(stored))
}

/// What a tick depends on: the row of its schedule, what the account of its instant says, and the schedule's jobs.
fn look(connection: &Connection, fire: &Fire) -> rusqlite::Result<(Option<FireRow>, Option<TickOutcome>, Vec<Live>)> {
    let row = connection
        .prepare_cached("SELECT version, last_tick, queued, started, paused_at IS NOT NULL FROM jobs_schedule WHERE key = ?1")?
        .query_row([&fire.key], |row| {
            Ok(FireRow {
                version: row.get(0)?,
                last_tick: instant(row.get(1)?),
                queued: StoredSchedule::queued_of(&text(row, 2)?),
                started: StoredSchedule::started_of(&text(row, 3)?),
                paused: row.get(4)?,
            })
        })
        .optional()?;
    // What only a newer release knows counts as dealt with.
    let dealt = connection
        .prepare_cached("SELECT outcome FROM jobs_tick WHERE schedule = ?1 AND instant = ?2")?
        .query_row(params![fire.key, micros(fire.tick)], |row| text(row, 0))
        .optional()?
        .map(|outcome| TickOutcome::parse(&outcome).unwrap_or(TickOutcome::Fired));
    let live = connection
        .prepare_cached("SELECT id, state FROM jobs_job WHERE schedule = ?1 LIMIT ?2")?
        .query_map(params![fire.key, rows(fire.live_wanted())], |row| {
            Ok(Live { id: id(row, 0)?, running: text(row, 1)? == State::Running.as_str() })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok((row, dealt, live))
}
