//! Opening: the file is made or checked, migrated, and handed to its two threads.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use jobs_core::StoreError;
use jobs_core::store::{Signal, StoreInfo};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::courtesy::Courtesy;
use super::error::{Result, is_busy, store_error};
use super::reader::Reader;
use super::rescue::{self, Judge};
use super::session::{After, Session, Watch};
use super::version;
use super::writer::{self, Writer};
use super::{Shared, SqliteOptions, Synchronous};
use crate::store::names::Names;

/// More statements than this store has.
const STATEMENTS: usize = 128;

pub(super) async fn open(mut options: SqliteOptions) -> Result<Shared> {
    options.single_connection |= !version::allows_many_connections(rusqlite::version_number());
    let single = options.single_connection;
    let (opened, answer) = oneshot::channel();
    let (writer, inbox) = Writer::channel();
    let signal = Arc::new(Signal::default());
    let watch = Arc::new(Watch::default());
    let parts = (Arc::clone(&signal), Arc::clone(&watch));
    let patience = options.busy_timeout;
    spawn("jobs-writer", move || match prepare(&options, parts) {
        Ok((session, courtesy)) => {
            let place = Arc::clone(&session.place);
            // Whoever waited for the store may have gone away; then the inbox has no sender, and the writer ends at once.
            let _ = opened.send(Ok(place));
            writer::run(session, inbox, courtesy, patience);
        }
        Err(error) => drop(opened.send(Err(error))),
    })?;
    let place = answer.await.map_err(|_| StoreError::Closed)??;
    let reader = if single { None } else { Some(open_reader(&place).await?) };
    writer.write(|session| rescue::sweep(session)).await?;
    let mut notes = Vec::new();
    if !version::allows_many_connections(rusqlite::version_number()) {
        notes.push(version::single_note(rusqlite::version()));
    }
    let info = StoreInfo { name: "sqlite", place: place.to_string(), version: rusqlite::version().to_owned(), notes };
    Ok(Shared { writer, reader: Mutex::new(reader), single, place, signal, watch, info })
}

fn spawn(name: &str, life: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(life)
        .map(drop)
        .map_err(|error| StoreError::Unusable(format!("cannot start the thread {name}: {error}")))
}

fn prepare(options: &SqliteOptions, (signal, watch): (Arc<Signal>, Arc<Watch>)) -> Result<(Session, Courtesy)> {
    let path = super::file::prepare(&options.path)?;
    let place: Arc<str> = path.display().to_string().into();
    let connection = connect(&path, &place, options)?;
    let folder = super::file::prepare_side_folder(&path)?;
    let courtesy = Courtesy::open(&folder)
        .map_err(|error| StoreError::Unusable(format!("cannot open a file in {}: {error}", folder.display())))?;
    let session = Session {
        connection,
        place,
        folder,
        locks: HashMap::new(),
        judge: Judge::default(),
        cursors: super::prune::Cursors::default(),
        names: Names::default(),
        watch,
        signal,
        after: After::default(),
    };
    Ok((session, courtesy))
}

fn connect(path: &Path, place: &str, options: &SqliteOptions) -> Result<Connection> {
    let problem = |error: &rusqlite::Error| match (is_busy(error), options.single_connection) {
        (true, true) => {
            StoreError::Unusable(format!("{place} is in use by another process. {}", version::single_note(rusqlite::version())))
        }
        _ => store_error(error, place),
    };
    let mut connection = Connection::open(path).map_err(|error| problem(&error))?;
    let began = Instant::now();
    let configured = loop {
        match configure(&connection, options) {
            // While another process makes or recovers the file, SQLite answers "busy" whatever its timeout.
            Err(error) if is_busy(&error) && !options.single_connection && began.elapsed() < options.busy_timeout => {
                thread::sleep(Duration::from_millis(5));
            }
            other => break other,
        }
    };
    configured.map_err(|error| problem(&error))?;
    super::schema::migrate(&mut connection, place, options.shared)?;
    // From here on the writer waits in its own way, which lets others pass.
    connection.busy_timeout(Duration::ZERO).map_err(|error| problem(&error))?;
    Ok(connection)
}

fn configure(connection: &Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(if options.single_connection { Duration::from_millis(100) } else { options.busy_timeout })?;
    if options.single_connection {
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    }
    connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))?;
    let synchronous = match options.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)
}

async fn open_reader(place: &Arc<str>) -> Result<Reader> {
    let (reader, queries) = Reader::channel();
    let (opened, answer) = oneshot::channel();
    let path = Arc::clone(place);
    spawn("jobs-reader", move || {
        let connection = Connection::open(&*path).and_then(|connection| {
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.pragma_update(None, "query_only", true)?;
            Ok(connection)
        });
        match connection {
            Ok(connection) => {
                let _ = opened.send(Ok(()));
                super::reader::run(&connection, &queries);
            }
            Err(error) => drop(opened.send(Err(store_error(&error, &path)))),
        }
    })?;
    answer.await.map_err(|_| StoreError::Closed)??;
    Ok(reader)
}
