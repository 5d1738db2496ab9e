//! Behind PgBouncer in transaction mode: each transaction may come by another connection, and everything works.
//!
//! `JOBS_TEST_PGBOUNCER` names the database by way of the pooler, `JOBS_TEST_PG` without it; `tests/run` brings both. Without them
//! these tests are left out.

use std::time::Duration;

use jobs_core::{NewJob, State, When};
use jobs_runtime::health::Health;
use tests::{Database, Ledger, Step, enqueue, enqueue_surely, script, stop, until};
use tokio_postgres::SimpleQueryMessage;

/// The URL of the pooler, if there is one.
fn pooler() -> Option<String> {
    let url = std::env::var("JOBS_TEST_PGBOUNCER");
    if url.is_err() {
        tests::left_out("JOBS_TEST_PGBOUNCER names no PgBouncer");
    }
    url.ok()
}

#[tokio::test]
async fn jobs_run_once_and_are_cancelled_through_a_pooler() {
    let (Some(database), Some(pooler)) = (Database::of_tests(), pooler()) else { return };
    let (ledger, (held, mut runs)) = (Ledger::default(), script("held"));
    let builder = database.builder(&pooler).option("postgres.pooled", "true");
    let runtime = builder.register(ledger.job("work")).register(held).start().await.unwrap();
    let client = runtime.client();
    let mut ids = enqueue_surely(client, "work", 500).await;
    let mut later = NewJob::new("work", "{}");
    later.when = When::After(Duration::from_millis(200));
    ids.extend(client.enqueue_jobs(vec![later]).await.unwrap().iter().map(|job| job.id));
    // From another process, which must be looked for.
    let other = database.client(database.url()).await;
    ids.push(enqueue(&other, "work").await);
    until("all jobs to end", async || Some(client.counts().await.unwrap()).filter(|counts| counts.completed == 502)).await;
    assert_eq!(ledger.wrong(&ids), []);
    let id = enqueue(&other, "held").await;
    let run = runs.next().await;
    let context = run.context.clone();
    run.play(Step::FailWhenStopped);
    other.cancel(id).await.unwrap();
    tests::bounded("the job to be asked to stop", context.cancelled()).await;
    until("the job to end", async || other.job(id).await.unwrap().filter(|job| job.state == State::Cancelled)).await;
    let health = until("all to be well", async || Some(runtime.health()).filter(Health::is_well)).await;
    assert_eq!((health.totals.leases_lost, health.totals.stale), (0, 0));
    stop(runtime).await;
    database.clean_up().await;
}

#[tokio::test]
async fn nothing_is_left_in_the_connections_of_a_pooler() {
    let (Some(database), Some(pooler)) = (Database::of_tests(), pooler()) else { return };
    let ledger = Ledger::default();
    let builder = database.builder(&pooler).option("postgres.pooled", "true");
    let runtime = builder.register(ledger.job("work")).start().await.unwrap();
    enqueue_surely(runtime.client(), "work", 100).await;
    until("all jobs to end", async || Some(runtime.client().counts().await.unwrap()).filter(|counts| counts.completed == 100))
        .await;
    stop(runtime).await;
    // Each transaction keeps a connection for itself, so that all of them are seen.
    let mut others = Vec::new();
    for _ in 0..4 {
        let (other, connection) = tokio_postgres::connect(&pooler, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        other.batch_execute("BEGIN").await.unwrap();
        others.push(other);
    }
    for other in &others {
        let look = "SELECT current_setting('enable_seqscan'), current_setting('jit') <> 'off' AND \
                    current_setting('statement_timeout') = '0', (SELECT count(*) FROM pg_prepared_statements)";
        let rows = other.simple_query(look).await.unwrap();
        let row = rows.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some([row.get(0), row.get(1), row.get(2)]),
            _ => None,
        });
        assert_eq!(row, Some([Some("on"), Some("t"), Some("0")]));
    }
    database.clean_up().await;
}
