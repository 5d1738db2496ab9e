//! PostgreSQL's ceiling: a connection for inserts, one for claims and one for completions, each as busy as it can be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jobs_runtime::store::postgres::bare::{FINISH, INSERT, TAKE_FIRST, settings, text};
use jobs_runtime::store::postgres::schema_sql;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, oneshot};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::{CLAIM, Ceiling, GROUP, Job, id, payload};

type Insert = (u64, usize, oneshot::Sender<()>);

/// The ends that calls go in by.
#[derive(Clone)]
pub struct Postgres {
    url: Arc<str>,
    schema: Arc<str>,
    inserts: UnboundedSender<Insert>,
    done: UnboundedSender<Job>,
    ended: Arc<Ended>,
}

/// What claims wait for: that few jobs are out.
#[derive(Default)]
struct Ended {
    out: AtomicUsize,
    some: Notify,
}

/// A connection with the planner as the store has it.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server answers");
    tokio::spawn(connection);
    client.batch_execute(&settings()).await.expect("settings are set");
    client
}

impl Postgres {
    /// Makes the schema and connects.
    pub async fn open(url: &str, schema: &str) -> Self {
        let client = connect(url).await;
        client.batch_execute(&schema_sql(schema).expect("a good name")).await.expect("the schema is made");
        let today = "CREATE TABLE {s}.history_completed_today PARTITION OF {s}.history_completed \
            FOR VALUES FROM ('2000-01-01') TO ('2100-01-01')";
        client.batch_execute(&text(today, schema)).await.expect("the history has room");
        let (inserts, to_insert) = unbounded_channel();
        let (done, to_finish) = unbounded_channel();
        let ended = Arc::new(Ended::default());
        tokio::spawn(insert(client, text(INSERT, schema), to_insert));
        let finishing = connect(url).await;
        tokio::spawn(finish(finishing, text(FINISH, schema), to_finish, Arc::clone(&ended)));
        Self { url: url.into(), schema: schema.into(), inserts, done, ended }
    }
}

impl Ceiling for Postgres {
    async fn insert(&self, number: u64) {
        self.insert_many(number, 1).await;
    }

    async fn insert_many(&self, first: u64, count: usize) {
        let (reply, answer) = oneshot::channel();
        self.inserts.send((first, count, reply)).expect("the connection lives");
        answer.await.expect("the connection answers");
    }

    fn drain(&self) -> UnboundedReceiver<Vec<Job>> {
        let (claimed, to_run) = unbounded_channel();
        tokio::spawn(claim(self.clone(), claimed));
        to_run
    }

    fn done(&self, job: Job) {
        let _ = self.done.send(job);
    }
}

/// The types of the values of an insert.
const INSERTED: [Type; 19] = [
    Type::TIMESTAMPTZ,
    Type::UUID_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::INT2_ARRAY,
    Type::TIMESTAMPTZ_ARRAY,
    Type::INT8_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::INT4_ARRAY,
    Type::INT8_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TEXT_ARRAY,
    Type::TIMESTAMPTZ_ARRAY,
    Type::UUID_ARRAY,
    Type::TEXT_ARRAY,
];

/// All calls that wait share a statement.
async fn insert(client: Client, sql: String, mut calls: UnboundedReceiver<Insert>) {
    let statement = client.prepare_typed(&sql, &INSERTED).await.expect("the statement is good");
    let mut waiting = Vec::new();
    while calls.recv_many(&mut waiting, GROUP).await > 0 {
        let numbers = waiting.iter().flat_map(|(first, count, _)| *first..*first + *count as u64).collect::<Vec<_>>();
        let ids: Vec<Uuid> = numbers.iter().map(|number| Uuid::from_bytes(id(*number))).collect();
        let payloads: Vec<String> = numbers.iter().map(|number| payload(*number)).collect();
        let rows = numbers.len();
        let (none, empty, nothing) = (vec![None::<&str>; rows], vec![None::<i64>; rows], vec![None::<i32>; rows]);
        let (never, nobody) = (vec![None::<jobs_runtime::Timestamp>; rows], vec![None::<Uuid>; rows]);
        let now = None::<jobs_runtime::Timestamp>;
        let (kinds, queues, priorities, delays) =
            (vec!["noop"; rows], vec!["default"; rows], vec![0_i16; rows], vec![0_i64; rows]);
        let values: [&(dyn ToSql + Sync); 19] = [
            &now,
            &ids,
            &kinds,
            &queues,
            &priorities,
            &never,
            &delays,
            &payloads,
            &none,
            &nothing,
            &empty,
            &none,
            &none,
            &none,
            &none,
            &none,
            &never,
            &nobody,
            &none,
        ];
        client.execute(&statement, &values).await.expect("rows are inserted");
        for (.., reply) in waiting.drain(..) {
            let _ = reply.send(());
        }
    }
}

