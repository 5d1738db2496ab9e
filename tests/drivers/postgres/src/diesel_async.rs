//! diesel-async. Its transactions are closures over a connection, so a unit of work owns a connection on which one was begun. When it is
//! dropped the connection closes, and the server rolls back.

use checks::{Application, BeforeCommit, Result, Terminal};
use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AnsiTransactionManager, AsyncConnection, AsyncPgConnection, RunQueryDsl, TransactionManager};
use jobs_runtime::{BoxError, Builder, EnqueueError, Enqueued, NewJob, Prepared, job};

pub struct App {
    url: Url,
}

/// Where the database is.
#[derive(Clone)]
pub struct Url(String);

/// What the statement that stores jobs answers.
#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Text)]
    answer: String,
}

/// Charges a guest. What it writes is committed with its own completion, or not at all.
#[job]
pub async fn charge(tx: &mut AsyncPgConnection, terminal: &Terminal, guest: String) -> Result {
    sql_query("INSERT INTO charges (guest) VALUES ($1)").bind::<Text, _>(&guest).execute(tx).await?;
    terminal.charge(&guest).await
}

impl Application for App {
    type Charge = charge;

    async fn connect(url: &str) -> Result<Self> {
        Ok(Self { url: Url(url.to_owned()) })
    }

    async fn sign_up(&self, guest: &str, jobs: &Prepared, last: BeforeCommit) -> Result<Vec<Enqueued>> {
        let mut connection = AsyncPgConnection::establish(&self.url.0).await?;
        connection
            .transaction(async |tx| {
                sql_query("INSERT INTO guests (guest) VALUES ($1)").bind::<Text, _>(guest).execute(tx).await?;
                let Answer { answer } = sql_query(jobs.sql()).bind::<Text, _>(jobs.parameter()).get_result(tx).await?;
                let enqueued = jobs.answer(&answer)?;
                last()?;
                Ok(enqueued)
            })
            .await
    }

    fn charge(guest: &str) -> Result<NewJob, EnqueueError> {
        charge::job(guest.to_owned()).into_job()
    }

    fn runtime(&self, builder: Builder) -> Builder {
        builder.provide(self.url.clone()).provide_transaction(
            |scope| async move {
                let mut tx = AsyncPgConnection::establish(&scope.service::<Url>()?.0).await?;
                AnsiTransactionManager::begin_transaction(&mut tx).await?;
                Ok(tx)
            },
            |mut tx, completion| async move {
                sql_query(completion.sql()).bind::<Text, _>(completion.parameter()).execute(&mut tx).await?;
                Ok(AnsiTransactionManager::commit_transaction(&mut tx).await?)
            },
        )
    }

    async fn complete(&self, guest: &str, sql: &'static str, outcome: &str) -> Result {
        let mut connection = AsyncPgConnection::establish(&self.url.0).await?;
        connection
            .transaction::<_, BoxError, _>(async |tx| {
                sql_query("INSERT INTO charges (guest) VALUES ($1)").bind::<Text, _>(guest).execute(tx).await?;
                sql_query(sql).bind::<Text, _>(outcome).execute(tx).await?;
                Ok(())
            })
            .await
    }
}
