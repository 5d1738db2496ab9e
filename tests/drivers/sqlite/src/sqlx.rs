//! sqlx 0.9. Its transactions own a connection of the pool, and roll back when they are dropped.

use checks::{Application, BeforeCommit, Result, Terminal};
use jobs_runtime::{Builder, EnqueueError, Enqueued, NewJob, Prepared, job};
use sqlx::{Sqlite, SqlitePool, Transaction};

pub struct App {
    pool: SqlitePool,
}

/// Charges a guest. What it writes is committed with its own completion, or not at all.
#[job]
pub async fn charge(tx: &mut Transaction<'_, Sqlite>, terminal: &Terminal, guest: String) -> Result {
    sqlx::query("INSERT INTO charges (guest) VALUES (?1)").bind(&guest).execute(&mut **tx).await?;
    terminal.charge(&guest).await
}

/// Completes a job in its transaction. Where that fails, SQLite has rolled back by itself, but sqlx believes that the transaction is still
/// open, and would for ever, as it cannot be rolled back again. So it gets one that can be.
async fn complete_in(tx: &mut Transaction<'_, Sqlite>, sql: &'static str, outcome: &str) -> Result {
    let completed = sqlx::query(sql).bind(outcome).execute(&mut **tx).await;
    if completed.is_err() {
        sqlx::query("BEGIN").execute(&mut **tx).await.ok();
    }
    completed?;
    Ok(())
}

impl Application for App {
    type Charge = charge;

    async fn connect(url: &str) -> Result<Self> {
        Ok(Self { pool: SqlitePool::connect(url).await? })
    }

    async fn sign_up(&self, guest: &str, jobs: &Prepared, last: BeforeCommit) -> Result<Vec<Enqueued>> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT INTO guests (guest) VALUES (?1)").bind(guest).execute(&mut *tx).await?;
        let answer: String = sqlx::query_scalar(jobs.sql()).bind(jobs.parameter()).fetch_one(&mut *tx).await?;
        let enqueued = jobs.answer(&answer)?;
        last()?;
        tx.commit().await?;
        Ok(enqueued)
    }

    fn charge(guest: &str) -> Result<NewJob, EnqueueError> {
        charge::job(guest.to_owned()).into_job()
    }

    fn runtime(&self, builder: Builder) -> Builder {
        builder.provide(self.pool.clone()).provide_transaction(
            |scope| async move { Ok(scope.service::<SqlitePool>()?.begin_with("BEGIN IMMEDIATE").await?) },
            |mut tx, completion| async move {
                complete_in(&mut tx, completion.sql(), completion.parameter()).await?;
                Ok(tx.commit().await?)
            },
        )
    }

    async fn complete(&self, guest: &str, sql: &'static str, outcome: &str) -> Result {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT INTO charges (guest) VALUES (?1)").bind(guest).execute(&mut *tx).await?;
        complete_in(&mut tx, sql, outcome).await?;
        Ok(tx.commit().await?)
    }
}
