//! A database of a test's own on the server that `JOBS_TEST_PG` names.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use checks::{Place, Result};
use tokio_postgres::{Client, NoTls};

pub struct Server {
    url: String,
    name: String,
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

impl Place for Server {
    const COMPLETE: &'static str = "SELECT jobs.complete($1)";

    async fn new() -> Result<Option<Self>> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Ok(server) = std::env::var("JOBS_TEST_PG") else {
            // Past what keeps the output of tests that pass.
            writeln!(std::io::stderr(), "left out: JOBS_TEST_PG names no PostgreSQL")?;
            return Ok(None);
        };
        let name = format!("jobs_driver_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        connect(&server).await?.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await?;
        let (server, _) = server.rsplit_once('/').ok_or("JOBS_TEST_PG names no database")?;
        Ok(Some(Self { url: format!("{server}/{name}"), name }))
    }

    async fn make_tables(&self) -> Result {
        let tables = "CREATE TABLE guests (guest text NOT NULL); CREATE TABLE charges (guest text NOT NULL)";
        Ok(connect(&self.url).await?.batch_execute(tables).await?)
    }

    fn url(&self) -> &str {
        &self.url
    }

    async fn guests_in(&self, table: &str) -> Result<Vec<String>> {
        let rows = connect(&self.url).await?.query(&format!("SELECT guest FROM {table} ORDER BY guest"), &[]).await?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }

    async fn clean_up(self) -> Result {
        let server = connect(&std::env::var("JOBS_TEST_PG")?).await?;
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", &[&self.name]).await?;
        // The server waits until they are gone.
        Ok(server.batch_execute(&format!("DROP DATABASE {}", self.name)).await?)
    }
}
