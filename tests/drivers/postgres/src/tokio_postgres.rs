//! tokio-postgres. Its transactions borrow from a client, so a unit of work owns a client of its own, on which `BEGIN` was run. When it
//! is dropped the connection closes, and the server rolls back.

use checks::{Application, BeforeCommit, Result, Terminal};
use jobs_runtime::{Builder, EnqueueError, Enqueued, NewJob, Prepared, job};
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

pub struct App {
    client: Mutex<Client>,
    url: Url,
}

/// Where the database is.
#[derive(Clone)]
pub struct Url(String);

impl Url {
    async fn connect(&self) -> Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.0, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// Charges a guest. What it writes is committed with its own completion, or not at all.
#[job]
pub async fn charge(tx: &mut Client, terminal: &Terminal, guest: String) -> Result {
    tx.execute("INSERT INTO charges (guest) VALUES ($1)", &[&guest]).await?;
    terminal.charge(&guest).await
}

impl Application for App {
    type Charge = charge;

    async fn connect(url: &str) -> Result<Self> {
        let url = Url(url.to_owned());
        Ok(Self { client: Mutex::new(url.connect().await?), url })
    }

    async fn sign_up(&self, guest: &str, jobs: &Prepared, last: BeforeCommit) -> Result<Vec<Enqueued>> {
        let mut client = self.client.lock().await;
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
        builder.provide(self.url.clone()).provide_transaction(
            |scope| async move {
                let client = scope.service::<Url>()?.connect().await?;
                client.batch_execute("BEGIN").await?;
                Ok(client)
            },
            |client, completion| async move {
                client.execute(completion.sql(), &[&completion.parameter()]).await?;
                Ok(client.batch_execute("COMMIT").await?)
            },
        )
    }

    async fn complete(&self, guest: &str, sql: &'static str, outcome: &str) -> Result {
        let mut client = self.client.lock().await;
        let tx = client.transaction().await?;
        tx.execute("INSERT INTO charges (guest) VALUES ($1)", &[&guest]).await?;
        tx.execute(sql, &[&outcome]).await?;
        Ok(tx.commit().await?)
    }
}
