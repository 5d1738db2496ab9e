//! Rescue: who is dead, and what becomes of the jobs that they held.
//!
//! The row of a dead worker goes first, which waits for a claim of it that is under way, and is noted among the dead; then, in a second
//! statement that sees what that claim took, its running jobs are freed. The note stays until the last of them is free.

use std::time::Duration;

use jiff::Timestamp;
use jobs_core::State;
use jobs_core::store::{BITE, Beat, Now, QUARANTINE, Rescue};
use tokio_postgres::types::Type;

use super::complete::end_unfenced;
use super::connection::{Connection, get, time};
use super::error::Result;
use super::row::micros_of;
use crate::testing::guards::Guard;

pub(super) async fn rescue(connection: &mut Connection, now: Option<Timestamp>) -> Result<Rescue> {
    let mut answer = Rescue::default();
    // By itself: whoever sees the jobs freed must not find the worker again.
    let dead = if Guard::TwoStepRescue.is_on() { connection.rows(END, &[time(&now)]).await? } else { Vec::new() };
    answer.workers = dead.len();
    let room = |answer: &Rescue| BITE.saturating_sub(answer.freed + answer.quarantined + answer.parked);
    let orphans = free_orphans(connection, now, &mut answer).await?;
    park_strangers(connection, room(&answer), &mut answer).await?;
    answer.freed += free_parked(connection, room(&answer)).await?;
    // What is left although nothing could be done is locked by somebody: the next heartbeat comes back to it.
    let did_something = orphans + answer.freed + answer.parked > 0;
    answer.more = did_something
        && (has_orphans(connection).await? || has_strangers(connection).await? || !freeable(connection).await?.is_empty());
    if answer.workers > 0 {
        forget_kinds(connection).await?;
    }
    Ok(answer)
}

/// An advisory lock, by its number beside those of migrations and days.
const KINDS: i32 = 1_246_708_310;

/// Until this transaction ends nobody forgets the kinds of a build, so that a worker that is just starting finds what it needs.
pub(super) async fn keep_kinds(connection: &mut Connection) -> Result<()> {
    let schema = connection.text("{s}");
    let key = [(&KINDS as _, Type::INT4), (&schema as _, Type::TEXT)];
    connection.rows("SELECT pg_advisory_xact_lock_shared($1, hashtext($2))", &key).await.map(drop)
}

/// Forgets the kinds of builds that no worker runs any more, unless some worker is just starting. The lock comes first, in a statement of
/// its own: the next one sees the workers that had it.
async fn forget_kinds(connection: &mut Connection) -> Result<()> {
    connection
        .transaction(async |connection| {
            let schema = connection.text("{s}");
            let key = [(&KINDS as _, Type::INT4), (&schema as _, Type::TEXT)];
            let row = connection.row("SELECT pg_try_advisory_xact_lock($1, hashtext($2)) AS alone", &key).await?;
            if !row.map_or(Ok(false), |row| get(&row, "alone"))? {
                return Ok(());
            }
            connection
                .rows("DELETE FROM {s}.kind WHERE NOT EXISTS (SELECT 1 FROM {s}.worker WHERE worker.kinds = kind.kinds)", &[])
                .await
                .map(drop)
        })
        .await
}

/// Removes the rows of the dead, and notes them.
const END: &str = "WITH dead AS (DELETE FROM {s}.worker WHERE expires_at <= {now} RETURNING seq) \
     INSERT INTO {s}.dead_worker (seq) SELECT seq FROM dead ON CONFLICT DO NOTHING RETURNING seq";

/// What a rescue without its two steps would do: it looks for jobs as they were before it waited for the row, and so for a last claim.
const END_AT_ONCE: &str = "WITH dead AS (DELETE FROM {s}.worker WHERE expires_at <= {now} RETURNING seq) \
     SELECT j.seq, j.crashes, j.cancel FROM dead AS d, LATERAL (SELECT seq, crashes, cancel FROM {s}.job \
     WHERE state = 'running' AND worker BETWEEN d.seq AND d.seq ORDER BY worker LIMIT $2 FOR UPDATE SKIP LOCKED) AS j LIMIT $2";

/// By the index on the worker: with a plain equality the planner may take any other index of a table that it believes to be empty, and
/// read all of it.
pub(super) const ORPHANS: &str = "SELECT j.seq, j.crashes, j.cancel FROM {s}.dead_worker AS d, LATERAL (SELECT seq, crashes, cancel FROM {s}.job \
     WHERE state = 'running' AND worker BETWEEN d.seq AND d.seq ORDER BY worker LIMIT $1 FOR UPDATE SKIP LOCKED) AS j LIMIT $1";