/// Claims whenever less than two claims are out, so that one is under way while another one runs.
async fn claim(ceiling: Postgres, claimed: UnboundedSender<Vec<Job>>) {
    let client = connect(&ceiling.url).await;
    let worker = Uuid::from_u128(1);
    let register = "INSERT INTO {s}.worker (id, name, build, kinds, queues, lease, started_at, renewed_at, expires_at) \
        VALUES ($1, 'raw', '', '', '{}', 0, now(), now(), now() + interval '1 day')";
    client.execute(&text(register, &ceiling.schema), &[&worker]).await.expect("a worker is known");
    let types = [Type::TIMESTAMPTZ, Type::UUID, Type::TEXT, Type::TEXT, Type::INT8, Type::INT2, Type::TIMESTAMPTZ, Type::INT8];
    let statement = client.prepare_typed(&text(TAKE_FIRST, &ceiling.schema), &types).await.expect("the statement is good");
    let now = None::<jobs_runtime::Timestamp>;
    let mut from = (0_i16, jobs_runtime::Timestamp::UNIX_EPOCH, 0_i64);
    loop {
        while ceiling.ended.out.load(Ordering::Relaxed) >= 2 * CLAIM {
            ceiling.ended.some.notified().await;
        }
        let values: [&(dyn ToSql + Sync); 8] = [&now, &worker, &"default", &"noop", &(CLAIM as i64), &from.0, &from.1, &from.2];
        let rows = client.query(&statement, &values).await;
        let Ok(rows) = rows else { return };
        if rows.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            continue;
        }
        // As ours: the next claim goes on behind this one.
        from = rows.iter().map(|row| (row.get(5), row.get(17), row.get(0))).fold(from, Ord::max);
        ceiling.ended.out.fetch_add(rows.len(), Ordering::Relaxed);
        let jobs = rows.iter().map(|row| Job {
            seq: row.get(0),
            id: row.get::<_, Uuid>(1).into_bytes(),
            token: row.get(2),
            payload: row.get(6),
        });
        if claimed.send(jobs.collect()).is_err() {
            return;
        }
    }
}

async fn finish(client: Client, sql: String, mut jobs: UnboundedReceiver<Job>, ended: Arc<Ended>) {
    let types = [Type::TIMESTAMPTZ];
    let statement = client.prepare_typed(&sql, &types).await.expect("the statement is good");
    let mut group = Vec::new();
    while jobs.recv_many(&mut group, GROUP).await > 0 {
        group.sort_by_key(|job: &Job| job.seq);
        let rows = group.len();
        let now = None::<jobs_runtime::Timestamp>;
        let seqs: Vec<i64> = group.iter().map(|job| job.seq).collect();
        let ids: Vec<Uuid> = group.iter().map(|job| Uuid::from_bytes(job.id)).collect();
        let tokens: Vec<i64> = group.iter().map(|job| job.token).collect();
        let (began, states, none) =
            (vec![jobs_runtime::Timestamp::UNIX_EPOCH; rows], vec!["completed"; rows], vec![None::<&str>; rows]);
        let no = vec![false; rows];
        let values: [&(dyn ToSql + Sync); 10] = [&now, &seqs, &ids, &tokens, &began, &states, &none, &none, &no, &no];
        let moved = client.query(&statement, &values).await.expect("rows move");
        assert_eq!(moved.len(), rows, "every job was ours");
        ended.out.fetch_sub(rows, Ordering::Relaxed);
        ended.some.notify_one();
        group.clear();
    }
}

/// What is usual elsewhere: 16 connections, each inserts one row a call. Answers rows a second.
pub async fn one_a_call(url: &str, schema: &str) -> f64 {
    const CALLERS: u64 = 16;
    const EACH: u64 = 1_500;
    let opened = Postgres::open(url, schema).await;
    let mut clients = Vec::new();
    for _ in 0..CALLERS {
        clients.push(connect(url).await);
    }
    let began = std::time::Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for (nth, client) in clients.into_iter().enumerate() {
        let sql = text(INSERT, schema);
        callers.spawn(async move {
            let (inserts, calls) = unbounded_channel();
            let inserting = tokio::spawn(insert(client, sql, calls));
            for number in 0..EACH {
                let (reply, answer) = oneshot::channel();
                inserts.send((nth as u64 * EACH + number, 1, reply)).expect("the connection lives");
                answer.await.expect("the connection answers");
            }
            drop(inserts);
            inserting.await.expect("it ends well");
        });
    }
    callers.join_all().await;
    drop(opened);
    (CALLERS * EACH) as f64 / began.elapsed().as_secs_f64()
}
