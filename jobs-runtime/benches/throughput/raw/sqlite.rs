//! SQLite's ceiling: one writer thread with group commit.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use jobs_runtime::store::sqlite::bare::{FORGET, INSERT_FRESH, MIGRATIONS, MOVE_FENCED, READ, STRIPE, TAKE};
use rusqlite::{CachedStatement, Connection, params};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::{CLAIM, Ceiling, GROUP, Job, id, payload};

enum Command {
    Insert(u64, usize, oneshot::Sender<()>),
    Done(Job),
    /// From now on jobs are claimed, and sent here.
    Drain(UnboundedSender<Vec<Job>>),
}

/// The end of the writer that commands go in by.
#[derive(Clone)]
pub struct Sqlite(Sender<Command>);

impl Sqlite {
    /// Makes the file and starts its writer, which ends when nobody is left who could command it.
    pub fn open(path: &Path) -> Self {
        let (sender, commands) = channel();
        let file = path.to_path_buf();
        std::thread::spawn(move || writer(&open(&file), &commands));
        Self(sender)
    }
}

impl Ceiling for Sqlite {
    async fn insert(&self, number: u64) {
        self.insert_many(number, 1).await;
    }

    async fn insert_many(&self, first: u64, count: usize) {
        let (reply, answer) = oneshot::channel();
        self.0.send(Command::Insert(first, count, reply)).expect("the writer lives");
        answer.await.expect("the writer answers");
    }

    fn drain(&self) -> UnboundedReceiver<Vec<Job>> {
        let (claimed, to_run) = unbounded_channel();
        self.0.send(Command::Drain(claimed)).expect("the writer lives");
        to_run
    }

    fn done(&self, job: Job) {
        let _ = self.0.send(Command::Done(job));
    }
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

fn insert(statement: &mut CachedStatement<'_>, number: u64) {
    let none: Option<&str> = None;
    let empty: Option<i64> = None;
    let (id, payload) = (id(number), payload(number));
    let values = params![
        id,
        "noop",
        "default",
        0,
        "available",
        1,
        1,
        payload,
        none,
        empty,
        empty,
        none,
        none,
        none,
        none,
        none,
        empty,
        none,
        none
    ];
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
            let mut row = connection.prepare_cached(INSERT_FRESH).expect("the statement is good");
            let mut history = connection.prepare_cached(MOVE_FENCED).expect("the statement is good");
            let mut moved = Vec::new();
            let none: Option<&str> = None;
            while let Some(command) = next {
                match command {
                    Command::Insert(first, count, reply) => {
                        (first..first + count as u64).for_each(|number| insert(&mut row, number));
                        replies.push(reply);
                    }
                    Command::Done(job) => {
                        let values = params![job.seq, job.id, job.token, "completed", 1, 1, none, none, none, none];
                        history.execute(values).expect("a row moves");
                        moved.push(job.seq);
                        out -= 1;
                    }
                    Command::Drain(claimed) => drain = Some(claimed),
                }
                taken += 1;
                next = if taken < GROUP { commands.try_recv().ok() } else { None };
            }
            let mut forget = connection.prepare_cached(FORGET).expect("the statement is good");
            forget.execute([list(&moved)]).expect("rows go");
        }
        let jobs = if drain.is_some() && out < CLAIM { claim(connection) } else { Vec::new() };
        out += jobs.len();
        connection.execute_batch("COMMIT").expect("the disk takes it");
        if let Some(drain) = &drain {
            let _ = drain.send(jobs);
        }
        for reply in replies {
            let _ = reply.send(());
        }
    }
}

fn claim(connection: &Connection) -> Vec<Job> {
    let mut keys = connection.prepare_cached(STRIPE).expect("the statement is good");
    let keys: Vec<i64> = keys
        .query_map(params!["default", "noop", i64::MIN, i64::MIN, i64::MIN, CLAIM as i64], |row| row.get(2))
        .expect("the query runs")
        .collect::<Result<_, _>>()
        .expect("keys are numbers");
    let mut read = connection.prepare_cached(READ).expect("the statement is good");
    let mut claimed = |seq: &i64| {
        let seq = *seq;
        let job =
            read.query_row([seq], |row| Ok(Job { seq, id: row.get(0)?, token: row.get::<_, i64>(1)? + 1, payload: row.get(5)? }));
        job.expect("a row is read")
    };
    let jobs = keys.iter().map(&mut claimed).collect();
    let mut take = connection.prepare_cached(TAKE).expect("the statement is good");
    take.execute(params![list(&keys), 1, 1]).expect("rows are taken");
    jobs
}

/// Keys as the statements take them.
fn list(keys: &[i64]) -> String {
    format!("{keys:?}")
}
