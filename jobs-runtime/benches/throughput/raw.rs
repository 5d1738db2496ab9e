//! The ceiling: the same tables and the same statements, a writer thread with group commit, and nothing else.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use jobs_runtime::store::sqlite::bare::{FORGET, INSERT, MIGRATIONS, MOVE_FENCED, STRIPE, TAKE};
use rusqlite::{CachedStatement, Connection, params};
use serde::Deserialize;
use tokio::sync::{Semaphore, oneshot};

use crate::report::Report;

/// How many jobs a claim takes, and how many commands share a transaction.
const CLAIM: i64 = 500;
const GROUP: usize = 512;

#[derive(Deserialize)]
struct Payload {
    id: u64,
    email: String,
}

struct Job {
    seq: i64,
    id: Vec<u8>,
    token: i64,
    payload: String,
}

enum Command {
    Insert(Vec<u8>, String, oneshot::Sender<()>),
    InsertMany(u64, usize, oneshot::Sender<()>),
}

fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("a fresh file opens");
    connection.set_prepared_statement_cache_capacity(64);
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).expect("WAL is on");
    for (pragma, value) in [("synchronous", 2), ("temp_store", 2), ("cache_size", -65_536), ("wal_autocheckpoint", 4_000)] {
        connection.pragma_update(None, pragma, value).expect("a pragma is set");
    }
    connection.execute_batch("CREATE TABLE jobs_migration (version INTEGER PRIMARY KEY) STRICT, WITHOUT ROWID").expect("a table");
    for migration in MIGRATIONS {
        connection.execute_batch(migration).expect("the schema is made");
    }
    connection
}

fn id(number: u64) -> Vec<u8> {
    let mut chance = [0; 10];
    chance[2..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    jobs_runtime::JobId::from_parts(1_700_000_000_000 + number / 50, chance).as_bytes().to_vec()
}

fn payload(number: u64) -> String {
    format!("{{\"id\":{number},\"email\":\"somebody.{number:08}@example.com\"}}")
}

fn insert(statement: &mut CachedStatement<'_>, id: &[u8], payload: &str) {
    let none: Option<&str> = None;
    let number: Option<i64> = None;
    let values = params![
        id, "noop", "default", 0, "available", 1, 1, payload, none, number, number, none, none, none, none, none, number
    ];
    statement.execute(values).expect("a row is inserted");
}

fn writer(connection: &Connection, commands: &Receiver<Command>) {
    while let Ok(first) = commands.recv() {
        connection.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        let mut replies = Vec::new();
        let mut next = Some(first);
        let mut statement = connection.prepare_cached(INSERT).expect("the statement is good");
        while let Some(command) = next {
            match command {
                Command::Insert(id, payload, reply) => {
                    insert(&mut statement, &id, &payload);
                    replies.push(reply);
                }
                Command::InsertMany(first, number, reply) => {
                    for number in first..first + number as u64 {
                        insert(&mut statement, &id(number), &payload(number));
                    }
                    replies.push(reply);
                }
            }
            next = if replies.len() < GROUP { commands.try_recv().ok() } else { None };
        }
        connection.execute_batch("COMMIT").expect("the disk takes it");
        for reply in replies {
            let _ = reply.send(());
        }
    }
}

/// Measures every ceiling once, on one file.
pub fn measure(path: &Path, jobs: usize, report: &mut Report) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let (sender, commands) = channel();
        let file = path.to_path_buf();
        let thread = std::thread::spawn(move || {
            let connection = open(&file);
            writer(&connection, &commands);
            connection
        });
        enqueue(&sender, jobs, report).await;
        drop(sender);
        let connection = thread.join().expect("the writer ends well");
        let held: i64 = connection.query_row("SELECT count(*) FROM jobs_job", [], |row| row.get(0)).expect("a count");
        let held = usize::try_from(held).unwrap_or(0);
        let began = Instant::now();
        drain(connection, held).await;
        report.rate("drain, history kept", "raw", held as f64 / began.elapsed().as_secs_f64());
    });
}

