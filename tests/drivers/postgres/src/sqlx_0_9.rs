//! sqlx 0.9. Its transactions own a connection of the pool, and roll back when they are dropped.

use checks::{Application, BeforeCommit, Result, Terminal};
use jobs_runtime::{Builder, EnqueueError, Enqueued, NewJob, Prepared, job};
use sqlx::{PgPool, Postgres, Transaction};
use sqlx_0_9 as sqlx;

pub struct App {
    pool: PgPool,
}

/// Charges a guest. What it writes is committed with its own completion, or not at all.
#[job]
pub async fn charge(tx: &mut Transaction<'_, Postgres>, terminal: &Terminal, guest: String) -> Result {
    sqlx::query("INSERT INTO charges (guest) VALUES ($1)").bind(&guest).execute(&mut **tx).await?;
    terminal.charge(&guest).await
}

impl Application for App {
    type Charge = charge;

    async fn connect(url: &str) -> Result<Self> {
        Ok(Self { pool: PgPool::connect(url).await? })
    }

    async fn sign_up(&self, guest: &str, jobs: &Prepared, last: BeforeCommit) -> Result<Vec<Enqueued>> {
        let mut tx = self.pool.begin().await?;
        sqlx::query("INSERT INTO guests (guest) VALUES ($1)").bind(guest).execute(&mut *tx).await?;
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
            |scope| async move { Ok(scope.service::<PgPool>()?.begin().await?) },
            |mut tx, completion| async move {
                sqlx::query(completion.sql()).bind(completion.parameter()).execute(&mut *tx).await?;
                Ok(tx.commit().await?)
            },
        )
    }

    async fn complete(&self, guest: &str, sql: &'static str, outcome: &str) -> Result {
        let mut tx = self.pool.begin().await?;
        sqlx::query("INSERT INTO charges (guest) VALUES ($1)").bind(guest).execute(&mut *tx).await?;
        sqlx::query(sql).bind(outcome).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }
}
