//! The schema and its migrations: versioned, additive, made under a lock by whoever comes first.
//!
//! A migration only adds, so that programs of the release before go on working while others are replaced. Each says the oldest
//! schema that a program must know to work with it; a program that knows only older ones is refused.

use jobs_core::StoreError;
use tokio_postgres::types::Type;

use super::connection::{Connection, get};
use super::error::Result;

/// One step of the schema.
pub(super) struct Migration {
    /// What is done; `{s}` is the schema.
    pub(super) sql: &'static str,
    /// The number of steps that a program must know at least to work after this one.
    oldest: i32,
}

/// Each step, in order. What is here is never changed, only added to.
pub(super) const MIGRATIONS: &[Migration] =
    &[Migration { sql: concat!(include_str!("0001.sql"), include_str!("contract.sql")), oldest: 1 }];

/// The longest name that PostgreSQL keeps whole, in bytes.
const LONGEST: usize = 63;

/// The name of a schema as an identifier, or what is wrong with it.
pub(super) fn quoted(schema: &str) -> std::result::Result<String, StoreError> {
    let wrong = |why: &str| StoreError::Unusable(format!("the schema name {schema:?} {why}"));
    if schema.is_empty() || schema.len() > LONGEST {
        return Err(wrong("must have 1 to 63 bytes"));
    }
    if schema.starts_with("pg_") || schema == "information_schema" {
        return Err(wrong("belongs to PostgreSQL"));
    }
    if schema.chars().any(char::is_control) {
        return Err(wrong("has a control character"));
    }
    if schema.contains("$jobs_contract$") {
        return Err(wrong("has the mark in it by which the schema's functions are quoted"));
    }
    Ok(format!("\"{}\"", schema.replace('"', "\"\"")))
}

/// All that creates the schema from nothing, for a person who runs it by hand.
pub(super) fn script(schema: &str) -> String {
    let mut script = format!("BEGIN;\n{}", FIRST.replace("{s}", schema));
    for (index, migration) in MIGRATIONS.iter().enumerate() {
        script.push_str(&migration.sql.replace("{s}", schema));
        script.push_str(&mark(schema, index));
    }
    script.push_str("COMMIT;\n");
    script
}

const FIRST: &str = "CREATE SCHEMA IF NOT EXISTS {s};\n\
     CREATE TABLE IF NOT EXISTS {s}.migration (version integer PRIMARY KEY, oldest integer NOT NULL, \
     applied_at timestamptz NOT NULL DEFAULT now());\n";

fn mark(schema: &str, index: usize) -> String {
    format!("INSERT INTO {schema}.migration (version, oldest) VALUES ({}, {});\n", index + 1, MIGRATIONS[index].oldest)
}

/// Brings the schema to what this program knows, if it is older. Needs no right to create anything when there is nothing to do.
pub(super) async fn migrate(connection: &mut Connection, place: &str) -> Result<()> {
    if usize::try_from(version(connection, place).await?).is_ok_and(|version| version >= MIGRATIONS.len()) {
        return Ok(());
    }
    let schema = connection.text("{s}");
    connection
        .transaction(async |connection| {
            // One at a time, whatever else is done in this database; the number is "JOBS".
            connection.rows("SELECT pg_advisory_xact_lock(1246708307, hashtext($1))", &[(&schema, Type::TEXT)]).await?;
            let known = usize::try_from(version(connection, place).await?).unwrap_or(usize::MAX);
            if known == 0 {
                let exists = connection
                    .rows("SELECT 1 FROM pg_namespace WHERE nspname::text = $1", &[(&unquoted(&schema), Type::TEXT)])
                    .await?;
                let first = if exists.is_empty() { FIRST } else { FIRST.split_once('\n').map_or(FIRST, |(_, tables)| tables) };
                connection.batch(&first.replace("{s}", &schema)).await?;
            }
            for (index, migration) in MIGRATIONS.iter().enumerate().skip(known) {
                connection.batch(&migration.sql.replace("{s}", &schema)).await?;
                connection.batch(&mark(&schema, index)).await?;
            }
            Ok(())
        })
        .await
}

fn unquoted(schema: &str) -> String {
    schema[1..schema.len() - 1].replace("\"\"", "\"")
}

/// How many steps the schema has; 0 when it is not there.
async fn version(connection: &mut Connection, place: &str) -> Result<i32> {
    // `to_regclass` may go by what this connection remembers from before it got the lock; a query of the catalogue does not.
    let schema = unquoted(&connection.text("{s}"));
    let there = "SELECT 1 FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace \
         WHERE n.nspname::text = $1 AND c.relname = 'migration'";
    if connection.rows(there, &[(&schema, Type::TEXT)]).await?.is_empty() {
        return Ok(0);
    }
    let Some(row) = connection
        .row("SELECT coalesce(max(version), 0) AS version, coalesce(max(oldest), 0) AS oldest FROM {s}.migration", &[])
        .await?
    else {
        return Ok(0);
    };
    let (version, oldest): (i32, i32) = (get(&row, "version")?, get(&row, "oldest")?);
    let known = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
    if oldest > known {
        return Err(StoreError::Unusable(format!(
            "{place} has schema {version}, which programs must know up to {oldest} to work with, and this one knows {known}: \
             a newer release wrote it; run that release here too, or give this one another schema"
        ))
        .into());
    }
    Ok(version)
}
