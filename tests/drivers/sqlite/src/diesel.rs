//! diesel, which blocks: its calls are made where they may. Its transactions are closures over a connection, so a unit of work owns a
//! connection of its own on which one was begun. When it is dropped the connection closes, and what it wrote is gone.

use checks::{Application, BeforeCommit, Result, Terminal};
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::sql_types::Text;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use jobs_runtime::{BoxError, Builder, EnqueueError, Enqueued, NewJob, Prepared, job};
use tokio::task::block_in_place;

pub struct App {
    file: File,
}

/// Where the database is.
#[derive(Clone)]
pub struct File(String);

impl File {
    fn open(&self) -> Result<SqliteConnection> {
        let mut connection = SqliteConnection::establish(&self.0)?;
        // Whoever writes waits for whoever writes.
        connection.batch_execute("PRAGMA busy_timeout = 10000")?;
        Ok(connection)
    }
}

/// What the statement that stores jobs answers.
#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Text)]
    answer: String,
}

/// Charges a guest. What it writes is committed with its own completion, or not at all.
#[job]
pub async fn charge(tx: &mut SqliteConnection, terminal: &Terminal, guest: String) -> Result {
    block_in_place(|| sql_query("INSERT INTO charges (guest) VALUES (?1)").bind::<Text, _>(&guest).execute(tx))?;
    terminal.charge(&guest).await
}

impl Application for App {
    type Charge = charge;

    async fn connect(url: &str) -> Result<Self> {
        Ok(Self { file: File(url.trim_start_matches("sqlite://").to_owned()) })
    }

    async fn sign_up(&self, guest: &str, jobs: &Prepared, last: BeforeCommit) -> Result<Vec<Enqueued>> {
        block_in_place(|| {
            self.file.open()?.immediate_transaction(|tx| {
                sql_query("INSERT INTO guests (guest) VALUES (?1)").bind::<Text, _>(guest).execute(tx)?;
                let Answer { answer } = sql_query(jobs.sql()).bind::<Text, _>(jobs.parameter()).get_result(tx)?;
                let enqueued = jobs.answer(&answer)?;
                last()?;
                Ok(enqueued)
            })
        })
    }

    fn charge(guest: &str) -> Result<NewJob, EnqueueError> {
        charge::job(guest.to_owned()).into_job()
    }

    fn runtime(&self, builder: Builder) -> Builder {
        builder.provide(self.file.clone()).provide_transaction(
            |scope| async move {
                block_in_place(|| {
                    let mut tx = scope.service::<File>()?.open()?;
                    AnsiTransactionManager::begin_transaction_sql(&mut tx, "BEGIN IMMEDIATE")?;
                    Ok(tx)
                })
            },
            |mut tx, completion| async move {
                block_in_place(|| {
                    sql_query(completion.sql()).bind::<Text, _>(completion.parameter()).execute(&mut tx)?;
                    Ok(AnsiTransactionManager::commit_transaction(&mut tx)?)
                })
            },
        )
    }

    async fn complete(&self, guest: &str, sql: &'static str, outcome: &str) -> Result {
        block_in_place(|| {
            self.file.open()?.immediate_transaction::<_, BoxError, _>(|tx| {
                sql_query("INSERT INTO charges (guest) VALUES (?1)").bind::<Text, _>(guest).execute(tx)?;
                sql_query(sql).bind::<Text, _>(outcome).execute(tx)?;
                Ok(())
            })
        })
    }
}
