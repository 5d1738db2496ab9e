//! deadpool-postgres. Its transactions borrow from a client of the pool, so a unit of work owns such a client, on which `BEGIN` was run.
//! A client that is dropped goes back to the pool as it is, with its transaction open: so one that has not committed is taken out.

use checks::{Application, BeforeCommit, Result, Terminal};
use deadpool_postgres::{Client, Manager, Pool};
use jobs_runtime::{Builder, EnqueueError, Enqueued, NewJob, Prepared, job};
use tokio_postgres::NoTls;

pub struct App {
    pool: Pool,
}

/// A transaction that owns its client. When it is dropped the connection closes, and the server rolls back.
pub struct Transaction(Option<Client>);

impl Transaction {
    async fn begin(pool: &Pool) -> Result<Self> {
        let tx = Self(Some(pool.get().await?));
        tx.client()?.batch_execute("BEGIN").await?;
        Ok(tx)
    }

    fn client(&self) -> Result<&Client> {
        self.0.as_ref().ok_or_else(|| "the transaction has ended".into())
    }

    async fn commit(mut self) -> Result {
        self.client()?.batch_execute("COMMIT").await?;
        // The client may go back to the pool.
        self.0 = None;
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        drop(self.0.take().map(Client::take));
    }
}

/// Charges a guest. What it writes is committed with its own completion, or not at all.
#[job]
pub async fn charge(tx: &mut Transaction, terminal: &Terminal, guest: String) -> Result {
    tx.client()?.execute("INSERT INTO charges (guest) VALUES ($1)", &[&guest]).await?;
    terminal.charge(&guest).await
}

impl Application for App {
    type Charge = charge;

    async fn connect(url: &str) -> Result<Self> {
        Ok(Self { pool: Pool::builder(Manager::new(url.parse()?, NoTls)).build()? })
    }

    async fn sign_up(&self, guest: &str, jobs: &Prepared, last: BeforeCommit) -> Result<Vec<Enqueued>> {
        let mut client = self.pool.get().await?;
        let tx = client.transaction().await?;
        tx.execute("INSERT INTO guests (guest) VALUES ($1)", &[&guest]).await?;
        let row = tx.query_one(jobs.sql(), &[&jobs.parameter()]).await?;
        let enqueued = jobs.answer(row.try_get("answer")?)?;
        last()?;
        tx.commit().await?;
        Ok(enqueued)
    }

    fn charge(guest: &str) -> Result<NewJob, EnqueueError> {
        charge::job(guest.to_owned()).into_job()
    }

    fn runtime(&self, builder: Builder) -> Builder {
        builder.provide(self.pool.clone()).provide_transaction(
            |scope| async move { Transaction::begin(scope.service::<Pool>()?).await },
            |tx, completion| async move {
                tx.client()?.execute(completion.sql(), &[&completion.parameter()]).await?;
                tx.commit().await
            },
        )
    }

    async fn complete(&self, guest: &str, sql: &'static str, outcome: &str) -> Result {
        let mut client = self.pool.get().await?;
        let tx = client.transaction().await?;
        tx.execute("INSERT INTO charges (guest) VALUES ($1)", &[&guest]).await?;
        tx.execute(sql, &[&outcome]).await?;
        Ok(tx.commit().await?)
    }
}
