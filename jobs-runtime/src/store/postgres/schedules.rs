//! Schedules: what a change means is judged by `jobs_core::store`, and done here.

use jiff::Timestamp;
use jobs_core::store::{
    ChangeScope, KnownWorkers, ScheduleAnswer, ScheduleChange, ScheduleFilter, ScheduleList, ScheduleRecord, StoredSchedule,
    change,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::connection::{Connection, get, time};
use super::error::Result;
use super::ticks::account;

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
            account(connection, &edit.ticks).await?;
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
