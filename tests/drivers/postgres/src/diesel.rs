//! diesel, which blocks: its calls are made where they may. Its transactions are closures over a connection, so a unit of work owns a
//! connection on which one was begun. A pool of diesel's throws away a connection that comes back with its transaction open, and the
//! server rolls back.

use checks::{Application, BeforeCommit, Result, Terminal};
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::r2d2::{ConnectionManager, Pool, PooledConnection};
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use jobs_runtime::{BoxError, Builder, EnqueueError, Enqueued, NewJob, Prepared, job};
use tokio::task::block_in_place;

type PgPool = Pool<ConnectionManager<PgConnection>>;
type PgTransaction = PooledConnection<ConnectionManager<PgConnection>>;

pub struct App {
    pool: PgPool,
}

/// What the statement that stores jobs answers.
#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Text)]
    answer: String,
}

/// Charges a guest. What it writes is committed with its own completion, or not at all.
#[job]
pub async fn charge(tx: &mut PgTransaction, terminal: &Terminal, guest: String) -> Result {
    block_in_place(|| sql_query("INSERT INTO charges (guest) VALUES ($1)").bind::<Text, _>(&guest).execute(tx))?;
    terminal.charge(&guest).await
}

impl Application for App {
    type Charge = charge;

    async fn connect(url: &str) -> Result<Self> {
        Ok(Self { pool: block_in_place(|| Pool::builder().max_size(2).build(ConnectionManager::new(url)))? })
    }

    async fn sign_up(&self, guest: &str, jobs: &Prepared, last: BeforeCommit) -> Result<Vec<Enqueued>> {
        block_in_place(|| {
            self.pool.get()?.transaction(|tx| {
                sql_query("INSERT INTO guests (guest) VALUES ($1)").bind::<Text, _>(guest).execute(tx)?;
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
        builder.provide(self.pool.clone()).provide_transaction(
            |scope| async move {
                block_in_place(|| {
                    let mut tx = scope.service::<PgPool>()?.get()?;
                    AnsiTransactionManager::begin_transaction(&mut *tx)?;
                    Ok(tx)
                })
            },
            |mut tx: PgTransaction, completion| async move {
                block_in_place(|| {
                    sql_query(completion.sql()).bind::<Text, _>(completion.parameter()).execute(&mut tx)?;
                    Ok(AnsiTransactionManager::commit_transaction(&mut *tx)?)
                })
            },
        )
    }

    async fn complete(&self, guest: &str, sql: &'static str, outcome: &str) -> Result {
        block_in_place(|| {
            self.pool.get()?.transaction::<_, BoxError, _>(|tx| {
                sql_query("INSERT INTO charges (guest) VALUES ($1)").bind::<Text, _>(guest).execute(tx)?;
                sql_query(sql).bind::<Text, _>(outcome).execute(tx)?;
                Ok(())
            })
        })
    }
}
