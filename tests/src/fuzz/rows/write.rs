//! Writes rows past the store, into its file or its schema, as somebody with SQL does.

use std::collections::BTreeSet;
use std::fmt::Write;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::{Cell, Row, Table, Taken};
use crate::World;

/// Writes rows one by one; answers those that were taken.
pub(super) async fn all(world: &World, rows: &[&Row]) -> Vec<Taken> {
    let mut taken = Vec::new();
    if rows.is_empty() {
        return taken;
    }
    if world.is_in_file() {
        let file = Connection::open(world.file()).expect("the file opens");
        file.busy_timeout(crate::PATIENCE).expect("it waits");
        for row in rows {
            taken.extend(into_file(&file, row));
        }
    } else {
        let (server, schema) = world.somebody().await;
        for row in rows {
            let (sql, id) = for_server(&schema, row);
            if server.batch_execute(&sql).await.is_ok() {
                taken.push(Taken { table: row.table, id });
            }
        }
    }
    taken
}

/// The ids of all jobs, live and finished.
pub(super) async fn ids(world: &World) -> BTreeSet<Vec<u8>> {
    if world.is_in_file() {
        let file = Connection::open(world.file()).expect("the file opens");
        let mut all = file.prepare("SELECT id FROM jobs_job UNION SELECT id FROM jobs_history").expect("the tables are there");
        let ids = all.query_map([], |row| row.get::<_, Vec<u8>>(0)).expect("an answer");
        return ids.collect::<Result<_, _>>().expect("ids");
    }
    let (server, schema) = world.somebody().await;
    let sql = format!("SELECT uuid_send(id) FROM {schema}.job UNION SELECT uuid_send(id) FROM {schema}.history");
    server.query(&sql, &[]).await.expect("an answer").iter().map(|row| row.get(0)).collect()
}

/// The columns that a row must have, and what right ones hold.
fn right(row: &Row, now: i64) -> Vec<(&'static str, Cell)> {
    let text = |text: &str| Cell::Text(text.to_owned());
    let mut cells = match row.table {
        Table::Schedule => {
            let key: String = row.id.iter().fold(String::new(), |mut key, byte| {
                let _ = write!(key, "{byte:02x}");
                key
            });
            return vec![
                ("key", Cell::Text(key)),
                ("kind", text("work")),
                ("spec", text("every 1h")),
                ("zone", text("UTC")),
                ("definition", text("{}")),
                ("version", Cell::Number(1)),
                ("last_tick", Cell::Time(now)),
                ("queued", text("[]")),
                ("started", text("[]")),
            ];
        }
        Table::Job => Vec::new(),
        Table::History => vec![("finished_at", Cell::Time(now))],
    };
    cells.extend([
        ("id", Cell::Bytes(row.id.to_vec())),
        ("kind", text("work")),
        ("queue", text("default")),
        ("priority", Cell::Number(0)),
        ("state", text("available")),
        ("run_at", Cell::Time(now)),
        ("created_at", Cell::Time(now)),
        ("payload", text("{}")),
        ("token", Cell::Number(0)),
        ("failures", Cell::Number(0)),
        ("crashes", Cell::Number(0)),
        ("snoozes", Cell::Number(0)),
    ]);
    cells
}

/// The cells of a row, each column once.
fn cells(row: &Row) -> Vec<(&'static str, Cell)> {
    let mut cells = right(row, jiff::Timestamp::now().as_microsecond());
    for (column, cell) in &row.cells {
        match cells.iter_mut().find(|(known, _)| known == column) {
            Some((_, known)) => *known = cell.clone(),
            None => cells.push((column, cell.clone())),
        }
    }
    cells
}

fn into_file(file: &Connection, row: &Row) -> Option<Taken> {
    let (mut columns, mut places, mut values, mut id) = (Vec::new(), Vec::new(), Vec::new(), row.id.to_vec());
    for (nth, (column, cell)) in cells(row).into_iter().enumerate() {
        // Bytes become a text that is none, but for ids.
        let is_id = matches!(column, "id" | "parent");
        columns.push(column);
        places.push(if is_id {
            format!("?{}", nth + 1)
        } else {
            format!("iif(typeof(?{0}) = 'blob', CAST(?{0} AS TEXT), ?{0})", nth + 1)
        });
        values.push(match cell {
            Cell::Null | Cell::Special(_) => Value::Null,
            Cell::Number(number) | Cell::Time(number) => Value::Integer(number),
            Cell::Text(text) => Value::Text(text),
            Cell::Bytes(bytes) => {
                if column == "id" {
                    id.clone_from(&bytes);
                }
                Value::Blob(bytes)
            }
        });
    }
    let table = match row.table {
        Table::Job => "jobs_job",
        Table::History => "jobs_history",
        Table::Schedule => "jobs_schedule",
    };
    let sql = format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), places.join(", "));
    file.execute(&sql, params_from_iter(values)).ok().map(|_| Taken { table: row.table, id })
}

/// The statement, and the id that it writes.
fn for_server(schema: &str, row: &Row) -> (String, Vec<u8>) {
    let (mut columns, mut values, mut id) = (Vec::new(), Vec::new(), row.id.to_vec());
    for (column, cell) in cells(row) {
        columns.push(format!("\"{column}\""));
        values.push(match (column, cell) {
            (_, Cell::Null) => "NULL".to_owned(),
            (_, Cell::Number(number)) => number.to_string(),
            (_, Cell::Time(micros)) => format!("'epoch'::timestamptz + {micros} * interval '1 microsecond'"),
            (_, Cell::Special(special)) => special.to_owned(),
            ("id" | "parent", Cell::Bytes(mut bytes)) => {
                bytes.resize(16, 0);
                if column == "id" {
                    id.clone_from(&bytes);
                }
                format!("encode('\\x{}', 'hex')::uuid", hex(&bytes))
            }
            (_, Cell::Bytes(bytes)) => quoted(&String::from_utf8_lossy(&bytes)),
            (_, Cell::Text(text)) => quoted(&text),
        });
    }
    let table = match row.table {
        Table::Job => "job",
        Table::History => "history",
        Table::Schedule => "schedule",
    };
    (format!("INSERT INTO {schema}.{table} ({}) VALUES ({})", columns.join(", "), values.join(", ")), id)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A text of SQL; PostgreSQL has no NUL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}
