//! The days of the history: there before they begin, dropped whole, in nobody's way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jobs_core::store::{JobStore, ManageStore, Now, Retention};
use jobs_runtime::Timestamp;
use jobs_runtime::store::postgres::{PostgresStore, schema_sql};
use tokio_postgres::NoTls;

use crate::place::{Place, commit, drain, drain_at, in_a_schema, job, now, somebody_waits, transaction, worker, worker_at};

const DAY: Duration = Duration::from_secs(86_400);
const TWO_DAYS: Retention = Retention { completed: Duration::from_secs(2 * 86_400), cancelled: DAY, failed: DAY };

/// Noon of a day, counted from the first of a year to come.
fn noon(day: u32) -> Now {
    let first: Timestamp = "2040-01-01T12:00:00Z".parse().expect("a time");
    let since = DAY * day;
    Now { wall: first + since, steady: since }
}

/// A store that goes by the clock of its callers, without any day yet.
async fn by_our_clock(place: &Place) -> PostgresStore {
    let mut options = place.options.clone();
    options.callers_clock = true;
    PostgresStore::open(options).await.expect("the schema opens")
}

/// Lets so many jobs end at a time.
async fn end(store: &PostgresStore, at: Now, jobs: usize) {
    let worker = worker_at(store, at).await;
    store.enqueue(at, (0..jobs).map(|_| job("mail")).collect()).await.expect("stored");
    assert_eq!(drain_at(store, worker, at).await, jobs);
    store.leave(at, worker).await.expect("left");
}

/// The tables of completed jobs.
async fn tables(place: &Place) -> Vec<String> {
    let parent = place.table("history_completed");
    let sql = format!(
        "SELECT replace(relname, 'history_completed_', '') FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid \
         WHERE inhparent = '{parent}'::regclass ORDER BY 1"
    );
    place.texts(&sql).await
}

/// How many jobs lie in the catch-all.
async fn left_over(place: &Place) -> i64 {
    place.number(&format!("SELECT count(*) FROM {}", place.table("history_completed_other"))).await
}

#[tokio::test]
async fn what_ends_after_a_start_lies_in_its_day() {
    lies_in_its_day(false).await;
}

#[tokio::test]
async fn days_are_made_through_a_pooler_too() {
    lies_in_its_day(true).await;
}

async fn lies_in_its_day(pooled: bool) {
    in_a_schema(async |place| {
        let mut options = place.options.clone();
        options.pooled = pooled;
        let store = PostgresStore::open(options).await.expect("the schema opens");
        store.enqueue(now(), vec![job("mail"), job("mail")]).await.expect("stored");
        let worker = worker(&store).await;
        drain(&store, worker).await;
        let in_its_day = format!(
            "SELECT count(*) FROM {} WHERE tableoid::regclass::text = \
             '{}_' || to_char(finished_at AT TIME ZONE 'UTC', 'YYYYMMDD')",
            place.table("history"),
            place.table("history_completed"),
        );
        assert_eq!((place.number(&in_its_day).await, left_over(&place).await, tables(&place).await.len()), (2, 0, 4));
    })
    .await;
}

#[tokio::test]
async fn a_day_is_dropped_whole_when_its_last_job_may_go_and_the_counts_stay_right() {
    in_a_schema(async |place| {
        let store = by_our_clock(&place).await;
        for day in 0..6 {
            store.prune(noon(day), TWO_DAYS).await.expect("pruned");
            end(&store, noon(day), 10 + day as usize).await;
        }
        assert_eq!(store.counts().await.expect("counts").completed, 13 + 14 + 15);
        let mut pruning = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let store = by_our_clock(&place).await;
            pruning.spawn(async move { store.prune(noon(6), TWO_DAYS).await.expect("pruned") });
        }
        assert_eq!(pruning.join_all().await, [0; 4], "no row goes by itself");
        assert_eq!(tables(&place).await, ["20400105", "20400106", "20400107", "20400108", "20400109", "other"]);
        assert_eq!(store.counts().await.expect("counts").completed, 14 + 15);
        let rows = place.number(&format!("SELECT count(*) FROM {}", place.table("history"))).await;
        assert_eq!((rows, left_over(&place).await), (29, 0));
    })
    .await;
}

