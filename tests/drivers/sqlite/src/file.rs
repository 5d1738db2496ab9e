//! A file of a test's own.

use checks::{Place, Result};
use rusqlite::Connection;
use tempfile::TempDir;

pub struct File {
    folder: TempDir,
    url: String,
}

impl File {
    fn open(&self) -> rusqlite::Result<Connection> {
        Connection::open(self.folder.path().join("jobs.db"))
    }
}

impl Place for File {
    const COMPLETE: &'static str = "INSERT INTO jobs_complete (outcomes) VALUES (?1)";

    async fn new() -> Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite://{}", folder.path().join("jobs.db").display());
        Ok(Some(Self { folder, url }))
    }

    async fn make_tables(&self) -> Result {
        Ok(self.open()?.execute_batch("CREATE TABLE guests (guest TEXT NOT NULL); CREATE TABLE charges (guest TEXT NOT NULL)")?)
    }

    fn url(&self) -> &str {
        &self.url
    }

    async fn guests_in(&self, table: &str) -> Result<Vec<String>> {
        let connection = self.open()?;
        let mut query = connection.prepare(&format!("SELECT guest FROM {table} ORDER BY guest"))?;
        let guests = query.query_map([], |row| row.get(0))?;
        Ok(guests.collect::<Result<_, _>>()?)
    }

    async fn clean_up(self) -> Result {
        Ok(self.folder.close()?)
    }
}
