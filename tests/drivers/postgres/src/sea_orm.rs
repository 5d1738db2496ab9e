//! sea-orm 2. Its transactions own a connection of the pool, and roll back when they are dropped.

use checks::{Application, BeforeCommit, Result, Terminal};
use jobs_runtime::{Builder, EnqueueError, Enqueued, NewJob, Prepared, job};
use sea_orm::{ConnectionTrait, Database, DatabaseBackend, DatabaseConnection, DatabaseTransaction, Statement, TransactionTrait};

pub struct App {
    db: DatabaseConnection,
}

/// A statement with one parameter.
fn statement(sql: &str, parameter: &str) -> Statement {
    Statement::from_sql_and_values(DatabaseBackend::Postgres, sql, [parameter.into()])
}

/// Charges a guest. What it writes is committed with its own completion, or not at all.
#[job]
pub async fn charge(tx: &mut DatabaseTransaction, terminal: &Terminal, guest: String) -> Result {
    tx.execute_raw(statement("INSERT INTO charges (guest) VALUES ($1)", &guest)).await?;
    terminal.charge(&guest).await
}

impl Application for App {
    type Charge = charge;

    async fn connect(url: &str) -> Result<Self> {
        Ok(Self { db: Database::connect(url).await? })
    }

    async fn sign_up(&self, guest: &str, jobs: &Prepared, last: BeforeCommit) -> Result<Vec<Enqueued>> {
        let tx = self.db.begin().await?;
        tx.execute_raw(statement("INSERT INTO guests (guest) VALUES ($1)", guest)).await?;
        let row = tx.query_one_raw(statement(jobs.sql(), jobs.parameter())).await?.ok_or("no answer")?;
        let enqueued = jobs.answer(&row.try_get::<String>("", "answer")?)?;
        last()?;
        tx.commit().await?;
        Ok(enqueued)
    }

    fn charge(guest: &str) -> Result<NewJob, EnqueueError> {
        charge::job(guest.to_owned()).into_job()
    }

    fn runtime(&self, builder: Builder) -> Builder {
        builder.provide(self.db.clone()).provide_transaction(
            |scope| async move { Ok(scope.service::<DatabaseConnection>()?.begin().await?) },
            |tx, completion| async move {
                tx.execute_raw(statement(completion.sql(), completion.parameter())).await?;
                Ok(tx.commit().await?)
            },
        )
    }

    async fn complete(&self, guest: &str, sql: &'static str, outcome: &str) -> Result {
        let tx = self.db.begin().await?;
        tx.execute_raw(statement("INSERT INTO charges (guest) VALUES ($1)", guest)).await?;
        tx.execute_raw(statement(sql, outcome)).await?;
        Ok(tx.commit().await?)
    }
}
