//! Rolling deploys: the schema of every release before this one, as it is kept in `tests/schemas`, is brought up, and its jobs run.
//!
//! `UPDATE=1 cargo test -p jobs-runtime --test postgres releases` writes the files. Only that of a schema which was never released
//! may change: a migration that somebody has run is history.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jobs_core::store::{Completion, CompletionAnswer, Decision, JobStore, ManageStore, Retention};
use jobs_runtime::store::postgres::schema_sql;

use crate::place::{Place, drain, in_a_schema, job, now, request, worker};

/// The schema after each step, from the first to that of this program.
fn steps() -> Vec<String> {
    let whole = schema_sql("jobs").expect("a good name");
    let steps = whole.match_indices("INSERT INTO \"jobs\".migration ").map(|(mark, _)| {
        let end = whole[mark..].find('\n').expect("a mark is a line") + 1;
        format!("{}COMMIT;\n", &whole[..mark + end])
    });
    steps.collect()
}

fn file(step: usize) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/schemas/{step:04}.sql"))
}

/// The text of a kept schema.
fn kept(step: usize) -> String {
    let file = file(step);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}; UPDATE=1 writes it", file.display()))
}

#[test]
fn the_steps_of_the_schema_are_those_that_were_released() {
    let steps = steps();
    for (step, sql) in (1..).zip(&steps) {
        if std::env::var_os("UPDATE").is_some() {
            fs::write(file(step), sql).expect("the file can be written");
        }
        assert!(
            kept(step) == *sql,
            "step {step} was changed: add a step instead, or write the file anew if it was never released"
        );
    }
    let kept = fs::read_dir(file(1).parent().expect("a folder")).expect("a folder").count();
    assert_eq!(kept, steps.len(), "a step was taken away");
}

/// Everything that a schema has, a line for each column and each index. Days are not of the schema.
async fn shape(place: &Place) -> Vec<String> {
    let schema = &place.options.schema;
    let sql = format!(
        "SELECT concat_ws(' ', table_name, column_name, data_type, collation_name, is_nullable, column_default) AS line \
           FROM information_schema.columns WHERE table_schema = '{schema}' AND table_name !~ '_[0-9]{{8}}$' \
         UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = '{schema}' AND tablename !~ '_[0-9]{{8}}$' ORDER BY line"
    );
    place.texts(&sql).await.into_iter().map(|line| line.replace(schema, "jobs")).collect()
}

/// What an old program left behind: a job that waits, one that a worker of it holds, and a finished one.
const LEFT_BEHIND: &str = "INSERT INTO jobs.worker (id, name, build, kinds, queues, lease, started_at, renewed_at, expires_at) \
       VALUES (md5(random()::text)::uuid, 'old', '1', '1', '{default}', 15000, now(), now(), now() - interval '1 second'); \
     INSERT INTO jobs.job (id, kind, queue, priority, state, run_at, created_at, payload) \
       VALUES (md5(random()::text)::uuid, 'mail', 'default', 0, 'available', now(), now(), '{}'); \
     INSERT INTO jobs.job (id, kind, queue, priority, state, run_at, created_at, payload, token, worker) \
       VALUES (md5(random()::text)::uuid, 'mail', 'default', 0, 'running', now(), now(), '{}', 1, (SELECT seq FROM jobs.worker)); \
     INSERT INTO jobs.history (id, token, kind, queue, priority, state, run_at, created_at, finished_at, payload, failures, crashes, snoozes) \
       VALUES (md5(random()::text)::uuid, 1, 'mail', 'default', 0, 'completed', now(), now(), now(), '{}', 0, 0, 0); \
     INSERT INTO jobs.tally (state, day, jobs) VALUES ('completed', current_date, 1)";

#[tokio::test]
async fn every_released_schema_is_brought_up_and_its_jobs_run() {
    for step in 1..=steps().len() {
        in_a_schema(async |place| {
            let schema = &place.options.schema;
            place.run(&kept(step).replace("\"jobs\"", schema)).await;
            place.run(&LEFT_BEHIND.replace("jobs.", &format!("{schema}."))).await;
            let store = place.open().await;
            let version = format!("SELECT max(version)::bigint FROM {}", place.table("migration"));
            assert_eq!(place.number(&version).await, i64::try_from(steps().len()).expect("few"));

            let worker = worker(&store).await;
            assert_eq!(store.rescue(now(), worker).await.expect("rescued").freed, 1);
            store.enqueue(now(), vec![job("mail"), job("mail")]).await.expect("stored");
            let taken = store.claim(now(), request(worker, 10)).await.expect("a claim").jobs;
            assert_eq!(taken.len(), 4, "{taken:?}");
            let first = &taken[0];
            let retry = Completion {
                id: first.id,
                seq: first.seq,
                token: first.token,
                started_at: now().wall,
                decision: Decision::Retry { error: "not yet".to_owned(), after: Duration::ZERO },
                followers: Vec::new(),
            };
            let answers = store.complete(now(), vec![retry.clone(), retry]).await.expect("answers");
            assert_eq!(answers, [CompletionAnswer::Applied, CompletionAnswer::Stale]);
            store.leave(now(), worker).await.expect("left");
            let worker = crate::place::worker(&store).await;
            assert_eq!(drain(&store, worker).await, 4);
            let kept = Duration::from_secs(86_400);
            store.prune(now(), Retention { completed: kept, cancelled: kept, failed: kept }).await.expect("pruned");
            assert_eq!(store.counts().await.expect("counts").completed, 5);

            let brought_up = shape(&place).await;
            in_a_schema(async |fresh| {
                fresh.open().await;
                assert_eq!(brought_up, shape(&fresh).await, "brought up from step {step} it is another schema");
            })
            .await;
        })
        .await;
    }
}

#[tokio::test]
async fn an_older_program_works_on_while_a_newer_one_adds_to_the_schema() {
    in_a_schema(async |place| {
        let store = place.open().await;
        let worker = worker(&store).await;
        // Whatever its connections have prepared was prepared before.
        store.enqueue(now(), vec![job("mail")]).await.expect("stored");
        assert_eq!(drain(&store, worker).await, 1);
        let (jobs, history, migration) = (place.table("job"), place.table("history"), place.table("migration"));
        place
            .run(&format!(
                "ALTER TABLE {jobs} ADD COLUMN colour text; ALTER TABLE {history} ADD COLUMN colour text; \
                 CREATE TABLE {} (colour text); INSERT INTO {migration} (version, oldest) SELECT max(version) + 1, 1 FROM {migration}",
                place.table("colour"),
            ))
            .await;
        let newcomer = place.open().await;
        for program in [&store, &newcomer] {
            let ids: Vec<_> = store.enqueue(now(), vec![job("mail"), job("mail")]).await.expect("stored");
            assert_eq!(drain(program, worker).await, 2);
            assert_eq!(program.requeue(now(), vec![ids[0].id]).await.expect("requeued"), [true]);
            assert_eq!(program.cancel(now(), vec![ids[0].id], "enough".to_owned()).await.expect("cancelled").len(), 1);
            assert!(program.job(ids[1].id).await.expect("a look").is_some());
            assert!(program.heartbeat(now(), worker).await.expect("a beat").alive);
            program.rescue(now(), worker).await.expect("rescued");
            let kept = Duration::from_secs(86_400);
            program.prune(now(), Retention { completed: kept, cancelled: kept, failed: kept }).await.expect("pruned");
        }
        assert_eq!(store.counts().await.expect("counts").completed, 3);
    })
    .await;
}
