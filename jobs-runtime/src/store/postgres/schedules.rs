//! Schedules and their ticks: what changes and ticks mean is judged by `jobs_core::store`, and done here.

use jiff::Timestamp;
use jobs_core::store::{
    ChangeScope, Deal, Fire, FireRow, Fired, KnownWorkers, Live, ScheduleAnswer, ScheduleChange, ScheduleFilter, ScheduleList,
    ScheduleRecord, StoredSchedule, TickCause, TickFilter, TickOutcome, TickRecord, change, judge,
};
use jobs_core::{JobId, State};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::connection::{Connection, get, time};
use super::enqueue::insert;
use super::error::Result;
use super::manage;
use super::row::{id, uuid};
use crate::store::{CANCELLED_FOR_A_TICK, newly_queued, ticks_of};

/// The answers, and whether anything has changed.
pub(super) async fn change_schedules(
    connection: &mut Connection,
    now: Option<Timestamp>,
    wanted: &ScheduleChange,
) -> Result<(Vec<ScheduleAnswer>, bool)> {
    let ChangeScope { keys, group, kinds } = wanted.scope();
    let kinds: Option<Vec<&str>> = kinds.as_ref().map(|kinds| kinds.iter().map(String::as_str).collect());
    connection
        .transaction(async |connection| {
            // One change at a time, and no tick meanwhile: what is read below is what is written over.
            let lock = connection.text("LOCK TABLE {s}.schedule IN EXCLUSIVE MODE");
            connection.batch(&lock).await?;
            let params = [(&keys as _, Type::TEXT_ARRAY), (&group as _, Type::TEXT), (&kinds as _, Type::TEXT_ARRAY)];
            let found = connection
                .rows(
                    "SELECT key, kind, spec, zone, group_name, build, definition, version, last_tick, paused_at, retired_at, override_spec, \
                     override_zone, queued, started FROM {s}.schedule \
                     WHERE key = ANY($1) OR group_name = $2 OR (build IS NOT NULL AND kind = ANY($3))",
                    &params,
                )
                .await?;
            let at = clock(connection, now).await?;
            let rows = found.iter().map(record).collect::<Result<Vec<_>>>()?;
            let known = if kinds.is_some() { known(connection).await? } else { KnownWorkers::default() };
            let edit = change(at, wanted.clone(), rows, &known);
            if !edit.remove.is_empty() {
                connection.rows("DELETE FROM {s}.schedule WHERE key = ANY($1)", &[(&edit.remove, Type::TEXT_ARRAY)]).await?;
            }
            write(connection, &edit.write).await?;
            for tick in &edit.ticks {
                account(connection, tick).await?;
            }
            let has_changed = !(edit.write.is_empty() && edit.remove.is_empty());
            Ok((edit.answers, has_changed))
        })
        .await
}

/// The time of the call by the store's clock.
async fn clock(connection: &mut Connection, now: Option<Timestamp>) -> Result<Timestamp> {
    let row = connection.row("SELECT {now} AS now", &[time(&now)]).await?;
    row.map_or(Ok(Timestamp::UNIX_EPOCH), |row| get(&row, "now"))
}

async fn known(connection: &mut Connection) -> Result<KnownWorkers> {
    let sql = "SELECT build, schedules, max(started_at) AS started_at FROM {s}.worker GROUP BY build, schedules";
    let mut known = KnownWorkers::default();
    for row in &connection.rows(sql, &[]).await? {
        known.add(get(row, "build")?, get(row, "started_at")?, get::<Vec<String>>(row, "schedules")?);
    }
    Ok(known)
}

