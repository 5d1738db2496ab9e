//! The ceiling: the same tables and the same statements, a writer thread with group commit, and nothing else.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use jobs_runtime::store::sqlite::bare::{FORGET, INSERT, MIGRATIONS, MOVE_FENCED, STRIPE, TAKE};
use rusqlite::{CachedStatement, Connection, params};
use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Semaphore, oneshot};

use crate::report::Report;

/// How many jobs a claim takes, and how many commands share a transaction.
const CLAIM: i64 = 500;
const GROUP: usize = 1_000;

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
    Done(Job),
    /// From now on jobs are claimed, and sent here.
    Drain(UnboundedSender<Vec<Job>>),
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
    let values =
        params![id, "noop", "default", 0, "available", 1, 1, payload, none, number, number, none, none, none, none, none, number];
    statement.execute(values).expect("a row is inserted");
}

/// Takes all commands that wait into one transaction, and one claim while fewer jobs than a claim are out.
fn writer(connection: &Connection, commands: &Receiver<Command>) {
    let mut drain = None;
    let mut out = 0;
    while let Ok(first) = commands.recv() {
        connection.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        let mut replies = Vec::new();
        let mut next = Some(first);
        let mut taken = 0;
        {
            let mut row = connection.prepare_cached(INSERT).expect("the statement is good");
            let mut history = connection.prepare_cached(MOVE_FENCED).expect("the statement is good");
            let mut forget = connection.prepare_cached(FORGET).expect("the statement is good");
            let none: Option<&str> = None;
            while let Some(command) = next {
                match command {
                    Command::Insert(id, payload, reply) => {
                        insert(&mut row, &id, &payload);
                        replies.push(reply);
                    }
                    Command::InsertMany(first, number, reply) => {
                        for number in first..first + number as u64 {
                            insert(&mut row, &id(number), &payload(number));
                        }
                        replies.push(reply);
                    }
                    Command::Done(job) => {
                        let values = params![job.seq, job.id, job.token, "completed", 1, 1, none, none, none, none];
                        history.execute(values).expect("a row moves");
                        forget.execute([job.seq]).expect("a row goes");
                        out -= 1;
                    }
                    Command::Drain(claimed) => drain = Some(claimed),
                }
                taken += 1;
                next = if taken < GROUP { commands.try_recv().ok() } else { None };
            }
        }
        let jobs = if drain.is_some() && out < CLAIM { claim(connection) } else { Vec::new() };
        out += jobs.len() as i64;
        connection.execute_batch("COMMIT").expect("the disk takes it");
        if let Some(drain) = &drain {
            let _ = drain.send(jobs);
        }
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
        let thread = std::thread::spawn(move || writer(&open(&file), &commands));
        let next = Arc::new(AtomicUsize::new(0));
        for (what, callers, each) in [("enqueue, 1 caller", 1, 3_000), ("enqueue, 16 callers", 16, 1_500)] {
            let rate = callers_rate(&sender, &next, callers, each).await;
            report.rate(what, "raw", rate);
        }
        let began = Instant::now();
        for _ in 0..jobs / 500 {
            let first = next.fetch_add(500, Ordering::Relaxed) as u64;
            let (reply, answer) = oneshot::channel();
            sender.send(Command::InsertMany(first, 500, reply)).expect("the writer lives");
            answer.await.expect("the writer answers");
        }
        report.rate("enqueue, bulk of 500", "raw", jobs as f64 / began.elapsed().as_secs_f64());
        let ran = Arc::new(AtomicUsize::new(0));
        let (claimed, to_run) = unbounded_channel();
        tokio::spawn(run(to_run, sender.clone(), Arc::clone(&ran)));
        let waiting = next.load(Ordering::Relaxed);
        let began = Instant::now();
        sender.send(Command::Drain(claimed)).expect("the writer lives");
        wait_for(&ran, waiting).await;
        report.rate("drain, history kept", "raw", waiting as f64 / began.elapsed().as_secs_f64());
        let (callers, each) = (64, u32::try_from(jobs / 2).unwrap_or(50_000) / 64);
        let began = Instant::now();
        callers_rate(&sender, &next, callers, each).await;
        wait_for(&ran, next.load(Ordering::Relaxed)).await;
        report.rate("enqueue by 64 callers and drain at once", "raw", f64::from(callers * each) / began.elapsed().as_secs_f64());
        drop(sender);
        // Its last sender is the task that runs jobs, which ends with it.
        drop(thread);
    });
}

async fn wait_for(ran: &AtomicUsize, jobs: usize) {
    while ran.load(Ordering::Relaxed) < jobs {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

async fn callers_rate(sender: &Sender<Command>, next: &Arc<AtomicUsize>, callers: u32, each: u32) -> f64 {
    let began = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (sender, next) = (sender.clone(), Arc::clone(next));
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
    f64::from(callers * each) / began.elapsed().as_secs_f64()
}

/// A task for each job, 64 at once, each acknowledged by itself.
async fn run(mut to_run: UnboundedReceiver<Vec<Job>>, acknowledge: Sender<Command>, ran: Arc<AtomicUsize>) {
    let slots = Arc::new(Semaphore::new(64));
    while let Some(jobs) = to_run.recv().await {
        for job in jobs {
            let slot = Arc::clone(&slots).acquire_owned().await.expect("the semaphore stays open");
            let (acknowledge, ran) = (acknowledge.clone(), Arc::clone(&ran));
            tokio::spawn(async move {
                let decoded: Payload = serde_json::from_str(&job.payload).expect("the payload decodes");
                std::hint::black_box((decoded.id, decoded.email));
                let _ = acknowledge.send(Command::Done(job));
                ran.fetch_add(1, Ordering::Relaxed);
                drop(slot);
            });
        }
    }
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
