//! Work over connections: lost ones, shared ones, news between processes, and how much is read.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jobs_core::StoreError;
use jobs_core::store::{ClaimRequest, JobStore, ManageStore, QueueDemand};
use jobs_runtime::store::postgres::PostgresStore;
use tokio_postgres::{AsyncMessage, NoTls};

use crate::place::{Place, drain, in_a_schema, job, now, request, worker};

#[tokio::test]
async fn terminated_connections_come_back_by_themselves() {
    in_a_schema(async |place| {
        let mut options = place.options.clone();
        options.url = format!("{}?application_name={}", options.url, options.schema);
        let store = PostgresStore::open(options).await.expect("it opens");
        let worker = worker(&store).await;
        for round in 1..=5 {
            store.enqueue(now(), vec![job("mail")]).await.expect("stored");
            place.terminate().await;
            // One call may meet the end of its connection; whether it took effect is then unknown.
            let mut done = 0;
            for _ in 0..100 {
                match store.claim(now(), request(worker, 10)).await {
                    Err(StoreError::Unavailable { .. }) => continue,
                    Err(error) => panic!("round {round}: {error}"),
                    Ok(_) => {}
                }
                match store.reconcile(now(), worker, Vec::new()).await {
                    Err(StoreError::Unavailable { .. }) => continue,
                    Err(error) => panic!("round {round}: {error}"),
                    Ok(_) => done = drain(&store, worker).await,
                }
                break;
            }
            assert_eq!(done, 1, "round {round}");
        }
        let mut stored = 0;
        for _ in 0..10 {
            place.terminate().await;
            stored += usize::from(store.enqueue(now(), vec![job("mail")]).await.is_ok());
        }
        assert!(stored >= 1);
    })
    .await;
}

#[tokio::test]
async fn another_process_hears_of_jobs_and_of_commands() {
    in_a_schema(async |place| {
        let (here, there) = (place.open().await, place.open().await);
        let listening = format!("SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN \"jobs.{}\"'", place.options.schema);
        while place.number(&listening).await < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut changes = there.signal().listen();
        let before = changes.borrow_and_update().jobs;
        let stored = here.enqueue(now(), vec![job("mail")]).await.expect("stored");
        let heard = tokio::time::timeout(Duration::from_secs(30), changes.wait_for(|changes| changes.jobs > before)).await;
        assert!(heard.is_ok_and(|heard| heard.is_ok()), "nobody heard of the job");
        let before = changes.borrow_and_update().commands;
        here.cancel(now(), vec![stored[0].id], "not wanted".to_owned()).await.expect("cancelled");
        let heard = tokio::time::timeout(Duration::from_secs(30), changes.wait_for(|changes| changes.commands > before)).await;
        assert!(heard.is_ok_and(|heard| heard.is_ok()), "nobody heard of the command");
    })
    .await;
}

/// By the server's clock a process goes on where its last claim ended, and looks anew only now and then: a pause holds all the same.
#[tokio::test]
async fn a_pause_holds_for_a_process_that_knows_where_the_jobs_are() {
    in_a_schema(async |place| {
        let (store, other) = (place.open().await, place.open().await);
        let worker = worker(&store).await;
        let in_queue = |queue: &'static str| {
            let mut new = job("mail");
            new.queue = queue.into();
            new
        };
        let both = |limit| {
            let queues = ["default", "low"].map(|queue| QueueDemand { queue: queue.into(), limit });
            ClaimRequest { queues: queues.to_vec(), ..request(worker, limit) }
        };
        for round in 0..5 {
            let jobs = (0..40).map(|nth| in_queue(if nth % 2 == 0 { "low" } else { "default" })).collect();
            store.enqueue(now(), jobs).await.expect("stored");
            let before = store.claim(now(), both(4)).await.expect("claimed").jobs;
            let taken = before.iter().filter(|job| &*job.queue == "low").count();
            assert_eq!(before.len(), 4, "round {round}");
            assert_eq!(other.pause(now(), vec!["low".to_owned()]).await.expect("paused"), [true]);
            assert_eq!(
                claim_all(&store, &both(100), "default", 16 + taken).await,
                16 + taken,
                "round {round}: while one is paused"
            );
            assert!(store.claim(now(), both(100)).await.expect("claimed").jobs.is_empty(), "round {round}");
            // One queue alone is claimed by another statement.
            let low = ClaimRequest { queues: both(100).queues[1..].to_vec(), ..both(100) };
            assert!(store.claim(now(), low.clone()).await.expect("claimed").jobs.is_empty(), "round {round}");
            assert_eq!(other.resume(vec!["low".to_owned()]).await.expect("resumed"), [true]);
            assert_eq!(claim_all(&store, &low, "low", 20 - taken).await, 20 - taken, "round {round}: once it is resumed");
        }
    })
    .await;
}

