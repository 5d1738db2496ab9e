//! How the server runs what recurs by itself: by the right index, whatever it believes of the table.
//!
//! Each belief is one that was seen to turn a good plan into one that reads the whole table: none at all, one from when the table was empty,
//! one from before the jobs ran, one from when it was full, and a true one.

use std::sync::Arc;

use jobs_runtime::store::postgres::bare::{RECURRING, settings, text};
use tokio_postgres::NoTls;

use crate::place::{Place, in_a_schema};

/// Jobs of every sort: of a kind that is known and of one that is not, running, waiting for their time, parked.
async fn fill(place: &Place, rows: i64) {
    let sort = |state: &str, kind: &str, more: &str, values: &str| {
        format!(
            "INSERT INTO {} (id, kind, queue, priority, state, run_at, created_at, payload{more}) SELECT md5('{state}{kind}' || n)::uuid, \
             '{kind}', 'default', 0, '{state}', now() + n * interval '1 second', now(), '{{}}'{values} FROM generate_series(1, {rows}) AS n; ",
            place.table("job")
        )
    };
    let sql = sort("available", "mail", "", "")
        + &sort("available", "strange", "", "")
        + &sort("running", "mail", ", worker", ", 1")
        + &sort("scheduled", "mail", "", "")
        + &sort("retryable", "mail", "", "")
        + &sort("parked", "old", ", parked_by", ", '{}'");
    place.run(&sql).await;
}

async fn analyze(place: &Place) {
    for table in ["job", "history", "worker", "dead_worker", "tally", "kind"] {
        place.run(&format!("ANALYZE {}", place.table(table))).await;
    }
}

/// The plan of each statement that recurs, as the store's connections make it.
async fn plans(place: &Place) -> Vec<(&'static str, String)> {
    let (client, connection) = tokio_postgres::connect(&place.options.url, NoTls).await.expect("a connection");
    let connection = tokio::spawn(connection);
    client.batch_execute(&settings()).await.expect("the settings of the store");
    let mut plans = Vec::new();
    for (name, template, types) in RECURRING {
        let sql = text(template, &place.options.schema);
        let (types, nothing) = match types {
            "" => (String::new(), String::new()),
            types => (format!("({types})"), format!("({})", vec!["NULL"; types.split(',').count()].join(", "))),
        };
        client
            .batch_execute(&format!("PREPARE {name}{types} AS {sql}"))
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let lines = client.query(&format!("EXPLAIN EXECUTE {name}{nothing}"), &[]).await;
        let lines = lines.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        plans.push((name, lines.iter().map(|line| line.get::<_, &str>(0)).collect::<Vec<_>>().join("\n")));
    }
    drop(client);
    let _ = connection.await;
    plans
}

/// What is wrong with a plan, if anything is.
fn judge(belief: &str, name: &str, plan: &str) -> Option<String> {
    let wrong = |what: &str| Some(format!("{name}, {belief}: {what}\n{plan}\n"));
    if ["job", "history_"].iter().any(|table| plan.contains(&format!("Seq Scan on {table}"))) {
        return wrong("it reads a whole table");
    }
    let by: &[&str] = match name {
        "take_first" | "heads" | "strangers" => &["using job_ready"],
        "look" => &["using job_ready", "using job_probation", "using job_due"],
        "heads_on_probation" => &["using job_probation"],
        "promote" | "next_due" => &["using job_due"],
        "take_chosen" | "finish" | "go_on" | "end_unfenced" => &["using job_pkey"],
        "held" | "orphans" | "done" => &["using job_running"],
        "deserted" => &["using job_id_key"],
        "survey" => &["using job_ready", "using job_parked", "using job_due"],
        "unserved" => &["using job_ready", "using job_probation", "using job_parked"],
        _ => &[],
    };
    if let Some(missing) = by.iter().find(|by| !plan.contains(**by)) {
        return wrong(&format!("it does not go `{missing}`"));
    }
    // The traps: every running job read for each completion, the whole table in its order for a few rows, every ready job sorted.
    let must_not: &[&str] = match name {
        "finish" | "go_on" | "end_unfenced" | "take_chosen" | "deserted" => &["job_running", "job_ready", "job_cancel"],
        "held" | "orphans" | "done" => &["job_pkey on"],
        "take_first" | "heads" | "look" => &["Sort", "job_pkey on job job_1"],
        _ => &[],
    };
    let found = must_not.iter().find(|found| plan.contains(**found))?;
    wrong(&format!("it has `{found}`"))
}

#[tokio::test]
async fn what_recurs_goes_by_its_index_whatever_the_server_believes() {
    in_a_schema(async |place: Arc<Place>| {
        place.open().await;
        let job = place.table("job");
        place.run(&format!("ALTER TABLE {job} SET (autovacuum_enabled = off)")).await;
        let judge_all = async |belief: &str| {
            let plans = plans(&place).await;
            let wrong: String = plans.iter().filter_map(|(name, plan)| judge(belief, name, plan)).collect();
            assert!(wrong.is_empty(), "{wrong}");
        };
        judge_all("an empty table, no statistics").await;
        analyze(&place).await;
        judge_all("an empty table").await;
        fill(&place, 5_000).await;
        judge_all("a full table that is believed to be empty").await;
        place.run(&format!("UPDATE {job} SET state = 'available', worker = NULL WHERE state = 'running'")).await;
        analyze(&place).await;
        judge_all("no running job").await;
        place.run(&format!("UPDATE {job} SET state = 'running', worker = 1 WHERE kind = 'mail' AND state = 'available'")).await;
        judge_all("many running jobs that are believed to be none").await;
        analyze(&place).await;
        judge_all("true statistics").await;
        place.run(&format!("DELETE FROM {job} WHERE random() < 0.999")).await;
        judge_all("few jobs that are believed to be many").await;
        place.run(&format!("VACUUM FULL {job}")).await;
        analyze(&place).await;
        judge_all("few jobs").await;
    })
    .await;
}

#[tokio::test]
async fn what_recurs_goes_by_its_index_where_nothing_was_ever_analyzed() {
    in_a_schema(async |place: Arc<Place>| {
        place.open().await;
        place.run(&format!("ALTER TABLE {} SET (autovacuum_enabled = off)", place.table("job"))).await;
        fill(&place, 5_000).await;
        let plans = plans(&place).await;
        let wrong: String = plans.iter().filter_map(|(name, plan)| judge("missing statistics", name, plan)).collect();
        assert!(wrong.is_empty(), "{wrong}");
    })
    .await;
}