#[tokio::test]
async fn a_catch_all_with_jobs_of_today_holds_up_no_later_day_and_is_emptied_in_the_end() {
    in_a_schema(async |place| {
        let store = by_our_clock(&place).await;
        end(&store, noon(0), 5).await;
        store.prune(noon(0), TWO_DAYS).await.expect("pruned");
        assert_eq!(tables(&place).await, ["20400102", "20400103", "other"]);
        end(&store, noon(0), 1).await;
        end(&store, noon(1), 4).await;
        assert_eq!(left_over(&place).await, 6);
        // Two days, and one more that a job may wait for its whole day to go.
        assert_eq!(store.prune(noon(3), TWO_DAYS).await.expect("pruned"), 0);
        assert_eq!(store.prune(noon(4), TWO_DAYS).await.expect("pruned"), 6);
        assert_eq!(left_over(&place).await, 0);
        assert_eq!(tables(&place).await, ["20400103", "20400104", "20400105", "20400106", "20400107", "other"]);
        assert_eq!(store.counts().await.expect("counts").completed, 0);
    })
    .await;
}

#[tokio::test]
async fn many_that_make_days_at_once_make_each_of_them_once() {
    in_a_schema(async |place| {
        place.run(&schema_sql(&place.options.schema).expect("a good name")).await;
        let mut starting = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let place = Arc::clone(&place);
            starting.spawn(async move {
                let store = place.open().await;
                store.prune(now(), TWO_DAYS).await.expect("pruned");
                store.enqueue(now(), vec![job("mail")]).await.expect("stored");
                let worker = worker(&store).await;
                drain(&store, worker).await
            });
        }
        assert_eq!(starting.join_all().await.into_iter().sum::<usize>(), 12);
        assert_eq!((tables(&place).await.len(), left_over(&place).await), (4, 0));
    })
    .await;
}

#[tokio::test]
async fn a_long_look_at_the_history_holds_up_neither_a_start_nor_an_end() {
    in_a_schema(async |place| {
        place.run(&schema_sql(&place.options.schema).expect("a good name")).await;
        // As a dump of the database does it.
        let (mut looking, connection) = tokio_postgres::connect(&place.options.url, NoTls).await.expect("a connection");
        tokio::spawn(connection);
        let look = looking.transaction().await.expect("a transaction");
        let held = format!("LOCK TABLE {} IN ACCESS SHARE MODE", place.table("history_completed_other"));
        look.batch_execute(&held).await.expect("locked");
        let began = Instant::now();
        let store = place.open().await;
        end(&store, now(), 3).await;
        store.prune(now(), TWO_DAYS).await.expect("pruned");
        // Half of a deadline for each day otherwise.
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert_eq!((tables(&place).await, left_over(&place).await), (vec!["other".to_owned()], 3));
        drop(look);
        store.prune(now(), TWO_DAYS).await.expect("pruned");
        assert_eq!(tables(&place).await.len(), 3, "all but today");
    })
    .await;
}

/// The server refuses a row that was on its way to the catch-all when its day was made.
#[tokio::test]
async fn what_ends_while_its_day_is_made_lies_in_its_day() {
    in_a_schema(async |place| {
        let store = by_our_clock(&place).await;
        end(&store, noon(0), 1).await;
        let at = noon(1);
        let worker = worker_at(&store, at).await;
        store.enqueue(at, vec![job("mail")]).await.expect("stored");
        let making = transaction(&place).await;
        let (day, parent) = (place.table("history_completed_20400102"), place.table("history_completed"));
        let make = format!(
            "CREATE TABLE {day} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS); \
             ALTER TABLE {parent} ATTACH PARTITION {day} FOR VALUES FROM ('2040-01-02 00:00:00+00') TO ('2040-01-03 00:00:00+00')",
            place.table("history"),
        );
        making.batch_execute(&make).await.expect("the day is made");
        let ending = tokio::spawn({
            let store = store.clone();
            async move { drain_at(&store, worker, at).await }
        });
        somebody_waits(&place, "history").await;
        commit(&making).await;
        assert_eq!(ending.await.expect("its end counts"), 1);
        assert_eq!(place.number(&format!("SELECT count(*) FROM {day}")).await, 1);
    })
    .await;
}