async fn write(connection: &mut Connection, records: &[ScheduleRecord]) -> Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let rows: Vec<StoredSchedule> = records.iter().map(StoredSchedule::from).collect();
    let texts = |of: fn(&StoredSchedule) -> &str| rows.iter().map(of).collect::<Vec<&str>>();
    let options = |of: fn(&StoredSchedule) -> Option<&str>| rows.iter().map(of).collect::<Vec<Option<&str>>>();
    let (keys, kinds, specs, zones) = (texts(|s| &s.key), texts(|s| &s.kind), texts(|s| &s.spec), texts(|s| &s.zone));
    let (groups, builds) = (options(|s| s.group.as_deref()), options(|s| s.build.as_deref()));
    let (definitions, queued, started) = (texts(|s| &s.definition), texts(|s| &s.queued), texts(|s| &s.started));
    let override_specs = options(|s| s.override_spec.as_deref());
    let override_zones = options(|s| s.override_zone.as_deref());
    let versions: Vec<i64> = rows.iter().map(|row| row.version).collect();
    let last_ticks: Vec<Timestamp> = rows.iter().map(|row| row.last_tick).collect();
    let paused: Vec<Option<Timestamp>> = rows.iter().map(|row| row.paused_at).collect();
    let retired: Vec<Option<Timestamp>> = rows.iter().map(|row| row.retired_at).collect();
    let params = [
        (&keys as _, Type::TEXT_ARRAY),
        (&kinds as _, Type::TEXT_ARRAY),
        (&specs as _, Type::TEXT_ARRAY),
        (&zones as _, Type::TEXT_ARRAY),
        (&groups as _, Type::TEXT_ARRAY),
        (&builds as _, Type::TEXT_ARRAY),
        (&definitions as _, Type::TEXT_ARRAY),
        (&versions as _, Type::INT8_ARRAY),
        (&last_ticks as _, Type::TIMESTAMPTZ_ARRAY),
        (&paused as _, Type::TIMESTAMPTZ_ARRAY),
        (&retired as _, Type::TIMESTAMPTZ_ARRAY),
        (&override_specs as _, Type::TEXT_ARRAY),
        (&override_zones as _, Type::TEXT_ARRAY),
        (&queued as _, Type::TEXT_ARRAY),
        (&started as _, Type::TEXT_ARRAY),
    ];
    connection
        .rows(
            "INSERT INTO {s}.schedule (key, kind, spec, zone, group_name, build, definition, version, last_tick, paused_at, \
               retired_at, override_spec, override_zone, queued, started) \
             SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], \
               $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::text[], $13::text[], $14::text[], $15::text[]) \
             ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, spec = excluded.spec, zone = excluded.zone, \
               group_name = excluded.group_name, build = excluded.build, definition = excluded.definition, \
               version = excluded.version, last_tick = excluded.last_tick, paused_at = excluded.paused_at, \
               retired_at = excluded.retired_at, \
               override_spec = excluded.override_spec, override_zone = excluded.override_zone, queued = excluded.queued, \
               started = excluded.started",
            &params,
        )
        .await?;
    Ok(())
}

fn record(row: &Row) -> Result<ScheduleRecord> {
    let stored = StoredSchedule {
        key: get(row, "key")?,
        kind: get(row, "kind")?,
        spec: get(row, "spec")?,
        zone: get(row, "zone")?,
        group: get(row, "group_name")?,
        build: get(row, "build")?,
        definition: get(row, "definition")?,
        version: get(row, "version")?,
        last_tick: get(row, "last_tick")?,
        paused_at: get(row, "paused_at")?,
        retired_at: get(row, "retired_at")?,
        override_spec: get(row, "override_spec")?,
        override_zone: get(row, "override_zone")?,
        queued: get(row, "queued")?,
        started: get(row, "started")?,
    };
    Ok(stored.into_record())
}

pub(super) async fn read(connection: &mut Connection, now: Option<Timestamp>, filter: &ScheduleFilter) -> Result<ScheduleList> {
    let rows = connection
        .rows(
            "SELECT key, kind, spec, zone, group_name, build, definition, version, last_tick, paused_at, retired_at, override_spec, \
             override_zone, queued, started FROM {s}.schedule \
             WHERE ($1 IS NULL OR key = $1) AND ($2 IS NULL OR group_name = $2) ORDER BY key",
            &[(&filter.key, Type::TEXT), (&filter.group, Type::TEXT)],
        )
        .await?;
    let schedules = rows.iter().map(record).collect::<Result<_>>()?;
    Ok(ScheduleList { now: clock(connection, now).await?, schedules })
}

pub(super) async fn ticks(connection: &mut Connection, filter: &TickFilter) -> Result<Vec<TickRecord>> {
    let limit = i64::try_from(ticks_of(filter)).unwrap_or(i64::MAX);
    let params = [(&filter.schedule as _, Type::TEXT), time(&filter.before), (&limit as _, Type::INT8)];
    let rows = connection
        .rows(
            "SELECT instant, cause, since, dealt_at, outcome, missed, job FROM {s}.tick \
             WHERE schedule = $1 AND instant < coalesce($2, 'infinity') ORDER BY instant DESC LIMIT $3",
            &params,
        )
        .await?;
    let mut ticks = Vec::with_capacity(rows.len());
    for row in &rows {
        // A newer release may know outcomes that this one does not.
        let Some(outcome) = TickOutcome::parse(get(row, "outcome")?) else { continue };
        let (instant, since, dealt_at) = (get(row, "instant")?, get(row, "since")?, get(row, "dealt_at")?);
        let mut tick = TickRecord::new(&*filter.schedule, instant, since, dealt_at, outcome);
        let (missed, job): (i32, Option<Uuid>) = (get(row, "missed")?, get(row, "job")?);
        tick.cause = TickCause::parse(get(row, "cause")?).unwrap_or_default();
        tick.missed = u32::try_from(missed.max(0)).unwrap_or_default();
        tick.job = job.map(|job| JobId::from_bytes(job.into_bytes()));
        ticks.push(tick);
    }
    Ok(ticks)
}

