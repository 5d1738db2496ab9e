//! The days of the history: partitions that are made before they begin, and dropped whole when their last job may go.
//!
//! What ends on a day that nobody made goes to the catch-all of its state, and from there row by row. A day is attached, which lets
//! completions go on; only the catch-all is locked, and read, since none of its rows may belong to the new day.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use jobs_core::State;
use jobs_core::store::{REPEAT_WINDOW, Retention};
use tokio_postgres::types::Type;

use super::connection::{Connection, get};
use super::error::Result;
use super::prune::{ENDS, before};

/// How many days there are at least from today on.
const AHEAD: i64 = 3;

/// An advisory lock, by its number beside that of the migrations.
const DAYS: i32 = 1_246_708_308;

/// The partitions that this role may make and drop. The catch-alls are among them, so a role without the right sees none.
const OWN: &str = "SELECT c.relname::text AS name FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid \
     WHERE inhparent IN (to_regclass($1), to_regclass($2), to_regclass($3)) AND pg_has_role(c.relowner, 'USAGE') \
     AND has_schema_privilege(c.relnamespace, 'CREATE')";

/// Makes today and the days after it by the server's clock.
pub(super) async fn open(connection: &mut Connection) -> Result<()> {
    match connection.row("SELECT now() AS now", &[]).await? {
        Some(row) => make(connection, get(&row, "now")?).await,
        None => Ok(()),
    }
}

/// Makes today and the days after it, as far as they are missing.
pub(super) async fn make(connection: &mut Connection, now: Timestamp) -> Result<()> {
    let own = own(connection).await?;
    if own.is_empty() {
        return Ok(());
    }
    let today = TimeZone::UTC.to_datetime(now).date();
    for ahead in 0..AHEAD {
        let Ok(day) = today.checked_add(ahead.days()) else { continue };
        for state in ENDS.into_iter().filter(|state| !own.contains(&name(*state, day))) {
            alone(connection, async |connection| make_one(connection, state, day).await).await?;
        }
    }
    Ok(())
}

/// Drops the days whose every job is older than its retention.
pub(super) async fn drop_old(connection: &mut Connection, now: Timestamp, retention: Retention) -> Result<()> {
    let own = own(connection).await?;
    for state in ENDS {
        let kept = before(now, retention.of(state).max(REPEAT_WINDOW));
        let oldest = TimeZone::UTC.to_datetime(kept).date();
        for day in own.iter().filter_map(|name| day_of(state, name)).filter(|day| *day < oldest) {
            alone(connection, async |connection| drop_one(connection, state, day).await).await?;
        }
    }
    Ok(())
}

async fn own(connection: &mut Connection) -> Result<Vec<String>> {
    let parents = ENDS.map(|state| connection.text(&format!("{{s}}.history_{}", state.as_str())));
    let [completed, failed, cancelled] = &parents;
    let rows = connection.rows(OWN, &[(completed, Type::TEXT), (failed, Type::TEXT), (cancelled, Type::TEXT)]).await?;
    rows.iter().map(|row| get(row, "name")).collect()
}

/// One change at a time, whoever makes it. One that would wait for long, or that the server refuses, is left for the next
/// prune: there are days enough until then, and the catch-all after them.
async fn alone(connection: &mut Connection, change: impl AsyncFnOnce(&mut Connection) -> Result<()>) -> Result<()> {
    let schema = connection.text("{s}");
    let done = connection
        .transaction(async |connection| {
            connection.batch("SET LOCAL lock_timeout = '2s'").await?;
            let key = [(&DAYS as _, Type::INT4), (&schema as _, Type::TEXT)];
            connection.rows("SELECT pg_advisory_xact_lock($1, hashtext($2))", &key).await?;
            // From here on others may be held up for so long.
            connection.batch("SET LOCAL lock_timeout = '100ms'").await?;
            change(connection).await
        })
        .await;
    if connection.is_closed() { done } else { Ok(()) }
}

/// Whether nobody else changes days, and none will until the end of this transaction.
pub(super) async fn is_alone(connection: &mut Connection) -> Result<bool> {
    let schema = connection.text("{s}");
    let key = [(&DAYS as _, Type::INT4), (&schema as _, Type::TEXT)];
    let row = connection.row("SELECT pg_try_advisory_xact_lock($1, hashtext($2)) AS alone", &key).await?;
    row.map_or(Ok(false), |row| get(&row, "alone"))
}

async fn make_one(connection: &mut Connection, state: State, day: Date) -> Result<()> {
    let Ok(next) = day.checked_add(1.day()) else { return Ok(()) };
    let (name, parent) = (name(state, day), format!("{{s}}.history_{}", state.as_str()));
    // Somebody may have made it meanwhile; and with a row of it in the catch-all it cannot be made any more.
    let in_the_way = format!(
        "SELECT 1 FROM {parent}_other WHERE finished_at >= '{day} 00:00:00+00' AND finished_at < '{next} 00:00:00+00' LIMIT 1"
    );
    if own(connection).await?.contains(&name) || !connection.ad_hoc(&in_the_way, &[]).await?.is_empty() {
        return Ok(());
    }
    // Reading the catch-all under its lock may take no longer.
    connection.batch("SET LOCAL statement_timeout = '2s'").await?;
    let make = format!(
        "CREATE TABLE {{s}}.{name} (LIKE {{s}}.history INCLUDING DEFAULTS INCLUDING CONSTRAINTS); \
         ALTER TABLE {parent} ATTACH PARTITION {{s}}.{name} FOR VALUES FROM ('{day} 00:00:00+00') TO ('{next} 00:00:00+00')"
    );
    let make = connection.text(&make);
    connection.batch(&make).await
}

async fn drop_one(connection: &mut Connection, state: State, day: Date) -> Result<()> {
    let name = name(state, day);
    // Somebody may have dropped it meanwhile.
    if !own(connection).await?.contains(&name) {
        return Ok(());
    }
    // Whoever takes a job out of it has taken it off the tally before, or comes too late.
    let drop = format!(
        "LOCK TABLE {{s}}.{name} IN SHARE MODE; DELETE FROM {{s}}.tally WHERE state = '{}' AND day = '{day}'; DROP TABLE {{s}}.{name}",
        state.as_str()
    );
    let drop = connection.text(&drop);
    connection.batch(&drop).await
}

fn name(state: State, day: Date) -> String {
    format!("history_{}_{}", state.as_str(), day.strftime("%Y%m%d"))
}

fn day_of(state: State, name: &str) -> Option<Date> {
    let day = name.strip_prefix("history_")?.strip_prefix(state.as_str())?.strip_prefix('_')?;
    Date::strptime("%Y%m%d", day).ok()
}
