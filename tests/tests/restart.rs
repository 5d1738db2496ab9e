//! A server that crashes, or has no connection left: the processes come back by themselves, and nothing is lost or done twice.
//!
//! Each test has a cluster of its own; where PostgreSQL is not installed they are left out, and say so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jobs_runtime::health::PartStatus;
use tests::{Cluster, Database, Ledger, enqueue, enqueue_surely, script, stop, until};
use tokio_postgres::Client;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn crashes_of_the_server_under_load_lose_nothing_that_was_acknowledged_and_double_nothing() {
    let Some(cluster) = Cluster::new(&["max_connections = 50"]) else { return };
    cluster.start().await;
    let database = Database::at(&cluster.url());
    let ledger = Ledger::default();
    let runtime = database.builder(&cluster.url()).lease(60 * SECOND).register(ledger.job("work")).start().await.unwrap();
    let (client, enough) = (database.client(&cluster.url()).await, Arc::new(AtomicBool::new(false)));
    let enqueuing = tokio::spawn({
        let enough = Arc::clone(&enough);
        async move {
            let mut ids = Vec::new();
            while !enough.load(Ordering::Relaxed) {
                ids.extend(enqueue_surely(&client, "work", 20).await);
            }
            ids
        }
    });
    for _ in 0..3 {
        let before = runtime.health().totals.completed;
        until("some jobs to end", async || (runtime.health().totals.completed > before + 200).then_some(())).await;
        cluster.crash().await;
        until("health to say so", async || (!runtime.health().is_well()).then_some(())).await;
        cluster.start().await;
    }
    until("all to be well", async || runtime.health().is_well().then_some(())).await;
    enough.store(true, Ordering::Relaxed);
    let ids = enqueuing.await.unwrap();
    let counts = until("all jobs to end", async || {
        let counts = runtime.client().counts().await.ok()?;
        (counts.completed == ids.len() as u64).then_some(counts)
    })
    .await;
    assert_eq!((counts.failed, counts.running, ledger.wrong(&ids)), (0, 0, vec![]));
    assert_eq!(runtime.health().totals.leases_lost, 0);
    stop(runtime).await;
}

async fn connected(url: &str) -> Option<Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.ok()?;
    tokio::spawn(connection);
    Some(client)
}

#[tokio::test]
async fn a_process_that_gets_no_connection_says_so_and_goes_on_when_there_is_one() {
    let Some(cluster) = Cluster::new(&["max_connections = 20", "superuser_reserved_connections = 0"]) else { return };
    cluster.start().await;
    let database = Database::at(&cluster.url());
    let (work, mut runs) = script("work");
    let runtime = database.builder(&cluster.url()).lease(60 * SECOND).register(work).start().await.unwrap();
    let id = enqueue(runtime.client(), "work").await;
    let run = runs.next().await;
    // Somebody takes what the process loses, until it has nothing.
    let mut taken = vec![connected(&cluster.url()).await.unwrap()];
    let error = until("health to say that there is no connection", async || {
        let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'jobs'";
        taken[0].batch_execute(ended).await.unwrap();
        while let Some(one) = connected(&cluster.url()).await {
            taken.push(one);
        }
        let part = runtime.health().parts["heartbeat"].clone();
        part.error.filter(|error| part.status == PartStatus::Failing && error.contains("too many clients"))
    })
    .await;
    assert!(error.contains(&cluster.port().to_string()), "{error}");
    run.succeed();
    until("the outcome to wait", async || (runtime.health().parts["completer"].status == PartStatus::Failing).then_some(()))
        .await;
    drop(taken);
    until("all to be well", async || runtime.health().is_well().then_some(())).await;
    until("the job to end", async || Some(runtime.client().counts().await.unwrap()).filter(|counts| counts.completed == 1)).await;
    assert_eq!(runtime.client().job(id).await.unwrap().unwrap().token, 1);
    assert_eq!(runtime.health().totals.leases_lost, 0);
    stop(runtime).await;
}

#[tokio::test]
async fn five_hundred_slots_drain_on_a_server_with_few_connections() {
    let Some(cluster) = Cluster::new(&["max_connections = 10", "superuser_reserved_connections = 0"]) else { return };
    cluster.start().await;
    let database = Database::at(&cluster.url());
    let ledger = Ledger::default();
    let builder = database.builder(&cluster.url()).lease(60 * SECOND).concurrency(500);
    let runtime = builder.register(ledger.job("work")).start().await.unwrap();
    let ids = enqueue_surely(runtime.client(), "work", 5_000).await;
    until("all jobs to end", async || Some(runtime.client().counts().await.unwrap()).filter(|counts| counts.completed == 5_000))
        .await;
    assert_eq!((ledger.wrong(&ids), runtime.health().totals.leases_lost), (vec![], 0));
    stop(runtime).await;
}
