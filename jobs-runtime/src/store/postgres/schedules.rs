//! Schedules and their ticks: each tick by compare and swap on its schedule's last one, in the same transaction as its job.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jobs_core::store::{Fire, Fired, NewSchedule, ONCE, ScheduleRecord};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::connection::{Connection, get, time};
use super::enqueue::insert;
use super::error::Result;
use super::row::uuid;

/// A changed text or zone counts from now: an edit is not a misfire.
const DECLARE: &str = "INSERT INTO {s}.schedule AS s (key, kind, spec, zone, payload, queue, priority, build, last_tick) \
     SELECT d.*, {now} FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::smallint[], $9::text[]) \
       AS d (key, kind, spec, zone, payload, queue, priority, build) ORDER BY d.key \
     ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, spec = excluded.spec, zone = excluded.zone, payload = excluded.payload, \
       queue = excluded.queue, priority = excluded.priority, build = excluded.build, \
       last_tick = CASE WHEN s.spec = excluded.spec AND s.zone = excluded.zone THEN s.last_tick \
         WHEN s.last_tick >= $10 THEN excluded.last_tick ELSE greatest(s.last_tick, excluded.last_tick) END";

pub(super) async fn declare(
    connection: &mut Connection,
    now: Option<Timestamp>,
    schedules: &[NewSchedule],
    known: &BTreeSet<String>,
) -> Result<()> {
    let texts = |of: fn(&NewSchedule) -> &str| schedules.iter().map(of).collect::<Vec<&str>>();
    let (keys, kinds, specs) = (texts(|s| &s.key), texts(|s| &s.kind), texts(|s| &s.spec));
    let (zones, payloads, queues, builds) = (texts(|s| &s.zone), texts(|s| &s.payload), texts(|s| &s.queue), texts(|s| &s.build));
    let priorities: Vec<i16> = schedules.iter().map(|schedule| schedule.priority).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let once = Some(ONCE);
    connection
        .transaction(async |connection| {
            let params = [
                time(&now),
                (&keys as _, Type::TEXT_ARRAY),
                (&kinds as _, Type::TEXT_ARRAY),
                (&specs as _, Type::TEXT_ARRAY),
                (&zones as _, Type::TEXT_ARRAY),
                (&payloads as _, Type::TEXT_ARRAY),
                (&queues as _, Type::TEXT_ARRAY),
                (&priorities as _, Type::INT2_ARRAY),
                (&builds as _, Type::TEXT_ARRAY),
                time(&once),
            ];
            connection.rows(DECLARE, &params).await?;
            let params = [(&known as _, Type::TEXT_ARRAY), (&keys as _, Type::TEXT_ARRAY)];
            connection.rows("DELETE FROM {s}.schedule WHERE kind = ANY($1) AND key <> ALL($2)", &params).await?;
            Ok(())
        })
        .await
}

pub(super) async fn read(connection: &mut Connection) -> Result<Vec<ScheduleRecord>> {
    let rows = connection
        .rows("SELECT key, kind, spec, zone, payload, queue, priority, build, last_tick FROM {s}.schedule ORDER BY key", &[])
        .await?;
    rows.iter()
        .map(|row| {
            let schedule = NewSchedule {
                key: get(row, "key")?,
                kind: get(row, "kind")?,
                spec: get(row, "spec")?,
                zone: get(row, "zone")?,
                payload: get(row, "payload")?,
                queue: get(row, "queue")?,
                priority: get(row, "priority")?,
                build: get(row, "build")?,
            };
            Ok(ScheduleRecord::new(schedule, get(row, "last_tick")?))
        })
        .collect()
}

pub(super) async fn fire(connection: &mut Connection, now: Option<Timestamp>, ticks: &[Fire]) -> Result<Vec<Fired>> {
    connection
        .transaction(async |connection| {
            // In one order, so that two processes that fire the same ticks do not wait for each other in a circle.
            let mut order: Vec<usize> = (0..ticks.len()).collect();
            order.sort_by(|a, b| (&ticks[*a].key, a).cmp(&(&ticks[*b].key, b)));
            let mut answers = vec![Fired::Lost; ticks.len()];
            for nth in order {
                answers[nth] = fire_one(connection, now, &ticks[nth]).await?;
            }
            Ok(answers)
        })
        .await
}

async fn fire_one(connection: &mut Connection, now: Option<Timestamp>, tick: &Fire) -> Result<Fired> {
    if !advance(connection, tick).await? {
        return Ok(Fired::Lost);
    }
    let live = connection.rows("SELECT 1 FROM {s}.job WHERE schedule = $1 LIMIT 1", &[(&tick.key, Type::TEXT)]).await?;
    let fired = if live.is_empty() {
        insert(connection, now, std::slice::from_ref(&tick.job))
            .await?
            .first()
            .map_or(Fired::Lost, |stored| Fired::Job(stored.id))
    } else {
        Fired::Overlap
    };
    let (outcome, job): (&str, Option<Uuid>) = match fired {
        Fired::Job(job) => ("fired", Some(uuid(job))),
        _ => ("overlap", None),
    };
    let missed = i32::try_from(tick.missed).unwrap_or(i32::MAX);
    let instant = Some(tick.tick);
    let params = [
        time(&now),
        (&tick.key as _, Type::TEXT),
        time(&instant),
        (&outcome as _, Type::TEXT),
        (&missed as _, Type::INT4),
        (&job as _, Type::UUID),
    ];
    connection
        .rows(
            "INSERT INTO {s}.tick (schedule, instant, dealt_at, outcome, missed, job) VALUES ($2, $3, {now}, $4, $5, $6) \
             ON CONFLICT DO NOTHING",
            &params,
        )
        .await?;
    Ok(fired)
}

/// Moves the schedule's last tick to this one; `false` if somebody else did, or the tick was dealt with before.
async fn advance(connection: &mut Connection, tick: &Fire) -> Result<bool> {
    let row = connection.row("SELECT last_tick FROM {s}.schedule WHERE key = $1 FOR UPDATE", &[(&tick.key, Type::TEXT)]).await?;
    let Some(row) = row else { return Ok(false) };
    let last: Timestamp = get(&row, "last_tick")?;
    let instant = Some(tick.tick);
    let key = (&tick.key as _, Type::TEXT);
    let dealt =
        connection.rows("SELECT 1 FROM {s}.tick WHERE schedule = $1 AND instant = $2", &[key.clone(), time(&instant)]).await?;
    match tick.expected {
        None => Ok(dealt.is_empty()),
        Some(expected) if last == expected && tick.tick > last => {
            connection.rows("UPDATE {s}.schedule SET last_tick = $2 WHERE key = $1", &[key, time(&instant)]).await?;
            // A run on start at this very instant stands for it.
            Ok(dealt.is_empty())
        }
        Some(_) => Ok(false),
    }
}
