//! What else may go on in a PostgreSQL database while jobs are drained: a long history, far schedules, strangers, transactions that
//! stay open, enqueues that never pause, other worker processes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jobs_runtime::Client;
use tokio_postgres::{Client as Admin, NoTls};

use crate::ours::{RAN, email, fill, noop, processor, start, wait_for};
use crate::place::{Kind, Places};
use crate::report::Report;
use crate::{Plan, tokio};

async fn connect(url: &str) -> Admin {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server answers");
    tokio::spawn(connection);
    client
}

async fn number(admin: &Admin, sql: &str) -> f64 {
    let row = admin.query_one(&format!("SELECT ({sql})::float8"), &[]).await;
    row.unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
}

/// Drops the schemas of runs.
pub async fn clean_up(url: &str) {
    let admin = connect(url).await;
    let names = admin.query("SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'bench\\_%'", &[]).await;
    for name in names.expect("a list of schemas") {
        // The locks of one schema at a time.
        let dropped = format!("DROP SCHEMA {} CASCADE", name.get::<_, &str>(0));
        admin.batch_execute(&dropped).await.expect("a schema is dropped");
    }
    admin.batch_execute("CHECKPOINT").await.expect("a checkpoint");
}

/// Measures all conditions that the plan has.
pub fn measure(places: &Places, plan: &Plan, report: &mut Report) {
    tokio().block_on(async {
        if plan.has("conditions") {
            beside(places, plan, report).await;
        }
        if plan.has("processes") {
            processes(places, plan, report).await;
        }
        if plan.has("long") {
            long(places, plan, false, report).await;
        }
        if plan.has("pinned") {
            long(places, plan, true, report).await;
        }
    });
}

/// Rows beside which a drain is measured, as inserts of `$1` rows into the schema `{s}`.
const BESIDE: [(&str, &str); 4] = [
    ("drain, nothing beside", "SELECT $1::bigint"),
    (
        "drain, finished jobs in the history",
        "INSERT INTO {s}.history (id, token, kind, queue, priority, state, run_at, created_at, started_at, finished_at, payload, \
         failures, crashes, snoozes) SELECT gen_random_uuid(), 1, 'noop', 'default', 0, 'completed', now(), now(), now(), \
         now() - n % 3600 * interval '1 second', '{\"id\":1,\"email\":\"somebody.00000001@example.com\"}', 0, 0, 0 \
         FROM generate_series(1, $1::bigint) AS n",
    ),
    (
        "drain, jobs scheduled for later",
        "INSERT INTO {s}.job (id, kind, queue, priority, state, run_at, created_at, payload) SELECT gen_random_uuid(), 'noop', \
         'default', 0, 'scheduled', now() + interval '1 day' + n * interval '1 second', now(), '{\"id\":1,\"email\":\"a\"}' \
         FROM generate_series(1, $1::bigint) AS n",
    ),
    (
        "drain, jobs of a kind that nobody knows",
        "INSERT INTO {s}.job (id, kind, queue, priority, state, run_at, created_at, payload) SELECT gen_random_uuid(), 'stranger', \
         'default', -5, 'available', now(), now(), '{}' FROM generate_series(1, $1::bigint) AS n",
    ),
];

async fn beside(places: &Places, plan: &Plan, report: &mut Report) {
    let admin = connect(places.postgres.as_deref().expect("a database was named")).await;
    let mut schemas = Vec::new();
    for (what, sql) in BESIDE {
        let schema = places.schema();
        Client::connect_to(places.url(&schema)).await.expect("the store opens").store().close().await.expect("it closes");
        let rows = if what.contains("history") { plan.history } else { plan.beside } as i64;
        eprintln!("  {what}: {rows} rows");
        admin.execute(&sql.replace("{s}", &schema), &[&rows]).await.expect("rows are there");
        // What autovacuum does within the minute.
        for table in ["job", "history"] {
            admin.batch_execute(&format!("VACUUM ANALYZE {schema}.{table}")).await.expect("it is done");
        }
        schemas.push((what, schema));
    }
    admin.batch_execute("CHECKPOINT").await.expect("a checkpoint");
    for _ in 0..plan.rounds {
        for (what, schema) in &schemas {
            let rate = drain(&places.url(schema), &admin, schema, plan.jobs).await;
            report.rate(what, Kind::Postgres.name(), rate);
        }
    }
}

/// Enqueues a backlog and drains it; answers the rate of the drain.
async fn drain(store: &str, admin: &Admin, schema: &str, jobs: usize) -> f64 {
    let client = Client::connect_to(store).await.expect("the store opens");
    fill(&client, jobs).await;
    client.store().close().await.expect("it closes");
    RAN.store(0, Ordering::Relaxed);
    let began = Instant::now();
    let runtime = start(store).await;
    while RAN.load(Ordering::Relaxed) < jobs as u64 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Counting all jobs would take longer than the drain beside a million others.
    let running = format!("SELECT count(*) FROM (SELECT 1 FROM {schema}.job WHERE state = 'running' LIMIT 1) AS left_over");
    while number(admin, &running).await > 0.0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let rate = jobs as f64 / began.elapsed().as_secs_f64();
    runtime.shutdown().await;
    rate
}

