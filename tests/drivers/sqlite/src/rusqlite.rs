//! rusqlite, which blocks: its calls are made where they may. Its transactions borrow from a connection, so a unit of work owns a
//! connection of its own, on which `BEGIN IMMEDIATE` was run. When it is dropped the connection closes, and what it wrote is gone.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use checks::{Application, BeforeCommit, Result, Terminal};
use jobs_runtime::{Builder, EnqueueError, Enqueued, NewJob, Prepared, job};
use rusqlite::{Connection, TransactionBehavior};
use tokio::task::block_in_place;

pub struct App {
    connection: Mutex<Connection>,
    file: File,
}

/// Where the database is.
#[derive(Clone)]
pub struct File(PathBuf);

impl File {
    fn open(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(&self.0)?;
        // Whoever writes waits for whoever writes.
        connection.busy_timeout(Duration::from_secs(10))?;
        Ok(connection)
    }
}

/// Charges a guest. What it writes is committed with its own completion, or not at all.
#[job]
pub async fn charge(tx: &mut Connection, terminal: &Terminal, guest: String) -> Result {
    block_in_place(|| tx.execute("INSERT INTO charges (guest) VALUES (?1)", [&guest]))?;
    terminal.charge(&guest).await
}

impl Application for App {
    type Charge = charge;

    async fn connect(url: &str) -> Result<Self> {
        let file = File(url.trim_start_matches("sqlite://").into());
        Ok(Self { connection: Mutex::new(file.open()?), file })
    }

    async fn sign_up(&self, guest: &str, jobs: &Prepared, last: BeforeCommit) -> Result<Vec<Enqueued>> {
        block_in_place(|| {
            let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            tx.execute("INSERT INTO guests (guest) VALUES (?1)", [guest])?;
            let answer: String = tx.query_row(jobs.sql(), [jobs.parameter()], |row| row.get("answer"))?;
            let enqueued = jobs.answer(&answer)?;
            last()?;
            tx.commit()?;
            Ok(enqueued)
        })
    }

    fn charge(guest: &str) -> Result<NewJob, EnqueueError> {
        charge::job(guest.to_owned()).into_job()
    }

    fn runtime(&self, builder: Builder) -> Builder {
        builder.provide(self.file.clone()).provide_transaction(
            |scope| async move {
                block_in_place(|| {
                    let connection = scope.service::<File>()?.open()?;
                    connection.execute_batch("BEGIN IMMEDIATE")?;
                    Ok(connection)
                })
            },
            |connection, completion| async move {
                block_in_place(|| {
                    connection.execute(completion.sql(), [completion.parameter()])?;
                    Ok(connection.execute_batch("COMMIT")?)
                })
            },
        )
    }

    async fn complete(&self, guest: &str, sql: &'static str, outcome: &str) -> Result {
        block_in_place(|| {
            let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            tx.execute("INSERT INTO charges (guest) VALUES (?1)", [guest])?;
            tx.execute(sql, [outcome])?;
            Ok(tx.commit()?)
        })
    }
}
