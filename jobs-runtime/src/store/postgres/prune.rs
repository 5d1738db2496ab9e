//! Pruning: days of the history whose retention is over are dropped whole; what is left over goes row by row, a bite at a time.

use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use jobs_core::State;
use jobs_core::store::{BITE, Now, REPEAT_WINDOW, Retention};
use tokio_postgres::types::Type;

use super::connection::{Connection, get, time};
use super::error::Result;

const ENDS: [State; 3] = [State::Completed, State::Failed, State::Cancelled];

/// How many days ahead the partitions are made.
const AHEAD: i64 = 3;

/// What a person would call too many notes for one sum.
const NOTES: i64 = 1_000;

/// Rows of one state that are older than a time, oldest first.
const REMOVE: &str = "WITH old AS (SELECT id, place FROM {s}.history WHERE state = $2 AND finished_at < $1 ORDER BY finished_at LIMIT $3), \
     gone AS (DELETE FROM {s}.history USING old WHERE history.state = $2 AND history.finished_at < $1 AND history.id = old.id \
       AND history.place = old.place RETURNING history.state), \
     counted AS (INSERT INTO {s}.tally (state, jobs) SELECT state, -count(*) FROM gone GROUP BY state) \
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
    days(connection, now, retention).await?;
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
    changed += connection
        .rows(
            "DELETE FROM {s}.tick WHERE (schedule, instant) IN (SELECT schedule, instant FROM {s}.tick WHERE dealt_at < $1 \
             ORDER BY dealt_at LIMIT $2) RETURNING 1",
            &[time(&old), (&room, Type::INT8)],
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

fn before(now: Timestamp, age: Duration) -> Timestamp {
    now.saturating_sub(age).unwrap_or(Timestamp::MIN)
}

/// Makes one row of many notes, so that the sum stays cheap.
async fn gather(connection: &mut Connection) -> Result<()> {
    connection
        .rows(
            "WITH gone AS (DELETE FROM {s}.tally WHERE (SELECT count(*) FROM (SELECT 1 FROM {s}.tally LIMIT $1) AS few) >= $1 \
             RETURNING state, jobs) \
             INSERT INTO {s}.tally (state, jobs) SELECT state, sum(jobs) FROM gone GROUP BY state",
            &[(&NOTES, Type::INT8)],
        )
        .await
        .map(drop)
}

/// Makes the partitions of the next days, and drops those whose every job is older than its retention.
async fn days(connection: &mut Connection, now: Timestamp, retention: Retention) -> Result<()> {
    let schema = connection.text("{s}");
    let rows = connection
        .rows(
            "SELECT c.relname::text AS name FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid \
             WHERE inhparent IN (to_regclass($1), to_regclass($2), to_regclass($3))",
            &[
                (&format!("{schema}.history_completed"), Type::TEXT),
                (&format!("{schema}.history_failed"), Type::TEXT),
                (&format!("{schema}.history_cancelled"), Type::TEXT),
            ],
        )
        .await?;
    let there = rows.iter().map(|row| get::<String>(row, "name")).collect::<Result<Vec<String>>>()?;
    let today = jiff::tz::TimeZone::UTC.to_datetime(now).date();
    for state in ENDS {
        for ahead in 0..AHEAD {
            let (Ok(from), Ok(to)) = (today.checked_add(ahead.days()), today.checked_add((ahead + 1).days())) else { continue };
            let name = partition(state, from);
            if there.contains(&name) {
                continue;
            }
            let parent = format!("{schema}.history_{}", state.as_str());
            let sql = format!(
                "CREATE TABLE IF NOT EXISTS {schema}.{name} PARTITION OF {parent} FOR VALUES FROM ('{from} 00:00:00+00') TO ('{to} 00:00:00+00')"
            );
            // A day for which jobs stand in the catch-all already cannot be made any more; a role may also lack the right.
            if connection.batch(&sql).await.is_err_and(|problem| !problem.is_refusal()) {
                return Ok(());
            }
        }
        let keep = before(now, retention.of(state).max(REPEAT_WINDOW));
        let oldest = jiff::tz::TimeZone::UTC.to_datetime(keep).date();
        for name in there.iter().filter(|name| day_of(state, name).is_some_and(|day| day < oldest)) {
            drop_day(connection, &schema, name, state).await?;
        }
    }
    Ok(())
}

fn partition(state: State, day: jiff::civil::Date) -> String {
    format!("history_{}_{}", state.as_str(), day.strftime("%Y%m%d"))
}

fn day_of(state: State, name: &str) -> Option<jiff::civil::Date> {
    let day = name.strip_prefix("history_")?.strip_prefix(state.as_str())?.strip_prefix('_')?;
    jiff::civil::Date::strptime("%Y%m%d", day).ok()
}

/// Drops a day, unless somebody uses it just now: then the next time.
async fn drop_day(connection: &mut Connection, schema: &str, name: &str, state: State) -> Result<()> {
    let (name, state) = (format!("{schema}.{name}"), state.as_str());
    let dropped = connection
        .transaction(async |connection| {
            connection
                .batch(&format!(
                    "SET LOCAL lock_timeout = '100ms'; LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE; \
                     INSERT INTO {schema}.tally (state, jobs) SELECT '{state}', -count(*) FROM {name}; DROP TABLE {name}"
                ))
                .await
        })
        .await;
    match dropped {
        Err(problem) if !problem.is_refusal() => Err(problem),
        _ => Ok(()),
    }
}
