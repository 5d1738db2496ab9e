//! Retention at a size at which nobody may walk over all that there is: a million finished jobs, while others come and end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jobs_core::JobContext;
use jobs_runtime::closure;
use tests::{World, bounded, enqueue_many, on_every_shared_store, stop};

const HOUR: i64 = 3_600_000_000;

/// How many jobs ended two days ago and more, and how many between one hour and 23 hours ago.
const OLD: i64 = 20_000;
const YOUNG: i64 = 980_000;

/// When the n-th of so many ended, in microseconds: the oldest first, from `span` before `last` on.
fn ended(number: i64, last: i64, span: i64) -> String {
    format!("({last} - ({number} - n) * {})", span / number)
}

const COLUMNS: &str =
    "id, token, kind, queue, priority, state, payload, failures, crashes, snoozes, run_at, created_at, finished_at";

/// Fills the history by SQL, as no other way is quick enough.
async fn fill(world: &World) {
    let now = world.now().as_microsecond();
    let ends = [(OLD, ended(OLD, now - 48 * HOUR, 10 * HOUR)), (YOUNG, ended(YOUNG, now - HOUR, 22 * HOUR))];
    if world.is_in_file() {
        let file = rusqlite::Connection::open(world.file()).unwrap();
        file.execute_batch("BEGIN IMMEDIATE").unwrap();
        for (number, ended) in ends {
            file.execute_batch(&format!(
                "INSERT INTO jobs_history ({COLUMNS}) WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers \
                 WHERE n < {number}) SELECT randomblob(16), 1, 'work', 'default', 0, 'completed', '{{}}', 0, 0, 0, 0, 0, {ended} \
                 FROM numbers; UPDATE jobs_tally SET jobs = jobs + {number} WHERE state = 'completed'"
            ))
            .unwrap();
        }
        return file.execute_batch("COMMIT").unwrap();
    }
    let (server, schema) = world.somebody().await;
    for (number, ended) in ends {
        let sql = format!(
            "WITH done AS (INSERT INTO s.history ({COLUMNS}) SELECT md5(n || '{ended}')::uuid, 1, 'work', 'default', 0, 'completed', '{{}}', \
             0, 0, 0, now(), now(), 'epoch'::timestamptz + {ended} * interval '1 microsecond' FROM generate_series(1::bigint, {number}) AS n \
             RETURNING finished_at) INSERT INTO s.tally (state, day, jobs) \
             SELECT 'completed', (finished_at AT TIME ZONE 'UTC')::date, count(*) FROM done GROUP BY 2"
        );
        server.batch_execute(&sql.replace("s.", &format!("{schema}."))).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_million_finished_jobs_none_goes_under_load_before_its_time() {
    on_every_shared_store(async |world| {
        let store = world.store().await;
        fill(world).await;
        let work = closure("work", |_: JobContext| async {});
        let runtime = world.builder(&store).option("retention.completed", "1d").register(work).start().await.unwrap();
        let (client, enough) = (runtime.client().clone(), Arc::new(AtomicBool::new(false)));
        let load = tokio::spawn({
            let (client, enough) = (client.clone(), Arc::clone(&enough));
            async move {
                let mut stored = 0;
                while !enough.load(Ordering::Relaxed) {
                    stored += enqueue_many(&client, "work", 50).await.len() as u64;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                stored
            }
        });
        // The first round of the pruner.
        world.clock.advance(Duration::from_secs(90));
        let rounds = store.calls("prune");
        world
            .until("all that is old to go", async || {
                world.clock.advance(Duration::from_millis(100));
                // What it removes in a call is a bite, and the last call removes nothing.
                (store.calls("prune") > rounds + 20).then_some(())
            })
            .await;
        enough.store(true, Ordering::Relaxed);
        let stored = bounded("the load to end", load).await.unwrap();
        let counts = world.counts("all jobs to end", &client, |counts| counts.live() == 0).await;
        assert_eq!(counts.completed, stored + YOUNG.unsigned_abs());
        assert!(runtime.health().is_well(), "{:?}", runtime.health());
        stop(runtime).await;
    })
    .await;
}
