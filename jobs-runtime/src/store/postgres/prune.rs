//! Pruning: `days` of the history whose retention is over are dropped whole; what is left over goes row by row, a bite at a time.

use std::time::Duration;

use jiff::Timestamp;
use jobs_core::State;
use jobs_core::store::{BITE, Now, ONCE, REPEAT_WINDOW, Retention};
use tokio_postgres::types::Type;

use super::connection::{Connection, get, time};
use super::days;
use super::error::Result;

pub(super) const ENDS: [State; 3] = [State::Completed, State::Failed, State::Cancelled];

/// What a person would call too many notes for one sum.
const NOTES: i64 = 1_000;

/// Rows of one state that are older than a time, oldest first.
const REMOVE: &str = "WITH old AS (SELECT id, place FROM {s}.history WHERE state = $2 AND finished_at < $1 ORDER BY finished_at LIMIT $3), \
     gone AS (DELETE FROM {s}.history USING old WHERE history.state = $2 AND history.finished_at < $1 AND history.id = old.id \
       AND history.place = old.place RETURNING history.state, history.finished_at), \
     counted AS (INSERT INTO {s}.tally (state, day, jobs) SELECT state, (finished_at AT TIME ZONE 'UTC')::date, -count(*) FROM gone \
       GROUP BY 1, 2) \
     SELECT 1 FROM gone";

/// Empties jobs whose retention is over but whose id must still be remembered.
const EMPTY: &str = "WITH old AS (SELECT id, place FROM {s}.history WHERE state = $2 AND finished_at < $1 AND payload IS NOT NULL \
       ORDER BY finished_at LIMIT $3) \
     UPDATE {s}.history SET payload = NULL, output = NULL, error = NULL, errors = NULL, tags = NULL, metadata = NULL, chain = NULL \
     FROM old WHERE history.state = $2 AND history.finished_at < $1 AND history.id = old.id AND history.place = old.place RETURNING 1";

pub(super) async fn prune(
    connection: &mut Connection,
    at: Now,
    now: Option<Timestamp>,
    retention: Retention,
    slack: Duration,
) -> Result<usize> {
    let server = connection.row("SELECT {now} AS now", &[time(&now)]).await?;
    let now = server.map_or(Ok(at.wall), |row| get::<Timestamp>(&row, "now"))?;
    days::make(connection, now).await?;
    days::drop_old(connection, now, retention).await?;
    let mut changed = 0;
    for state in ENDS {
        let keep = retention.of(state);
        changed +=
            bite(connection, REMOVE, before(now, keep.max(REPEAT_WINDOW).saturating_add(slack)), state, BITE - changed).await?;
        if keep < REPEAT_WINDOW {
            changed += bite(connection, EMPTY, before(now, keep), state, BITE - changed).await?;
        }
    }
    let room = i64::try_from(BITE - changed).unwrap_or(0);
    let old = Some(before(now, retention.completed.max(REPEAT_WINDOW)));
    // What fires once ever has done so for ever.
    let once = Some(ONCE);
    changed += connection
        .rows(
            "DELETE FROM {s}.tick WHERE (schedule, instant) IN (SELECT schedule, instant FROM {s}.tick WHERE dealt_at < $1 \
             AND instant < $3 ORDER BY dealt_at LIMIT $2) RETURNING 1",
            &[time(&old), (&room, Type::INT8), time(&once)],
        )
        .await?
        .len();
    gather(connection).await?;
    Ok(changed)
}

async fn bite(connection: &mut Connection, sql: &'static str, before: Timestamp, state: State, room: usize) -> Result<usize> {
    let (before, room) = (Some(before), i64::try_from(room).unwrap_or(0));
    let state = state.as_str();
    Ok(connection.rows(sql, &[time(&before), (&state, Type::TEXT), (&room, Type::INT8)]).await?.len())
}

pub(super) fn before(now: Timestamp, age: Duration) -> Timestamp {
    now.saturating_sub(age).unwrap_or(Timestamp::MIN)
}

/// Makes one row of many notes, so that the sum stays cheap. Not while somebody drops a day, whose notes go with it.
async fn gather(connection: &mut Connection) -> Result<()> {
    connection
        .transaction(async |connection| {
            if !days::is_alone(connection).await? {
                return Ok(());
            }
            connection
                .rows(
                    "WITH gone AS (DELETE FROM {s}.tally WHERE (SELECT count(*) FROM (SELECT 1 FROM {s}.tally LIMIT $1) AS few) >= $1 \
                     RETURNING state, day, jobs) \
                     INSERT INTO {s}.tally (state, day, jobs) SELECT state, day, sum(jobs) FROM gone GROUP BY state, day \
                     HAVING sum(jobs) <> 0",
                    &[(&NOTES, Type::INT8)],
                )
                .await
                .map(drop)
        })
        .await
}