/// Claims until so many have come, all of this queue; looks are put off for a moment now and then.
async fn claim_all(store: &PostgresStore, request: &ClaimRequest, queue: &str, wanted: usize) -> usize {
    let (mut got, deadline) = (0, Instant::now() + Duration::from_secs(30));
    while got < wanted && Instant::now() < deadline {
        let jobs = store.claim(now(), request.clone()).await.expect("claimed").jobs;
        assert!(jobs.iter().all(|job| &*job.queue == queue), "of another queue than {queue}");
        got += jobs.len();
        tokio::task::yield_now().await;
    }
    got
}

/// Those who commit a NOTIFY wait for each other in the whole database.
#[tokio::test]
async fn the_wake_ups_of_many_transactions_are_gathered() {
    in_a_schema(async |place| {
        let store = place.open().await;
        let (listening, mut connection) = tokio_postgres::connect(&place.options.url, NoTls).await.expect("a connection");
        let heard = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notification(_) = message {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        let channel = format!("jobs.{}", place.options.schema);
        listening.batch_execute(&format!("LISTEN \"{channel}\"")).await.expect("it listens");
        let began = Instant::now();
        for _ in 0..300 {
            store.enqueue(now(), vec![job("mail")]).await.expect("stored");
        }
        let took = began.elapsed();
        // What was told before a round trip of the listener's own has come by then.
        tokio::time::timeout(Duration::from_secs(30), async {
            while heard.load(Ordering::SeqCst) == 0 {
                listening.batch_execute("").await.expect("an answer");
            }
        })
        .await
        .expect("somebody is told");
        // One at most in fifteen milliseconds.
        let (most, heard) = (took.as_millis() / 15 + 2, heard.load(Ordering::SeqCst));
        assert!(heard as u128 <= most, "{heard} wake-ups in {took:?}");
    })
    .await;
}

#[tokio::test]
async fn concurrent_enqueues_share_statements() {
    in_a_schema(async |place| {
        let store = place.open().await;
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let store = store.clone();
            calls.spawn(async move { store.enqueue(now(), vec![job("mail")]).await.expect("stored")[0].created });
        }
        assert!(calls.join_all().await.into_iter().all(|created| created));
        let transactions = place.number(&format!("SELECT count(DISTINCT xmin::text) FROM {}", place.table("job"))).await;
        assert!(transactions < 100, "200 calls took {transactions} transactions");
        // One that cannot be stored spoils none that came with it.
        let mut calls = tokio::task::JoinSet::new();
        for nth in 0..50 {
            let store = store.clone();
            let mut new = job("mail");
            if nth == 25 {
                new.tenant = Some("a\0b".to_owned());
            }
            calls.spawn(async move { store.enqueue(now(), vec![new]).await.is_ok() });
        }
        let stored = calls.join_all().await.into_iter().filter(|stored| *stored).count();
        assert_eq!((stored, store.counts().await.expect("counts").available), (49, 249));
    })
    .await;
}

#[tokio::test]
async fn a_hundred_thousand_of_an_unknown_kind_are_not_walked_over() {
    in_a_schema(async |place| {
        let table = place.table("job");
        place.open().await;
        place
            .run(&format!(
                "INSERT INTO {table} (id, kind, queue, priority, state, run_at, created_at, payload) \
                 SELECT md5(n::text)::uuid, 'strange', 'default', -5, 'available', now(), now(), '{{}}' FROM generate_series(1, 100000) AS n"
            ))
            .await;
        let mut before = 0;
        for (round, statistics) in [(1, "missing"), (2, "fresh")] {
            if statistics == "fresh" {
                place.run(&format!("ANALYZE {table}")).await;
            }
            let store = place.open().await;
            store.enqueue(now(), vec![job("mail"), job("mail")]).await.expect("stored");
            let worker = worker(&store).await;
            assert_eq!(drain(&store, worker).await, 2);
            // Connections that end leave their numbers with the server.
            store.close().await.expect("closed");
            let after = read(&place, 2 * round).await;
            assert!(after - before < 1_000, "{} rows were read with {statistics} statistics", after - before);
            before = after;
        }
    })
    .await;
}

/// How many rows of the table of jobs were read by the time that so many were claimed and completed, by way of an index or not.
async fn read(place: &Place, jobs: i64) -> i64 {
    let of_the_table = format!("FROM pg_stat_user_tables WHERE schemaname = '{}' AND relname = 'job'", place.options.schema);
    let known = format!("SELECT least(n_tup_upd, n_tup_del) {of_the_table}");
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while place.number(&known).await < jobs {
        assert!(std::time::Instant::now() < deadline, "the server counts {} of {jobs}", place.number(&known).await);
    }
    place.number(&format!("SELECT (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint {of_the_table}")).await
}
