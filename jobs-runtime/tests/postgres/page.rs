//! The page of the guide on PostgreSQL: its SQL is run as it stands there, by the role that it makes.

use std::time::Duration;

use jobs_core::store::{JobStore, ManageStore, Now, Retention};
use jobs_runtime::Timestamp;
use jobs_runtime::store::postgres::{PostgresStore, schema_sql};
use tokio_postgres::NoTls;

use crate::place::{Place, drain, drain_at, in_a_schema, job, now, request, worker, worker_at};

/// The SQL of a section of the page, block by block, for the schema and the role of a test.
fn blocks(section: &str, place: &Place, role: &str) -> Vec<String> {
    let page = include_str!("../../src/guide/postgres.rs").lines().filter_map(|line| line.strip_prefix("//!"));
    let page = page.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n");
    let (_, section) = page.split_once(&format!("\n# {section}\n")).expect("the page has this section");
    let section = section.split("\n# ").next().unwrap_or_default();
    let blocks = section.split("```sql\n").skip(1).map(|block| block.split("```").next().unwrap_or_default());
    let schema = &place.options.schema;
    let own = |block: &str| {
        let named = block.replace("jobs.", &format!("{schema}.")).replace("SCHEMA jobs", &format!("SCHEMA {schema}"));
        let named = named.replace("'jobs'", &format!("'{schema}'"));
        named.replace("ROLE app", &format!("ROLE {role}")).replace("TO app", &format!("TO {role}"))
    };
    blocks.map(own).collect()
}

/// Makes the tables, and a role that may work with them, as the page says.
async fn with_rights(place: &Place, role: &str) {
    let rights = &blocks("The schema and its rights", place, role)[0];
    let (before, after) = rights.split_once("-- and the SQL of").expect("the block says when the tables are made");
    place.run(before).await;
    place.run(&schema_sql(&place.options.schema).expect("a good name")).await;
    place.run(&format!("--{after}")).await;
}

#[tokio::test]
async fn a_role_with_few_rights_can_work_where_another_made_the_tables() {
    in_a_schema(async |place| {
        let role = place.role();
        with_rights(&place, &role.name).await;
        let mut options = role.options();
        options.callers_clock = true;
        let store = PostgresStore::open(options).await.expect("it needs no more");
        store.enqueue(now(), vec![job("mail"), job("mail")]).await.expect("stored");
        let worker = worker(&store).await;
        assert_eq!(drain(&store, worker).await, 2);
        // Row by row, as it may not drop a day.
        let later = now().wall + Duration::from_secs(3 * 86_400);
        let later = Now { wall: later, ..now() };
        let day = Duration::from_secs(86_400);
        assert_eq!(store.prune(later, Retention { completed: day, cancelled: day, failed: day }).await.expect("pruned"), 2);
        assert_eq!(place.number(&format!("SELECT count(*) FROM {}", place.table("history"))).await, 0);
        store.leave(now(), worker).await.expect("left");
        store.close().await.expect("closed");
        let days = format!("SELECT relname::text FROM pg_class WHERE relnamespace = '{}'::regnamespace", place.options.schema);
        assert!(!place.texts(&days).await.iter().any(|name| name.starts_with("history_completed_2")), "it may make no day");
        role.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_role_that_owns_the_history_makes_and_drops_its_days() {
    in_a_schema(async |place| {
        let role = place.role();
        with_rights(&place, &role.name).await;
        place.run(&blocks("The schema and its rights", &place, &role.name)[1]).await;
        let mut options = role.options();
        options.callers_clock = true;
        let store = PostgresStore::open(options).await.expect("it needs no more");
        let first: Timestamp = "2040-01-01T12:00:00Z".parse().expect("a time");
        let at = |days: u64| Now { wall: first + Duration::from_secs(days * 86_400), steady: Duration::from_secs(days * 86_400) };
        let day = Duration::from_secs(86_400);
        let retention = Retention { completed: day, cancelled: day, failed: day };
        let table =
            format!("SELECT count(*) FROM pg_class WHERE oid = to_regclass('{}')", place.table("history_completed_20400101"));
        store.prune(at(0), retention).await.expect("pruned");
        assert_eq!(place.number(&table).await, 1);
        store.enqueue(at(0), vec![job("mail")]).await.expect("stored");
        let worker = worker_at(&store, at(0)).await;
        assert_eq!(drain_at(&store, worker, at(0)).await, 1);
        assert_eq!(store.prune(at(2), retention).await.expect("pruned"), 0);
        assert_eq!((place.number(&table).await, store.counts().await.expect("counts").completed), (0, 0));
        store.close().await.expect("closed");
        role.end().await;
    })
    .await;
}

#[tokio::test]
async fn what_the_page_says_to_watch_can_be_asked_by_the_role_that_it_makes() {
    in_a_schema(async |place| {
        let role = place.role();
        with_rights(&place, &role.name).await;
        let store = PostgresStore::open(role.options()).await.expect("it opens");
        store.enqueue(now(), (0..4).map(|_| job("mail")).collect()).await.expect("stored");
        let worker = worker(&store).await;
        assert_eq!(drain(&store, worker).await, 4);
        store.enqueue(now(), vec![job("mail"), job("mail"), job("strange")]).await.expect("stored");
        assert_eq!(store.claim(now(), request(worker, 1)).await.expect("a claim").jobs.len(), 1);
        store.rescue(now(), worker).await.expect("the strange one is parked");

        let (asking, connection) = tokio_postgres::connect(&role.options().url, NoTls).await.expect("a connection");
        tokio::spawn(connection);
        let mut answers = Vec::new();
        for block in blocks("What to watch", &place, &role.name) {
            for statement in block.split_inclusive(';').map(str::trim).filter(|statement| !statement.is_empty()) {
                let rows = asking.query(statement, &[]).await.unwrap_or_else(|error| panic!("{statement}\n{error:?}"));
                answers.push(rows.len());
            }
        }
        // What waits, is parked, works, runs; one minute or two; three states without days; three tables. What else goes on in the
        // database is not known here.
        assert_eq!(answers[..4], [1, 1, 1, 1], "{answers:?}");
        assert!((1..=2).contains(&answers[4]) && answers[5..7] == [3, 3] && answers.len() == 10, "{answers:?}");
        store.close().await.expect("closed");

        place.run(&blocks("Backup and restore", &place, &role.name)[0]).await;
        let store = place.open().await;
        assert_eq!((store.counts().await.expect("counts").live(), store.workers().await.expect("workers").len()), (0, 0));
        store.close().await.expect("closed");
        role.end().await;
    })
    .await;
}
