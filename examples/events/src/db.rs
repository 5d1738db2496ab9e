//! The database: SQLite or PostgreSQL, one code for both.

use jobs_runtime::{BoxError, Client, IntoJob};
use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::migrate::MigrateDatabase;
use sqlx::{Any, AnyPool, Connection, Transaction};

/// The connections to the database.
#[derive(Clone)]
pub(crate) struct Db {
    pub(crate) pool: AnyPool,
    begin: &'static str,
}

impl Db {
    /// Opens the database and brings its tables up to date. A file that is missing is made.
    pub(crate) async fn open(url: &str) -> Result<Self, BoxError> {
        install_default_drivers();
        let is_file = url.starts_with("sqlite:");
        if is_file {
            Any::create_database(url).await?;
        }
        let mut options = AnyPoolOptions::new();
        if is_file {
            // Where a job completes after its lease was lost, SQLite itself rolls back. sqlx does not hear of that, and could begin nothing
            // on this connection any more: it goes.
            options = options.after_release(|connection, _| {
                Box::pin(async move {
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                })
            });
        }
        let pool = options.connect(url).await?;
        if is_file {
            sqlx::migrate!("migrations/sqlite").run(&pool).await?;
        } else {
            sqlx::migrate!("migrations/postgres").run(&pool).await?;
        }
        // On SQLite a transaction that reads first and writes later fails where another one has written between. This one waits.
        Ok(Self { pool, begin: if is_file { "BEGIN IMMEDIATE" } else { "BEGIN" } })
    }

    /// Begins a transaction that will write. Dropped without a commit it is rolled back.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.pool.begin_with(self.begin).await
    }
}

/// Enqueues jobs in a transaction: they are there when it commits, and only then.
pub(crate) async fn enqueue<I>(tx: &mut Transaction<'_, Any>, client: &Client, jobs: I) -> Result<(), BoxError>
where
    I: IntoIterator,
    I::Item: IntoJob,
{
    let jobs = client.prepare(jobs)?;
    let answer: String = sqlx::query_scalar(jobs.sql()).bind(jobs.parameter()).fetch_one(&mut **tx).await?;
    // Whoever wants to know the ids, or whether a job of the same name was there before, keeps this.
    jobs.answer(&answer)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Db;

    #[tokio::test]
    async fn a_connection_on_which_sqlite_rolled_back_is_not_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite:{}", folder.path().join("events.db").display())).await.unwrap();
        let insert = "INSERT OR ROLLBACK INTO users (id, email, name) VALUES (1, 'ann@example.com', 'Ann')";
        sqlx::query(insert).execute(&db.pool).await.unwrap();
        // More often than there are connections.
        for _ in 0..30 {
            let mut tx = db.begin().await.unwrap();
            sqlx::query(insert).execute(&mut *tx).await.unwrap_err();
        }
    }
}