/// Accounts for a tick. One that waited keeps what it stood for.
async fn account(connection: &mut Connection, tick: &TickRecord) -> Result<()> {
    let (instant, since, dealt_at) = (Some(tick.instant), Some(tick.since), Some(tick.dealt_at));
    let (outcome, missed) = (tick.outcome.as_str(), i32::try_from(tick.missed).unwrap_or(i32::MAX));
    let (job, cause) = (tick.job.map(uuid), tick.cause.as_str());
    let params = [
        (&tick.schedule as _, Type::TEXT),
        time(&instant),
        time(&since),
        time(&dealt_at),
        (&outcome as _, Type::TEXT),
        (&missed as _, Type::INT4),
        (&job as _, Type::UUID),
        (&cause as _, Type::TEXT),
    ];
    connection
        .rows(
            "INSERT INTO {s}.tick (schedule, instant, since, dealt_at, outcome, missed, job, cause) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (schedule, instant) DO UPDATE SET dealt_at = $4, outcome = $5, job = $7",
            &params,
        )
        .await?;
    Ok(())
}

/// The answers, and whether a tick began to wait.
pub(super) async fn fire(connection: &mut Connection, now: Option<Timestamp>, ticks: &[Fire]) -> Result<(Vec<Fired>, bool)> {
    connection
        .transaction(async |connection| {
            // In one order, so that two processes that fire the same ticks do not wait for each other in a circle.
            let mut order: Vec<usize> = (0..ticks.len()).collect();
            order.sort_by(|a, b| (&ticks[*a].key, a).cmp(&(&ticks[*b].key, b)));
            let mut answers = vec![Fired::Lost; ticks.len()];
            for nth in order {
                answers[nth] = fire_one(connection, now, &ticks[nth]).await?;
            }
            let has_queued = newly_queued(ticks, &answers);
            Ok((answers, has_queued))
        })
        .await
}

async fn fire_one(connection: &mut Connection, now: Option<Timestamp>, fire: &Fire) -> Result<Fired> {
    let params = [time(&now), (&fire.key as _, Type::TEXT)];
    let row = connection
        .row(
            "SELECT {now} AS now, version, last_tick, queued, started, paused_at IS NOT NULL AS paused \
             FROM {s}.schedule WHERE key = $2 FOR UPDATE",
            &params,
        )
        .await?;
    let Some(row) = row else { return Ok(Fired::Lost) };
    let at: Timestamp = get(&row, "now")?;
    let (queued, started): (&str, &str) = (get(&row, "queued")?, get(&row, "started")?);
    let row = FireRow {
        version: get(&row, "version")?,
        last_tick: get(&row, "last_tick")?,
        queued: StoredSchedule::queued_of(queued),
        started: StoredSchedule::started_of(started),
        paused: get(&row, "paused")?,
    };
    let (dealt, live) = look(connection, fire).await?;
    let judgement = judge(fire, at, Some(row), dealt, &live);
    if !judgement.cancel.is_empty() {
        manage::cancel_within(connection, now, &judgement.cancel, CANCELLED_FOR_A_TICK).await?;
    }
    let stored = match (judgement.outcome, &fire.deal) {
        (Some(TickOutcome::Fired), Deal::Job(job)) => {
            insert(connection, now, std::slice::from_ref(&**job)).await?.first().map(|stored| stored.id)
        }
        _ => None,
    };
    if let Some(row) = &judgement.row {
        let last = Some(row.last_tick);
        let (queued, started) = (StoredSchedule::queued_text(&row.queued), StoredSchedule::started_text(&row.started));
        let params = [(&fire.key as _, Type::TEXT), time(&last), (&queued as _, Type::TEXT), (&started as _, Type::TEXT)];
        connection.rows("UPDATE {s}.schedule SET last_tick = $2, queued = $3, started = $4 WHERE key = $1", &params).await?;
    }
    for tick in judgement.accounts(fire, at, stored) {
        account(connection, &tick).await?;
    }
    Ok(judgement.answer(stored))
}

/// What a tick depends on beside its schedule's row: whether its instant was dealt with, and the schedule's jobs.
async fn look(connection: &mut Connection, fire: &Fire) -> Result<(bool, Vec<Live>)> {
    let instant = Some(fire.tick);
    let params = [(&fire.key as _, Type::TEXT), time(&instant)];
    let dealt = connection.rows("SELECT 1 FROM {s}.tick WHERE schedule = $1 AND instant = $2", &params).await?;
    let limit = i64::try_from(fire.live_wanted()).unwrap_or(i64::MAX);
    let params = [(&fire.key as _, Type::TEXT), (&limit as _, Type::INT8)];
    let rows = connection.rows("SELECT id, state FROM {s}.job WHERE schedule = $1 LIMIT $2", &params).await?;
    let mut live = Vec::with_capacity(rows.len());
    for row in &rows {
        let state: &str = get(row, "state")?;
        live.push(Live { id: id(row, "id")?, running: state == State::Running.as_str() });
    }
    Ok((!dealt.is_empty(), live))
}
