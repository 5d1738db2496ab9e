//! The schema: who makes it, and who is refused.

use std::sync::Arc;

use jobs_core::store::{JobStore, ManageStore};
use jobs_runtime::store::postgres::PostgresStore;

use crate::place::{in_a_schema, job, now};

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