/// Forgets the dead whose last job is free. What another rescuer is just freeing still counts as held.
pub(super) const DONE: &str = "DELETE FROM {s}.dead_worker WHERE (SELECT seq FROM {s}.job WHERE state = 'running' \
                     AND job.worker BETWEEN dead_worker.seq AND dead_worker.seq ORDER BY worker LIMIT 1) IS NULL";

async fn has_orphans(connection: &mut Connection) -> Result<bool> {
    Ok(!connection.rows("SELECT 1 FROM {s}.dead_worker LIMIT 1", &[]).await?.is_empty())
}

/// Notes as dead every worker that holds jobs and has no row: whoever removed it did not come to free them.
pub(super) async fn note_dead(connection: &mut Connection) -> Result<()> {
    connection
        .rows(
            "INSERT INTO {s}.dead_worker (seq) SELECT DISTINCT worker FROM {s}.job WHERE state = 'running' AND worker IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM {s}.worker WHERE worker.seq = job.worker) ON CONFLICT DO NOTHING",
            &[],
        )
        .await
        .map(drop)
}

/// Frees what nobody holds any more, each with one crash more; what has crashed too often ends.
/// Answers how many there were.
async fn free_orphans(connection: &mut Connection, now: Option<Timestamp>, answer: &mut Rescue) -> Result<usize> {
    let (found, freed, quarantined) = connection
        .transaction(async |connection| {
            let bite = i64::try_from(BITE).unwrap_or(i64::MAX);
            let rows = if Guard::TwoStepRescue.is_on() {
                connection.rows(ORPHANS, &[(&bite, Type::INT8)]).await?
            } else {
                connection.rows(END_AT_ONCE, &[time(&now), (&bite, Type::INT8)]).await?
            };
            let (mut free, mut ends, mut hopeless) = (Vec::new(), Vec::new(), Vec::new());
            for row in &rows {
                let (seq, crashes): (i64, i32) = (get(row, "seq")?, get(row, "crashes")?);
                // The first crash only put it on probation; those after it count.
                if u32::try_from(crashes).unwrap_or(0) >= QUARANTINE {
                    let error = format!(
                        "quarantined: {QUARANTINE} workers died while they ran this job on probation; find out why before you requeue it"
                    );
                    hopeless.push(seq);
                    ends.push((seq, State::Failed, error));
                } else if let Some(reason) = get::<Option<String>>(row, "cancel")? {
                    ends.push((seq, State::Cancelled, reason));
                } else {
                    free.push(seq);
                }
            }
            if !rows.is_empty() {
                connection
                    .rows("UPDATE {s}.job SET crashes = least(crashes + 1, 1000000000) WHERE seq = ANY($1)", &[(&hopeless, Type::INT8_ARRAY)])
                    .await?;
                connection
                    .rows(
                        "UPDATE {s}.job SET state = 'available', crashes = least(crashes + 1, 1000000000), \
                         crash_tokens = (crash_tokens || token)[greatest(1, coalesce(array_length(crash_tokens, 1), 0) - 62):], worker = NULL \
                         WHERE seq = ANY($1)",
                        &[(&free, Type::INT8_ARRAY)],
                    )
                    .await?;
                end_unfenced(connection, now, &ends).await?;
            }
            connection
                .rows(
                    DONE,
                    &[],
                )
                .await?;
            Ok((rows.len(), free.len(), hopeless.len()))
        })
        .await?;
    answer.freed += freed;
    answer.quarantined += quarantined;
    Ok(found)
}

/// The stripes of available jobs whose kind no worker knows, among `stripe`. Each step of the recursion is one look into the index.
macro_rules! strangers {
    () => {
        "stripe AS ( \
           (SELECT queue, kind FROM {s}.job WHERE state = 'available' AND crashes = 0 ORDER BY queue, kind LIMIT 1) \
           UNION ALL \
           SELECT f.queue, f.kind FROM stripe, LATERAL (SELECT queue, kind FROM {s}.job WHERE state = 'available' AND crashes = 0 \
             AND (queue, kind) > (stripe.queue, stripe.kind) ORDER BY queue, kind LIMIT 1) AS f), \
         stranger AS (SELECT queue, kind FROM stripe \
           WHERE NOT EXISTS (SELECT 1 FROM {s}.kind JOIN {s}.worker USING (kinds) WHERE kind.name = stripe.kind))"
    };
}

pub(super) const STRANGERS: &str = concat!("WITH RECURSIVE ", strangers!(), " SELECT queue, kind FROM stranger");

async fn has_strangers(connection: &mut Connection) -> Result<bool> {
    Ok(!connection.rows(STRANGERS, &[]).await?.is_empty())
}

