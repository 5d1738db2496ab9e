//! What the tables refuse from whoever writes them: a row that nobody could read would stop everybody.

use std::collections::BTreeSet;

use jobs_core::When;
use jobs_core::store::JobStore;
use jobs_runtime::Timestamp;

use crate::place::{Place, drain, in_a_schema, job, now, worker};

/// The last instant that a program can say, and the first that none can.
const LAST: &str = "'9999-12-30 22:00:00.999999+00'";
const TOO_LATE: &str = "'9999-12-30 22:00:01+00'";
/// The same at the other end.
const FIRST: &str = "'0001-01-01 00:00:00+00'";
const TOO_EARLY: &str = "'0001-12-31 23:59:59+00 BC'";

/// As many elements in a list.
fn list(elements: usize) -> String {
    format!("array_fill(7::bigint, ARRAY[{elements}])")
}

/// As many bytes that are a name.
fn name(bytes: usize) -> String {
    format!("repeat('x', {bytes})")
}

/// Changes of a right row that break one constraint and no other.
fn broken() -> Vec<(&'static str, &'static str, String)> {
    let mut all = Vec::new();
    let mut add = |table, constraint, change: &str| all.push((table, constraint, change.to_owned()));
    for change in [
        "state = 'done'",
        "state = 'running'",
        "state = 'parked'",
        "parked_by = '{{a},{b}}'",
        "parked_by = '[0:1]={a,b}'",
        "parked_by = '[2:3]={a,b}'",
        "parked_by = '{NULL}'",
        "parked_by = '{a,NULL}'",
    ] {
        add("job", "job_state", change);
    }
    for (table, constraint, columns) in
        [("job", "job_names", &["kind", "queue"][..]), ("schedule", "schedule_names", &["key", "kind", "group_name"])]
    {
        for column in columns {
            add(table, constraint, &format!("{column} = {}", name(1_001)));
        }
    }
    let counts =
        [("token", "4611686018427387905"), ("failures", "1000000001"), ("crashes", "1000000001"), ("snoozes", "1000000001")];
    for (column, too_many) in counts {
        add("job", "job_counts", &format!("{column} = -1"));
        add("job", "job_counts", &format!("{column} = {too_many}"));
    }
    for tokens in ["'{{1},{2}}'", "'[0:1]={1,2}'", "'[2:3]={1,2}'", &list(65)] {
        add("job", "job_counts", &format!("crash_tokens = {tokens}"));
    }
    for token in ["-1", "4611686018427387905"] {
        add("history", "history_token", &format!("token = {token}"));
    }
    for (table, constraint, columns) in [
        ("job", "job_times", &["run_at", "created_at", "started_at", "tick"][..]),
        ("history", "history_times", &["run_at", "created_at", "started_at", "tick", "finished_at"]),
        ("schedule", "schedule_times", &["last_tick", "paused_at", "retired_at"]),
        ("paused_queue", "paused_queue_times", &["since"]),
    ] {
        for column in columns {
            for time in ["'infinity'", "'-infinity'", TOO_LATE, TOO_EARLY] {
                add(table, constraint, &format!("{column} = {time}"));
            }
        }
    }
    all
}

/// Changes that go as far as may be.
fn kept() -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("job", "state = 'running', worker = 1".to_owned()),
        ("job", "state = 'parked', parked_by = '{}'".to_owned()),
        ("job", "parked_by = '{a,b}'".to_owned()),
        ("job", "crash_tokens = '{}'".to_owned()),
        ("job", format!("crash_tokens = {}", list(64))),
        ("job", format!("kind = {0}, queue = {0}", name(1_000))),
        ("schedule", format!("key = {0}, kind = {0}, group_name = {0}", name(1_000))),
        ("job", "token = 4611686018427387904, failures = 1000000000, crashes = 1000000000, snoozes = 1000000000".to_owned()),
        ("job", "token = 0, failures = 0, crashes = 0, snoozes = 0".to_owned()),
        ("history", "token = 0".to_owned()),
        ("history", "token = 4611686018427387904".to_owned()),
    ];
    for time in [FIRST, LAST] {
        all.push(("job", format!("run_at = {time}, created_at = {time}, started_at = {time}, tick = {time}")));
        all.push((
            "history",
            format!("run_at = {time}, created_at = {time}, started_at = {time}, tick = {time}, finished_at = {time}"),
        ));
        all.push(("schedule", format!("last_tick = {time}, paused_at = {time}, retired_at = {time}")));
        all.push(("paused_queue", format!("since = {time}")));
    }
    all
}

