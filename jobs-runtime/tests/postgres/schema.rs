//! The schema: who makes it, and who is refused.

use std::sync::Arc;

use jobs_core::store::{JobStore, ManageStore};
use jobs_runtime::store::postgres::PostgresStore;

use crate::place::{drain, in_a_schema, job, now, worker};

#[tokio::test]
async fn many_that_start_at_once_make_one_schema() {
    in_a_schema(async |place| {
        let mut starting = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let place = Arc::clone(&place);
            starting.spawn(async move { place.open().await });
        }
        let stores = starting.join_all().await;
        assert_eq!(place.number(&format!("SELECT count(*) - max(version) FROM {}", place.table("migration"))).await, 0);
        stores[3].enqueue(now(), vec![job("mail")]).await.expect("stored");
        assert_eq!(stores[7].counts().await.expect("counts").available, 1);
    })
    .await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_only_if_it_says_so() {
    in_a_schema(async |place| {
        place.open().await;
        let migration = place.table("migration");
        let known = place.number(&format!("SELECT max(version)::bigint FROM {migration}")).await;
        let (next, last) = (known + 1, known + 2);
        place.run(&format!("INSERT INTO {migration} (version, oldest) VALUES ({next}, 1)")).await;
        place.open().await;
        place.run(&format!("INSERT INTO {migration} (version, oldest) VALUES ({last}, {last})")).await;
        let error = PostgresStore::open(place.options.clone()).await.expect_err("it is refused").to_string();
        let why = format!("has schema {last}, which programs must know up to {last} to work with, and this one knows {known}");
        assert!(error.contains(&why), "{error}");
    })
    .await;
}

#[tokio::test]
async fn rows_that_nobody_could_read_are_refused_from_whoever_writes_them() {
    in_a_schema(async |place| {
        let store = place.open().await;
        let (table, worker) = (place.table("job"), worker(&store).await);
        let columns = "id, kind, queue, priority, state, run_at, created_at, payload";
        for (column, value) in [
            ("run_at", "'infinity'"),
            ("run_at", "'-infinity'"),
            ("run_at", "'9999-12-31'"),
            ("created_at", "'infinity'"),
            ("started_at", "'infinity'"),
            ("tick", "'-infinity'"),
            ("state", "'done'"),
            ("state", "'running'"),
            ("state", "'parked'"),
            ("parked_by", "'{{a},{b}}'"),
            ("parked_by", "'{NULL}'"),
            ("crashes", "-1"),
            ("failures", "2000000000"),
            ("token", "9223372036854775807"),
        ] {
            place
                .run(&format!(
                    "INSERT INTO {table} ({columns}) VALUES (md5(random()::text)::uuid, 'mail', 'default', 0, 'available', now(), now(), '{{}}')"
                ))
                .await;
            let change = format!("UPDATE {table} SET {column} = {value}");
            let refused = place.admin.batch_execute(&change).await.expect_err(&change);
            assert_eq!(refused.code().map(tokio_postgres::error::SqlState::code), Some("23514"), "{change}");
        }
        // The last time that a program can say is none of them; what cannot be kept is told without the arguments.
        let mut last = job("mail");
        last.when = jobs_core::When::At(jobs_runtime::Timestamp::MAX);
        store.enqueue(now(), vec![last]).await.expect("stored");
        let mut first = job("mail");
        first.payload = "{\"password\":\"hunter2\"}".into();
        first.when = jobs_core::When::At("0000-06-01T00:00:00Z".parse().expect("a time"));
        let refused = store.enqueue(now(), vec![first]).await.expect_err("refused").to_string();
        assert!(refused.contains("job_times") && !refused.contains("hunter2"), "{refused}");
        assert_eq!(drain(&store, worker).await, 14);
        for (table, column) in [("history", "finished_at"), ("history", "started_at")] {
            let change = format!("UPDATE {} SET {column} = 'infinity'", place.table(table));
            let refused = place.admin.batch_execute(&change).await.expect_err(&change);
            assert_eq!(refused.code().map(tokio_postgres::error::SqlState::code), Some("23514"), "{change}");
        }
        let change = format!(
            "INSERT INTO {} (key, kind, spec, zone, payload, queue, priority, build, last_tick) \
             VALUES ('k', 'mail', 'every 1h', 'UTC', '{{}}', 'default', 0, '1', 'infinity')",
            place.table("schedule")
        );
        let refused = place.admin.batch_execute(&change).await.expect_err(&change);
        assert_eq!(refused.code().map(tokio_postgres::error::SqlState::code), Some("23514"));
    })
    .await;
}