/// Parks available jobs of kinds that no worker knows, so many at most.
async fn park_strangers(connection: &mut Connection, most: usize, answer: &mut Rescue) -> Result<()> {
    let mut room = most;
    for row in &connection.rows(STRANGERS, &[]).await? {
        let (queue, kind): (&str, &str) = (get(row, "queue")?, get(row, "kind")?);
        let bite = i64::try_from(room).unwrap_or(i64::MAX);
        let parked = connection
            .rows(
                "UPDATE {s}.job SET state = 'parked', parked_by = '{}', error = 'no worker knows this kind' WHERE seq = ANY(ARRAY( \
                 SELECT seq FROM {s}.job WHERE queue = $1 AND kind = $2 AND state = 'available' AND crashes = 0 LIMIT $3 \
                 FOR UPDATE SKIP LOCKED)) RETURNING seq",
                &[(&queue, Type::TEXT), (&kind, Type::TEXT), (&bite, Type::INT8)],
            )
            .await?;
        room -= parked.len().min(room);
        answer.parked += parked.len();
        if room == 0 {
            break;
        }
    }
    Ok(())
}

/// The kinds and lists of shapes of parked jobs that some live worker may be able to run. Jobs parked alike are one step.
macro_rules! freeable {
    () => {
        "alike AS ( \
           (SELECT kind, parked_by FROM {s}.job WHERE state = 'parked' ORDER BY kind, parked_by LIMIT 1) \
           UNION ALL \
           SELECT f.kind, f.parked_by FROM alike, LATERAL (SELECT kind, parked_by FROM {s}.job WHERE state = 'parked' \
             AND (kind, parked_by) > (alike.kind, alike.parked_by) ORDER BY kind, parked_by LIMIT 1) AS f), \
         freeable AS (SELECT kind, parked_by FROM alike WHERE EXISTS (SELECT 1 FROM {s}.kind JOIN {s}.worker USING (kinds) \
           WHERE kind.name = alike.kind AND kind.shape <> ALL (alike.parked_by)))"
    };
}

pub(super) const FREEABLE: &str = concat!("WITH RECURSIVE ", freeable!(), " SELECT kind, parked_by FROM freeable");

/// What a heartbeat asks about the table of jobs, and in how many microseconds that was found out.
pub(super) const SURVEY: &str = concat!(
    "WITH RECURSIVE ",
    strangers!(),
    ", ",
    freeable!(),
    " SELECT EXISTS (SELECT 1 FROM stranger) OR EXISTS (SELECT 1 FROM freeable) AS rescue, \
       (SELECT (extract(epoch FROM run_at - {now}) * 1000000)::bigint FROM {s}.job \
         WHERE state IN ('scheduled', 'retryable') ORDER BY run_at LIMIT 1) AS due, \
       EXISTS (SELECT 1 FROM stripe) OR EXISTS (SELECT 1 FROM {s}.job WHERE state = 'available' AND crashes > 0) AS waiting, \
       EXISTS (SELECT 1 FROM {s}.paused_queue) AS paused, \
       (extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000000)::bigint AS took"
);

/// What is to be done about the jobs of nobody, when the next job is due, whether jobs wait; and how long it took to find out.
pub(super) async fn survey(connection: &mut Connection, at: Now, now: Option<Timestamp>) -> Result<(Beat, Duration)> {
    let Some(row) = connection.row(SURVEY, &[time(&now)]).await? else { return Ok((Beat::default(), Duration::ZERO)) };
    let due: Option<i64> = get(&row, "due")?;
    // Counted from the server's time, told in the caller's.
    let next_due = due.map(|due| at.wall.saturating_add(micros_of(due)).unwrap_or(Timestamp::MAX));
    let (rescue, waiting, paused) = (get(&row, "rescue")?, get(&row, "waiting")?, get(&row, "paused")?);
    let beat = Beat { alive: true, rescue, next_due, waiting, paused };
    Ok((beat, micros_of(get(&row, "took")?)))
}

async fn freeable(connection: &mut Connection) -> Result<Vec<(String, Vec<String>)>> {
    let rows = connection.rows(FREEABLE, &[]).await?;
    rows.iter().map(|row| Ok((get(row, "kind")?, get(row, "parked_by")?))).collect()
}

/// Frees parked jobs that some live worker may be able to run, so many at most.
pub(super) async fn free_parked(connection: &mut Connection, most: usize) -> Result<usize> {
    let mut freed = 0;
    for (kind, parked_by) in freeable(connection).await? {
        let bite = i64::try_from(most - freed).unwrap_or(i64::MAX);
        freed += connection
            .rows(
                "UPDATE {s}.job SET state = 'available', error = NULL WHERE seq = ANY(ARRAY(SELECT seq FROM {s}.job \
                 WHERE state = 'parked' AND kind = $1 AND parked_by = $2 LIMIT $3 FOR UPDATE SKIP LOCKED)) RETURNING seq",
                &[(&kind, Type::TEXT), (&parked_by, Type::TEXT_ARRAY), (&bite, Type::INT8)],
            )
            .await?
            .len();
    }
    Ok(freed)
}
