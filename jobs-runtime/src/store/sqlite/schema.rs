//! The schema and its migrations: versioned, additive, and safe when many processes start at once.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use jobs_core::StoreError;

use super::error::{Result, store_error};

/// "JOBS" in the file's header, so that `file` and we know whose it is.
const APPLICATION_ID: i64 = 0x4a4f_4253;

/// Each migration, in order. What is here is never changed, only added to.
pub const MIGRATIONS: &[&str] = &[concat!(include_str!("0001.sql"), include_str!("contract.sql"))];

/// Brings the file to the newest schema. Refuses a file that is somebody else's, unless it is shared, and one of a newer schema than this
/// code knows.
pub(super) fn migrate(connection: &mut Connection, place: &str, shared: bool) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| store_error(&e, place))?;
    let version = version(&transaction, place, shared)?;
    let known = MIGRATIONS.len();
    if version > known {
        return Err(StoreError::Unusable(format!(
            "{place} has schema {version}, and this program knows schemas up to {known}: a newer release wrote it; \
             run that release here too, or give this one another file"
        )));
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        transaction.execute_batch(migration).map_err(|e| store_error(&e, place))?;
        transaction
            .execute("INSERT INTO jobs_migration (version) VALUES (?1)", [i64::try_from(index + 1).unwrap_or(i64::MAX)])
            .map_err(|e| store_error(&e, place))?;
    }
    transaction.commit().map_err(|e| store_error(&e, place))
}

fn version(connection: &Connection, place: &str, shared: bool) -> Result<usize> {
    let problem = |error: rusqlite::Error| store_error(&error, place);
    let ours = connection
        .query_row("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'jobs_migration'", [], |_| Ok(()))
        .optional()
        .map_err(problem)?;
    if ours.is_some() {
        let newest: i64 = connection
            .query_row("SELECT coalesce(max(version), 0) FROM jobs_migration", [], |row| row.get(0))
            .map_err(problem)?;
        return usize::try_from(newest).map_err(|_| StoreError::Unusable(format!("{place} has the impossible schema {newest}")));
    }
    let strangers: Option<String> = connection
        .query_row(
            "SELECT group_concat(name, ', ') FROM (SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 5)",
            [],
            |row| row.get(0),
        )
        .map_err(problem)?;
    match strangers {
        Some(tables) if !shared => {
            return Err(StoreError::Unusable(format!(
                "{place} is a database of something else (it has the tables {tables}): give jobs a file of its own, or set \
                 `sqlite.shared = true` if its jobs shall be stored by transactions on those tables"
            )));
        }
        // Whose the file is has been said by whoever made it.
        Some(_) => {}
        None => connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(problem)?,
    }
    connection
        .execute_batch("CREATE TABLE jobs_migration (version INTEGER PRIMARY KEY) STRICT, WITHOUT ROWID")
        .map_err(problem)?;
    Ok(0)
}