/// A worker process, which ends with its input.
fn worker(store: &str) -> Child {
    let program = std::env::current_exe().expect("this program has a file");
    let mut worker = Command::new(program)
        .args(["--worker-process", store])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the worker starts");
    let mut line = String::new();
    let output = worker.stdout.as_mut().expect("its output is piped");
    BufReader::new(output).read_line(&mut line).expect("it says that it is ready");
    worker
}

async fn processes(places: &Places, plan: &Plan, report: &mut Report) {
    let admin = connect(places.postgres.as_deref().expect("a database was named")).await;
    for _ in 0..plan.rounds {
        for (count, what) in [(1, "drain, 1 worker process"), (2, "drain, 2 worker processes"), (4, "drain, 4 worker processes")]
        {
            let schema = places.schema();
            let url = places.url(&schema);
            let client = Client::connect_to(&url).await.expect("the store opens");
            let mut workers: Vec<Child> = (0..count).map(|_| worker(&url)).collect();
            // They are all there before there is anything to do: the clock starts with the first jobs.
            let began = Instant::now();
            fill(&client, 2 * plan.jobs).await;
            let filled = began.elapsed();
            while number(&admin, &format!("SELECT count(*) FROM (SELECT 1 FROM {schema}.job LIMIT 1) AS left_over")).await > 0.0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            report.rate(what, Kind::Postgres.name(), 2.0 * plan.jobs as f64 / began.elapsed().as_secs_f64());
            eprintln!("    bulk enqueue meanwhile {:.0}/s", 2.0 * plan.jobs as f64 / filled.as_secs_f64());
            for worker in &mut workers {
                drop(worker.stdin.take());
            }
            for mut worker in workers {
                worker.wait().expect("a worker ends");
            }
        }
    }
}

/// Enqueues and drains at once for long, and looks at what that does to the server.
async fn long(places: &Places, plan: &Plan, is_pinned: bool, report: &mut Report) {
    let url = places.postgres.as_deref().expect("a database was named");
    let admin = connect(url).await;
    let schema = places.schema();
    let runtime = start(&places.url(&schema)).await;
    let pinning = connect(url).await;
    if is_pinned {
        // Its snapshot keeps every row version that dies from now on.
        pinning
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT txid_current()")
            .await
            .expect("a transaction is open");
    }
    let title = if is_pinned { "with a transaction open elsewhere" } else { "nothing else" };
    report.note(format!("enqueue by 64 callers and drain at once for {:?}, {title}:", plan.long));
    let ended = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..64)
        .map(|_| {
            let (client, ended) = (runtime.client().clone(), Arc::clone(&ended));
            tokio::spawn(async move {
                while !ended.load(Ordering::Relaxed) {
                    noop::job(1, email(1)).enqueue(&client).await.expect("the job is stored");
                }
            })
        })
        .collect();
    let samples = 6;
    let wal = "pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')";
    let (mut ran, mut written) = (RAN.load(Ordering::Relaxed), number(&admin, wal).await);
    for sample in 1..=samples {
        let began = Instant::now();
        tokio::time::sleep(plan.long / samples).await;
        let (now, bytes) = (RAN.load(Ordering::Relaxed), number(&admin, wal).await);
        let jobs = (now - ran) as f64;
        let table = format!("FROM pg_stat_user_tables WHERE schemaname = '{schema}' AND relname = 'job'");
        report.note(format!(
            "  after {:>4.0} s: {:>6.0}/s, {:.0} bytes of WAL a job, {:.0} live and {:.0} dead rows, table {:.1} MB, ready index {:.1} MB",
            plan.long.as_secs_f64() * f64::from(sample) / f64::from(samples),
            jobs / began.elapsed().as_secs_f64(),
            (bytes - written) / jobs,
            number(&admin, &format!("SELECT n_live_tup {table}")).await,
            number(&admin, &format!("SELECT n_dead_tup {table}")).await,
            number(&admin, &format!("pg_table_size('{schema}.job')")).await / 1e6,
            number(&admin, &format!("pg_relation_size('{schema}.job_ready')")).await / 1e6,
        ));
        (ran, written) = (now, bytes);
    }
    ended.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("a caller ends well");
    }
    RAN.store(0, Ordering::Relaxed);
    wait_for(&runtime, 0).await;
    runtime.shutdown().await;
}

/// What a runtime asks of the server while there is nothing to do.
pub fn idle(places: &Places, time: Duration, report: &mut Report) {
    tokio().block_on(async {
        let admin = connect(places.postgres.as_deref().expect("a database was named")).await;
        let runtime = start(&places.store(Kind::Postgres)).await;
        tokio::time::sleep(Duration::from_secs(12)).await;
        let commits = "SELECT sum(xact_commit + xact_rollback) FROM pg_stat_database WHERE datname = current_database()";
        let (before, cpu) = (number(&admin, commits).await, processor());
        tokio::time::sleep(time).await;
        let busy = processor().saturating_sub(cpu);
        // The server tells the numbers of a connection up to ten seconds later, so it is an average; ours is one of them.
        let count = number(&admin, commits).await - before - 1.0;
        report.note(format!(
            "postgres, idle for {time:?}: {:.0} transactions a minute, processor {:.3} %",
            count.max(0.0) * 60.0 / time.as_secs_f64(),
            100.0 * busy.as_secs_f64() / time.as_secs_f64()
        ));
        runtime.shutdown().await;
    });
}