/// A right row in each table that has constraints.
async fn rows(place: &Place) {
    let base = "md5(random()::text)::uuid, 'mail', 'default', 0, now(), now(), '{}'";
    let columns = "id, kind, queue, priority, run_at, created_at, payload";
    place.run(&format!("INSERT INTO {} ({columns}, state) VALUES ({base}, 'available')", place.table("job"))).await;
    place
        .run(&format!(
            "INSERT INTO {} ({columns}, state, token, finished_at, failures, crashes, snoozes) VALUES ({base}, 'completed', 1, now(), 0, 0, 0)",
            place.table("history")
        ))
        .await;
    place
        .run(&format!(
            "INSERT INTO {} (key, kind, spec, zone, definition, version, last_tick) VALUES ('k', 'mail', 'every 1h', 'UTC', '{{}}', 1, now())",
            place.table("schedule")
        ))
        .await;
    place.run(&format!("INSERT INTO {} (queue, since) VALUES ('default', now())", place.table("paused_queue"))).await;
}

#[tokio::test]
async fn each_constraint_refuses_what_breaks_it_and_nothing_else() {
    in_a_schema(async |place| {
        place.open().await;
        rows(&place).await;
        for (table, constraint, change) in broken() {
            let change = format!("UPDATE {} SET {change}", place.table(table));
            let refused = place.admin.batch_execute(&change).await.expect_err(&change);
            let refused = refused.as_db_error().unwrap_or_else(|| panic!("{change}: {refused}"));
            assert_eq!((refused.code().code(), refused.constraint()), ("23514", Some(constraint)), "{change}");
        }
        for (table, change) in kept() {
            place.run(&format!("BEGIN; UPDATE {} SET {change}; ROLLBACK", place.table(table))).await;
        }
        let schema = &place.options.schema;
        let known = place
            .texts(&format!(
                "SELECT DISTINCT conname::text FROM pg_constraint WHERE contype = 'c' AND connamespace = '{schema}'::regnamespace \
                 AND coninhcount = 0"
            ))
            .await;
        let tried: BTreeSet<String> = broken().into_iter().map(|(_, constraint, _)| constraint.to_owned()).collect();
        assert_eq!(known.into_iter().collect::<BTreeSet<_>>(), tried, "each constraint is tried");
    })
    .await;
}

#[tokio::test]
async fn the_last_time_that_a_program_can_say_is_kept_and_a_refusal_does_not_tell_the_arguments() {
    in_a_schema(async |place| {
        let store = place.open().await;
        let mut last = job("mail");
        last.when = When::At(Timestamp::MAX);
        store.enqueue(now(), vec![last]).await.expect("stored");
        let mut first = job("mail");
        first.payload = "{\"password\":\"hunter2\"}".into();
        first.when = When::At("0000-06-01T00:00:00Z".parse().expect("a time"));
        let refused = store.enqueue(now(), vec![first]).await.expect_err("refused").to_string();
        assert!(refused.contains("job_times") && !refused.contains("hunter2"), "{refused}");
        store.enqueue(now(), vec![job("mail")]).await.expect("stored");
        let worker = worker(&store).await;
        assert_eq!(drain(&store, worker).await, 1);
    })
    .await;
}

/// The most that the table takes of a list is not less than what the store itself may make of it.
#[tokio::test]
async fn a_row_at_its_limits_is_rescued_with_all_others() {
    in_a_schema(async |place| {
        let store = place.open().await;
        let judge = worker(&store).await;
        let most = "token = 4611686018427387904, failures = 1000000000, snoozes = 1000000000";
        for what in ["token = 1".to_owned(), format!("{most}, crash_tokens = {}", list(64))] {
            store.enqueue(now(), vec![job("mail")]).await.expect("stored");
            // Held by a worker that is not there any more.
            let held =
                format!("UPDATE {} SET state = 'running', worker = 4711, {what} WHERE state = 'available'", place.table("job"));
            place.run(&held).await;
        }
        place.run(&format!("INSERT INTO {} (seq) VALUES (4711)", place.table("dead_worker"))).await;
        assert_eq!(store.rescue(now(), judge).await.expect("rescued").freed, 2);
        assert_eq!(drain(&store, judge).await, 2);
    })
    .await;
}