async fn enqueue(sender: &Sender<Command>, jobs: usize, report: &mut Report) {
    let next = Arc::new(AtomicUsize::new(0));
    for (what, callers, each) in [("enqueue, 1 caller", 1, 3_000), ("enqueue, 16 callers", 16, 1_500)] {
        let began = Instant::now();
        let tasks: Vec<_> = (0..callers)
            .map(|_| {
                let (sender, next) = (sender.clone(), Arc::clone(&next));
                tokio::spawn(async move {
                    for _ in 0..each {
                        let number = next.fetch_add(1, Ordering::Relaxed) as u64;
                        let (reply, answer) = oneshot::channel();
                        sender.send(Command::Insert(id(number), payload(number), reply)).expect("the writer lives");
                        answer.await.expect("the writer answers");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a caller ends well");
        }
        report.rate(what, "raw", f64::from(callers * each) / began.elapsed().as_secs_f64());
    }
    let began = Instant::now();
    for _ in 0..jobs / 500 {
        let first = next.fetch_add(500, Ordering::Relaxed) as u64;
        let (reply, answer) = oneshot::channel();
        sender.send(Command::InsertMany(first, 500, reply)).expect("the writer lives");
        answer.await.expect("the writer answers");
    }
    report.rate("enqueue, bulk of 500", "raw", jobs as f64 / began.elapsed().as_secs_f64());
}

/// One prefetch in flight, a task for each job, acknowledgements in the next transaction.
async fn drain(connection: Connection, jobs: usize) {
    let (claimed, mut to_run) = tokio::sync::mpsc::unbounded_channel::<Vec<Job>>();
    let (acknowledge, acknowledged) = channel::<Job>();
    let thread = std::thread::spawn(move || {
        let mut done = 0;
        let mut out = 0_usize;
        while done < jobs {
            connection.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
            let mut step = 0;
            // Waits only when there is nothing else to do.
            let mut next = if out >= 2 * CLAIM as usize { acknowledged.recv().ok() } else { acknowledged.try_recv().ok() };
            {
                let mut history = connection.prepare_cached(MOVE_FENCED).expect("the statement is good");
                let mut forget = connection.prepare_cached(FORGET).expect("the statement is good");
                let none: Option<&str> = None;
                while let Some(job) = next {
                    let values = params![job.seq, job.id, job.token, "completed", 1, 1, none, none, none, none];
                    history.execute(values).expect("a row moves");
                    forget.execute([job.seq]).expect("a row goes");
                    step += 1;
                    next = if step < 1_000 { acknowledged.try_recv().ok() } else { None };
                }
            }
            done += step;
            out -= step;
            let jobs = if out < CLAIM as usize { claim(&connection) } else { Vec::new() };
            out += jobs.len();
            connection.execute_batch("COMMIT").expect("the disk takes it");
            if !jobs.is_empty() {
                let _ = claimed.send(jobs);
            }
        }
    });
    let slots = Arc::new(Semaphore::new(64));
    while let Some(jobs) = to_run.recv().await {
        for job in jobs {
            let slot = Arc::clone(&slots).acquire_owned().await.expect("the semaphore stays open");
            let acknowledge = acknowledge.clone();
            tokio::spawn(async move {
                let decoded: Payload = serde_json::from_str(&job.payload).expect("the payload decodes");
                std::hint::black_box((decoded.id, decoded.email));
                let _ = acknowledge.send(job);
                drop(slot);
            });
        }
    }
    thread.join().expect("the writer ends well");
}

fn claim(connection: &Connection) -> Vec<Job> {
    let mut keys = connection.prepare_cached(STRIPE).expect("the statement is good");
    let keys: Vec<i64> = keys
        .query_map(params!["default", "noop", i64::MIN, i64::MIN, i64::MIN, CLAIM], |row| row.get(2))
        .expect("the query runs")
        .collect::<Result<_, _>>()
        .expect("keys are numbers");
    let mut take = connection.prepare_cached(TAKE).expect("the statement is good");
    keys.into_iter()
        .map(|seq| {
            take.query_row(params![seq, 1, 1], |row| Ok(Job { seq, id: row.get(0)?, token: row.get(1)?, payload: row.get(5)? }))
                .expect("a row is taken")
        })
        .collect()
}
