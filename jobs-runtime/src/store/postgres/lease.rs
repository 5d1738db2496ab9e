//! Workers and their leases: a row for each process, renewed by its heartbeat until its time by the server's clock.

use jiff::Timestamp;
use jobs_core::store::{BITE, Held, NewKind, NewWorker};
use jobs_core::{JobId, State, WorkerId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::claim::worker_uuid;
use super::complete::end_unfenced;
use super::connection::{Connection, get, time};
use super::error::Result;
use super::rescue;
use super::row::{id, uuid};
use crate::store::names::kinds_key;

/// Makes a worker known. Answers whether parked jobs came free.
pub(super) async fn register(connection: &mut Connection, now: Option<Timestamp>, worker: &NewWorker) -> Result<bool> {
    connection
        .transaction(async |connection| {
            rescue::keep_kinds(connection).await?;
            let kinds = kinds_key(&worker.kinds);
            let up_for = i64::try_from(worker.up_for.as_millis()).unwrap_or(0);
            let known = connection.rows("SELECT 1 FROM {s}.worker WHERE kinds = $1 LIMIT 1", &[(&kinds, Type::TEXT)]).await?;
            if known.is_empty() {
                let names: Vec<&str> = worker.kinds.iter().map(|kind| &*kind.name).collect();
                let shapes: Vec<&str> = worker.kinds.iter().map(|kind| &*kind.shape).collect();
                let queues: Vec<&str> = worker.kinds.iter().map(|kind| &*kind.queue).collect();
                let priorities: Vec<i16> = worker.kinds.iter().map(|kind| kind.priority).collect();
                let tags: Vec<Option<String>> = worker.kinds.iter().map(NewKind::tags_text).collect();
                let params = [
                    time(&now),
                    (&kinds as _, Type::TEXT),
                    (&names as _, Type::TEXT_ARRAY),
                    (&shapes as _, Type::TEXT_ARRAY),
                    (&queues as _, Type::TEXT_ARRAY),
                    (&priorities as _, Type::INT2_ARRAY),
                    (&tags as _, Type::TEXT_ARRAY),
                    (&up_for as _, Type::INT8),
                ];
                connection
                    .rows(
                        "INSERT INTO {s}.kind (kinds, name, shape, queue, priority, tags, started_at) SELECT $2, k.*, \
                         {now} - $8 * interval '1 millisecond' FROM unnest($3::text[], $4::text[], $5::text[], $6::smallint[], $7::text[]) AS k \
                         ON CONFLICT DO NOTHING",
                        &params,
                    )
                    .await?;
            }
            connection
                .rows(
                    "UPDATE {s}.kind SET started_at = {now} - $3 * interval '1 millisecond' WHERE kinds = $2 \
                     AND started_at < {now} - $3 * interval '1 millisecond'",
                    &[time(&now), (&kinds, Type::TEXT), (&up_for, Type::INT8)],
                )
                .await?;
            let lease = i64::try_from(worker.lease.as_millis()).unwrap_or(i64::MAX / 4_000);
            let key = worker_uuid(worker.id);
            let params = [
                time(&now),
                (&key as _, Type::UUID),
                (&worker.name as _, Type::TEXT),
                (&worker.build as _, Type::TEXT),
                (&kinds as _, Type::TEXT),
                (&worker.queues as _, Type::TEXT_ARRAY),
                (&lease as _, Type::INT8),
                (&worker.schedules as _, Type::TEXT_ARRAY),
                (&up_for as _, Type::INT8),
            ];
            connection
                .rows(
                    "INSERT INTO {s}.worker (id, name, build, kinds, queues, lease, schedules, started_at, renewed_at, expires_at) \
                     VALUES ($2, $3, $4, $5, $6, $7, $8, {now} - $9 * interval '1 millisecond', {now}, {now} + $7 * interval '1 millisecond')",
                    &params,
                )
                .await?;
            rescue::note_dead(connection).await?;
            // The rest in the bites of a rescue.
            Ok(rescue::free_parked(connection, BITE).await? > 0)
        })
        .await
}

/// Renews a lease that has not run out, and looks whether other workers are dead. It reads nothing
/// that can grow, and nothing that somebody may have locked: the table of jobs is surveyed afterwards.
pub(super) const BEAT: &str = "WITH me AS (UPDATE {s}.worker SET renewed_at = {now}, expires_at = {now} + lease * interval '1 millisecond' \
       WHERE id = $2 AND expires_at > {now} RETURNING seq) \
     SELECT EXISTS (SELECT 1 FROM {s}.worker WHERE expires_at <= {now} AND id <> $2) OR EXISTS (SELECT 1 FROM {s}.dead_worker) AS dead \
     FROM me";

/// Renews the lease of a worker: `None` if it has none any more, else whether there are dead to be taken care of.
pub(super) async fn renew(connection: &mut Connection, now: Option<Timestamp>, worker: WorkerId) -> Result<Option<bool>> {
    let key = worker_uuid(worker);
    let row = connection.row(BEAT, &[time(&now), (&key, Type::UUID)]).await?;
    row.map(|row| get(&row, "dead")).transpose()
}

/// Ends a worker in order: what it holds goes back.
pub(super) async fn leave(connection: &mut Connection, now: Option<Timestamp>, worker: WorkerId) -> Result<()> {
    connection
        .transaction(async |connection| {
            let key = worker_uuid(worker);
            // Waits for a claim of this worker that is under way, and lets none begin.
            let row = connection.row("DELETE FROM {s}.worker WHERE id = $1 RETURNING seq", &[(&key, Type::UUID)]).await?;
            if let Some(row) = row {
                hand_back(connection, now, get(&row, "seq")?, &[]).await?;
            }
            Ok(())
        })
        .await
}

/// Hands back what a worker holds and does not know of. Answers how many.
pub(super) async fn reconcile(
    connection: &mut Connection,
    now: Option<Timestamp>,
    worker: WorkerId,
    known: &[Held],
) -> Result<u64> {
    connection
        .transaction(async |connection| {
            let key = worker_uuid(worker);
            let row = connection.row("SELECT seq FROM {s}.worker WHERE id = $1 FOR UPDATE", &[(&key, Type::UUID)]).await?;
            match row {
                Some(row) => hand_back(connection, now, get(&row, "seq")?, known).await,
                None => Ok(0),
            }
        })
        .await
}

/// What a worker holds, except for what it knows of; by the index on the worker, as `rescue` says.
pub(super) const HELD: &str = "SELECT seq, cancel FROM {s}.job WHERE state = 'running' AND worker BETWEEN $1 AND $1 \
             AND NOT EXISTS (SELECT 1 FROM unnest($2::uuid[], $3::bigint[]) AS k (id, token) WHERE k.id = job.id AND k.token = job.token) \
             ORDER BY worker FOR UPDATE";

/// Hands back what a worker holds, except for what it knows of. Jobs that were asked to stop end as cancelled.
async fn hand_back(connection: &mut Connection, now: Option<Timestamp>, worker: i64, known: &[Held]) -> Result<u64> {
    let ids: Vec<Uuid> = known.iter().map(|held| uuid(held.id)).collect();
    let tokens: Vec<i64> = known.iter().map(|held| held.token).collect();
    let rows = connection.rows(HELD, &[(&worker, Type::INT8), (&ids, Type::UUID_ARRAY), (&tokens, Type::INT8_ARRAY)]).await?;
    give_back(connection, now, &rows).await
}

/// Makes running jobs available that are locked. Those that were asked to stop end as cancelled.
async fn give_back(connection: &mut Connection, now: Option<Timestamp>, rows: &[Row]) -> Result<u64> {
    let (mut ends, mut back) = (Vec::new(), Vec::new());
    for row in rows {
        let seq: i64 = get(row, "seq")?;
        match get::<Option<String>>(row, "cancel")? {
            Some(reason) => ends.push((seq, State::Cancelled, reason)),
            None => back.push(seq),
        }
    }
    end_unfenced(connection, now, &ends).await?;
    connection
        .rows("UPDATE {s}.job SET state = 'available', worker = NULL WHERE seq = ANY($1)", &[(&back, Type::INT8_ARRAY)])
        .await?;
    Ok(rows.len() as u64)
}

/// What runs under a token although its worker is gone, since no rescue has come to it yet. Each is found by its id.
pub(super) const DESERTED: &str = "SELECT j.seq, j.cancel FROM unnest($1::uuid[], $2::bigint[]) AS h (id, token), \
             LATERAL (SELECT seq, cancel FROM {s}.job WHERE id = h.id AND token = h.token AND state || '' = 'running' \
             AND NOT EXISTS (SELECT 1 FROM {s}.worker WHERE worker.seq = job.worker) LIMIT 1 FOR UPDATE) AS j";

/// Takes back what the loss of a lease has put on these jobs, and what it would. What a rescuer is just freeing is waited for, and its
/// crash is seen by the second statement.
pub(super) async fn abandon(connection: &mut Connection, now: Option<Timestamp>, held: &[Held]) -> Result<u64> {
    let mut held = held.to_vec();
    held.sort_unstable_by_key(|held| (held.id, held.token));
    held.dedup();
    let ids: Vec<Uuid> = held.iter().map(|held| uuid(held.id)).collect();
    let tokens: Vec<i64> = held.iter().map(|held| held.token).collect();
    connection
        .transaction(async |connection| {
            let params = [(&ids as _, Type::UUID_ARRAY), (&tokens as _, Type::INT8_ARRAY)];
            let deserted = connection.rows(DESERTED, &params).await?;
            let given_back = give_back(connection, now, &deserted).await?;
            let crashes = connection
                .rows(
                    "UPDATE {s}.job SET crashes = greatest(crashes - 1, 0), crash_tokens = array_remove(crash_tokens, h.token) \
                     FROM unnest($1::uuid[], $2::bigint[]) AS h (id, token) WHERE job.id = h.id AND h.token = ANY(job.crash_tokens) \
                     RETURNING job.seq",
                    &params,
                )
                .await?;
            Ok(given_back + crashes.len() as u64)
        })
        .await
}

/// The jobs held by this worker that somebody asked to stop.
pub(super) async fn cancellations(connection: &mut Connection, worker: WorkerId) -> Result<Vec<JobId>> {
    let key = worker_uuid(worker);
    let rows = connection
        .rows(
            "SELECT id FROM {s}.job WHERE cancel IS NOT NULL AND worker = (SELECT seq FROM {s}.worker WHERE id = $1)",
            &[(&key, Type::UUID)],
        )
        .await?;
    rows.iter().map(|row| id(row, "id")).collect()
}
