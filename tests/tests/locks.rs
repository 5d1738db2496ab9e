//! Somebody else holds locks in the database, idle in his transaction: the others run on, and no lease is lost.
//!
//! `JOBS_TEST_PG` names the database; `tests/run` brings one. Without it these tests are left out.

use std::time::{Duration, SystemTime};

use jobs_core::JobId;
use tests::{Database, Ledger, enqueue, enqueue_many, script, stop, until};
use tokio_postgres::Client;

const SECOND: Duration = Duration::from_secs(1);

/// Begins a transaction that locks the row of a job, and leaves it open.
async fn lock_row(database: &Database, id: JobId) -> Client {
    let somebody = database.somebody().await;
    let lock = format!("BEGIN; SELECT * FROM {} WHERE id = '{id}' FOR UPDATE", database.table("job"));
    somebody.batch_execute(&lock).await.unwrap();
    somebody
}

#[tokio::test]
async fn a_waiting_job_that_somebody_locks_holds_up_no_other() {
    let Some(database) = Database::of_tests() else { return };
    let client = database.client(database.url()).await;
    let locked = enqueue(&client, "work").await;
    let somebody = lock_row(&database, locked).await;
    let ledger = Ledger::default();
    let runtime = database.builder(database.url()).register(ledger.job("work")).start().await.unwrap();
    let ids = enqueue_many(&client, "work", 200).await;
    until("all others to end", async || (client.counts().await.unwrap().completed == 200).then_some(())).await;
    assert_eq!((ledger.wrong(&ids), ledger.runs(locked)), (vec![], 0));
    somebody.batch_execute("ROLLBACK").await.unwrap();
    until("the locked one to end", async || (client.counts().await.unwrap().completed == 201).then_some(())).await;
    assert_eq!(ledger.runs(locked), 1);
    stop(runtime).await;
    database.clean_up().await;
}

#[tokio::test]
async fn the_outcome_of_a_job_that_somebody_locks_waits_and_those_of_others_do_not() {
    let Some(database) = Database::of_tests() else { return };
    let ((held, mut runs), ledger) = (script("held"), Ledger::default());
    let runtime = database.builder(database.url()).register(held).register(ledger.job("work")).start().await.unwrap();
    let client = database.client(database.url()).await;
    let locked = enqueue(&client, "held").await;
    let run = runs.next().await;
    let somebody = lock_row(&database, locked).await;
    run.succeed();
    let says_so = async || runtime.health().parts["completer"].error.clone();
    let error = until("health to say what is locked", says_so).await;
    assert!(error.contains("canceling statement due to lock timeout"), "{error}");
    enqueue_many(&client, "work", 200).await;
    until("all others to end", async || (client.counts().await.unwrap().completed == 200).then_some(())).await;
    somebody.batch_execute("ROLLBACK").await.unwrap();
    until("the locked one to end", async || (client.counts().await.unwrap().completed == 201).then_some(())).await;
    let job = client.job(locked).await.unwrap().unwrap();
    assert_eq!((job.token, runtime.health().totals.leases_lost), (1, 0));
    stop(runtime).await;
    database.clean_up().await;
}

#[tokio::test]
async fn a_table_of_jobs_that_is_locked_for_longer_than_the_lease_costs_no_lease() {
    let Some(database) = Database::of_tests() else { return };
    let (work, mut runs) = script("work");
    let builder = database.builder(database.url()).option("postgres.deadline", "30s");
    let runtime = builder.register(work).start().await.unwrap();
    let client = database.client(database.url()).await;
    let id = enqueue(&client, "work").await;
    let run = runs.next().await;
    let (somebody, watcher) = (database.somebody().await, database.somebody().await);
    somebody.batch_execute(&format!("BEGIN; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", database.table("job"))).await.unwrap();
    let began = watcher.query_one("SELECT now()", &[]).await.unwrap().get::<_, SystemTime>(0);
    let renewed = format!("SELECT renewed_at FROM {}", database.table("worker"));
    until("the lease to be renewed all the while", async || {
        let at: SystemTime = watcher.query_one(&renewed, &[]).await.unwrap().get(0);
        (at > began + 4 * SECOND).then_some(())
    })
    .await;
    // Of what was given up nothing is left waiting in the server.
    let waiting = format!("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = '{}'::regclass", database.table("job"));
    let waiting = watcher.query(&waiting, &[]).await.unwrap().len();
    assert!(waiting <= 3, "{waiting} connections wait");
    run.succeed();
    until("health to say so", async || (!runtime.health().is_well()).then_some(())).await;
    somebody.batch_execute("COMMIT").await.unwrap();
    until("the job to end", async || (client.counts().await.unwrap().completed == 1).then_some(())).await;
    until("all to be well", async || runtime.health().is_well().then_some(())).await;
    assert_eq!((client.job(id).await.unwrap().unwrap().token, runtime.health().totals.leases_lost), (1, 0));
    stop(runtime).await;
    database.clean_up().await;
}
