//! A transaction of the caller's own: a connection to the store's database that is none of the store's.

use std::fmt;

use tokio_postgres::NoTls;

/// Why a statement failed, in the words of its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<tokio_postgres::Error> for Refusal {
    fn from(error: tokio_postgres::Error) -> Self {
        Self(error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned()))
    }
}

/// A connection of somebody who has tables of his own beside those of the store. One that is dropped in a transaction rolls it back.
pub enum Caller {
    /// To a file.
    File(rusqlite::Connection),
    /// To a server, and the name of the store's schema as an identifier.
    Server(tokio_postgres::Client, String),
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File(_) => "File",
            Self::Server(..) => "Server",
        })
    }
}

impl Caller {
    /// Comes to a file.
    pub fn of_file(path: &std::path::Path) -> Result<Self, Refusal> {
        let connection = rusqlite::Connection::open(path)?;
        connection.busy_timeout(crate::PATIENCE)?;
        Ok(Self::File(connection))
    }

    /// Comes to the schema of this name on a server.
    pub async fn of_server(url: &str, schema: String) -> Result<Self, Refusal> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        Ok(Self::Server(client, schema))
    }

    /// Begins a transaction that writes.
    pub async fn begin(&mut self) -> Result<(), Refusal> {
        match self {
            Self::File(file) => Ok(file.execute_batch("BEGIN IMMEDIATE")?),
            Self::Server(server, _) => Ok(server.batch_execute("BEGIN").await?),
        }
    }

    /// Commits it.
    pub async fn commit(&mut self) -> Result<(), Refusal> {
        self.batch("COMMIT").await
    }

    /// Rolls it back.
    pub async fn rollback(&mut self) -> Result<(), Refusal> {
        self.batch("ROLLBACK").await
    }

    /// Statements without parameters.
    pub async fn batch(&mut self, sql: &str) -> Result<(), Refusal> {
        match self {
            Self::File(file) => Ok(file.execute_batch(sql)?),
            Self::Server(server, _) => Ok(server.batch_execute(sql).await?),
        }
    }

    /// A statement with one text parameter whose rows nobody needs.
    pub async fn execute(&mut self, sql: &str, parameter: &str) -> Result<(), Refusal> {
        match self {
            Self::File(file) => Ok(file.execute(sql, [parameter]).map(drop)?),
            Self::Server(server, _) => Ok(server.execute(sql, &[&parameter]).await.map(drop)?),
        }
    }

    /// A statement with one text parameter that gives one row with one text.
    pub async fn text(&mut self, sql: &str, parameter: &str) -> Result<String, Refusal> {
        match self {
            Self::File(file) => Ok(file.query_row(sql, [parameter], |row| row.get(0))?),
            Self::Server(server, _) => Ok(server.query_one(sql, &[&parameter]).await?.try_get(0)?),
        }
    }

    /// A statement that gives one number.
    pub async fn number(&mut self, sql: &str) -> Result<i64, Refusal> {
        match self {
            Self::File(file) => Ok(file.query_row(sql, [], |row| row.get(0))?),
            Self::Server(server, _) => Ok(server.query_one(sql, &[]).await?.try_get(0)?),
        }
    }

    /// What a person writes by hand to store jobs: their ids and whether each is new.
    pub async fn enqueue(&mut self, jobs: &str) -> Result<Vec<(String, bool)>, Refusal> {
        match self {
            Self::File(file) => {
                file.execute("INSERT INTO jobs_enqueue (jobs) VALUES (?1)", [jobs])?;
                let mut rows = file.prepare("SELECT id, created FROM jobs_enqueue ORDER BY place")?;
                let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            }
            Self::Server(server, schema) => {
                let sql = format!("SELECT id::text, created FROM {schema}.enqueue($1) ORDER BY place");
                let rows = server.query(&sql, &[&jobs]).await?;
                Ok(rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, tokio_postgres::Error>>()?)
            }
        }
    }

    /// What a person writes by hand to complete jobs.
    pub async fn complete(&mut self, outcomes: &str) -> Result<(), Refusal> {
        match self {
            Self::File(file) => Ok(file.execute("INSERT INTO jobs_complete (outcomes) VALUES (?1)", [outcomes]).map(drop)?),
            Self::Server(server, schema) => {
                Ok(server.execute(&format!("SELECT {schema}.complete($1)"), &[&outcomes]).await.map(drop)?)
            }
        }
    }
}
