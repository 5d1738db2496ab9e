//! Rows that somebody wrote by SQL: the store takes them or refuses them, and in both cases all other jobs go on, nothing is lost, and a
//! person can look at everything and cancel it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::argument::{ArgumentReader, codec};
use jobs_core::registry::{Handler, Location};
use jobs_core::store::{JobFilter, JobStore, ManageStore, Retention, ScheduleFilter, ScheduleStore};
use jobs_core::{JobContext, JobEntry, JobId, State};
use jobs_runtime::env::Env;
use jobs_runtime::health::{Health, PartStatus};
use jobs_runtime::{Client, Runtime, closure};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::runtime::Handle;

use super::mutate::{almost, anything};
use super::{Chunk, Found, ensure, is_plain};
use crate::{Tap, World, enqueue_many, stop};

mod write;

/// What stands in a column where somebody has put something else.
#[derive(Clone, Debug)]
enum Cell {
    Null,
    Number(i64),
    /// Microseconds since the Unix epoch.
    Time(i64),
    Text(String),
    /// What is no text, in a column of texts.
    Bytes(Vec<u8>),
    /// Such as only PostgreSQL has.
    Special(&'static str),
}

/// A row of a table with some columns other than they should be.
#[derive(Clone, Debug)]
struct Row {
    table: Table,
    id: [u8; 16],
    cells: Vec<(&'static str, Cell)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Job,
    History,
    Schedule,
}

const TEXTS: [&str; 14] = [
    "kind",
    "queue",
    "payload",
    "name",
    "unique_key",
    "tags",
    "metadata",
    "tenant",
    "user",
    "schedule",
    "chain",
    "cancel",
    "error",
    "errors",
];
const NUMBERS: [&str; 8] = ["priority", "token", "failures", "crashes", "snoozes", "worker", "retries", "timeout"];
const TIMES: [&str; 4] = ["run_at", "created_at", "started_at", "tick"];

fn text() -> impl Strategy<Value = Cell> {
    let right = select(vec![
        "work",
        "typed",
        "nobody",
        "default",
        "{}",
        "[]",
        "null",
        r#"{"text":"a"}"#,
        r#"{"a":1}"#,
        r#"["a","b"]"#,
        r#"[{"kind":"work"}]"#,
        r#"[{"attempt":1,"at":0,"error":"x"}]"#,
    ]);
    prop_oneof![
        4 => almost(right.prop_map(str::to_owned)).prop_map(Cell::Text),
        2 => anything().prop_map(Cell::Text),
        1 => (10_000_usize..300_000).prop_map(|length| Cell::Text("[".repeat(length))),
        1 => vec(any::<u8>(), 0..20).prop_map(Cell::Bytes),
        1 => Just(Cell::Null),
    ]
}

fn number() -> impl Strategy<Value = Cell> {
    let hostile = select(vec![
        i64::MIN,
        -1,
        0,
        1,
        2,
        3,
        i64::from(i32::MAX),
        1_000_000_000,
        i64::from(u32::MAX),
        1 << 53,
        1 << 62,
        i64::MAX - 1,
        i64::MAX,
    ]);
    prop_oneof![4 => hostile.prop_map(Cell::Number), 1 => any::<i64>().prop_map(Cell::Number), 1 => Just(Cell::Null)]
}

fn time() -> impl Strategy<Value = Cell> {
    // The edges of what a program can say, and of what SQLite and PostgreSQL can keep.
    let edges =
        select(vec![i64::MIN, -377_705_023_201_000_000, -62_135_596_800_000_000, -1, 0, 253_402_207_200_999_999, i64::MAX]);
    let special = select(vec!["'infinity'", "'-infinity'", "'294276-12-31'", "'4713-01-01 BC'", "'0001-01-01'", "'9999-12-30'"]);
    prop_oneof![
        3 => edges.prop_map(Cell::Time),
        3 => special.prop_map(Cell::Special),
        1 => any::<i64>().prop_map(Cell::Time),
        1 => Just(Cell::Null),
    ]
}

fn state() -> impl Strategy<Value = Cell> {
    let known = select(State::ALL.to_vec()).prop_map(|state| Cell::Text(state.as_str().to_owned()));
    prop_oneof![6 => known, 1 => text()]
}

fn parked_by() -> impl Strategy<Value = Cell> {
    let lists = select(vec!["'{}'", "'{NULL}'", "'{{a},{b}}'", "'[3:4]={a,b}'", "'{a}'"]);
    prop_oneof![2 => text(), 2 => lists.prop_map(Cell::Special)]
}

fn cell() -> impl Strategy<Value = (&'static str, Cell)> {
    prop_oneof![
        6 => (select(TEXTS.to_vec()), text()),
        4 => (select(NUMBERS.to_vec()), number()),
        3 => (select(TIMES.to_vec()), time()),
        3 => state().prop_map(|state| ("state", state)),
        1 => parked_by().prop_map(|parked_by| ("parked_by", parked_by)),
        1 => vec(any::<u8>(), 0..20).prop_map(|bytes| ("parent", Cell::Bytes(bytes))),
        1 => vec(any::<u8>(), 0..20).prop_map(|bytes| ("id", Cell::Bytes(bytes))),
    ]
}

fn cell_of_a_schedule() -> impl Strategy<Value = (&'static str, Cell)> {
    let specs = select(vec!["every 1s", "cron * * * * * *", "cron 0 2 * * *", "cron @once", "never"]);
    let zones = select(vec!["UTC", "Europe/Berlin", "local"]);
    let definitions = select(vec![
        "{}",
        r#"{"payload":"{}","overlap":"queue","misfire":"all 3 within 1h","jitter":500}"#,
        r#"{"overlap":"cancel","starts_at":"2026-01-01T00:00:00Z","ends_at":"2099-01-01T00:00:00Z","tags":["a"]}"#,
        r#"{"metadata":{"a":1},"tenant":"t","user":"u","chain":[{"kind":"work"}],"retries":0,"timeout":1}"#,
    ]);
    let lists = select(vec!["[]", "[1767225600000000]", "[0,-1,9223372036854775807]"]);
    prop_oneof![
        4 => almost(specs.prop_map(str::to_owned)).prop_map(|spec| ("spec", Cell::Text(spec))),
        2 => almost(zones.prop_map(str::to_owned)).prop_map(|zone| ("zone", Cell::Text(zone))),
        3 => almost(definitions.prop_map(str::to_owned)).prop_map(|text| ("definition", Cell::Text(text))),
        1 => almost(lists.prop_map(str::to_owned)).prop_map(|text| ("queued", Cell::Text(text))),
        2 => (select(vec!["spec", "zone", "definition", "queued", "started", "build", "override_spec", "override_zone"]), text()),
        1 => number().prop_map(|version| ("version", version)),
        2 => (select(vec!["last_tick", "paused_at"]), time()),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let finished = select(vec!["completed", "failed", "cancelled"]).prop_map(|state| ("state", Cell::Text(state.to_owned())));
    let of_history = (finished, vec(cell(), 0..4), time()).prop_map(|(state, mut cells, finished_at)| {
        cells.retain(|(column, _)| !["state", "worker", "crash_tokens", "cancel", "parked_by"].contains(column));
        cells.extend([state, ("finished_at", finished_at)]);
        (Table::History, cells)
    });
    let cells = prop_oneof![
        6 => vec(cell(), 1..5).prop_map(|cells| (Table::Job, cells)),
        2 => of_history,
        2 => vec(cell_of_a_schedule(), 1..4).prop_map(|cells| (Table::Schedule, cells)),
    ];
    (any::<[u8; 16]>(), cells).prop_map(|(id, (table, cells))| Row { table, id, cells })
}

/// Two kinds: one that reads nothing, and one with arguments.
fn kinds() -> [JobEntry; 2] {
    let typed = Handler::Fn(|call| {
        let mut arguments = ArgumentReader::new(&call.payload);
        match arguments.take(&codec::<String>("text")) {
            Some(text) => Ok(Box::pin(async move { Ok(Some(serde_json::Value::from(text).to_string())) })),
            None => Err(arguments.error()),
        }
    });
    let typed = JobEntry::new("typed".into(), "", Location { file: file!(), line: line!() }, typed);
    [JobEntry::from(closure("work", |_: JobContext| async {})), typed]
}

pub(super) fn sqlite(chunk: &Chunk) -> Result<(), Found> {
    judge_all(chunk, || Some(World::in_file()))
}

pub(super) fn postgres(chunk: &Chunk) -> Result<(), Found> {
    judge_all(chunk, World::in_postgres)
}

fn judge_all(chunk: &Chunk, world: impl Fn() -> Option<World>) -> Result<(), Found> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    // A whole program is started for each.
    let chunk = Chunk { patience: chunk.patience.map(|_| Duration::from_secs(60)), ..*chunk };
    chunk.check(vec(row(), 1..12), |rows| {
        runtime.block_on(async {
            let Some(world) = world() else { return Ok(()) };
            let verdict = judge(&world, &rows).await;
            world.clean_up().await;
            verdict
        })
    })
}

async fn judge(world: &World, rows: &[Row]) -> Result<(), String> {
    let store = world.store().await;
    let (schedules, jobs): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.table == Table::Schedule);
    let mut taken = write::all(world, &jobs).await;
    let [work, typed] = kinds();
    let runtime = World::builder_in_real_time(&store).register(work).register(typed).start().await;
    let runtime = runtime.map_err(|error| format!("it does not start: {error}"))?;
    runtime.manifest().warnings.iter().try_for_each(|warning| is_plain(warning, 1_000))?;
    taken.extend(write::all(world, &schedules).await);
    // Whoever hears of a command reads the schedules again.
    let client = runtime.client();
    client.cancel(client.new_id()).await.map_err(|error| error.to_string())?;
    let verdict = go_on(&runtime, &store, &taken).await;
    stop(runtime).await;
    verdict?;
    let kept = write::ids(world).await;
    // What ended long ago may have been pruned.
    let lost = taken.iter().find(|row| row.table == Table::Job && !kept.contains(&row.id));
    ensure(lost.is_none(), || format!("it is gone: {:02x?}", lost.map(|row| &row.id)))
}

/// A row that the store took, by the id with which it was written.
#[derive(Debug)]
struct Taken {
    table: Table,
    id: Vec<u8>,
}

/// Whether other jobs run, every part is well, and a person can look and act.
async fn go_on(runtime: &Runtime, store: &Arc<Tap>, taken: &[Taken]) -> Result<(), String> {
    let client = runtime.client();
    let healthy = enqueue_many(client, "work", 5).await;
    for id in healthy {
        ends(client, id, runtime).await?;
    }
    let worker = runtime.health().worker.ok_or("the lease is lost")?;
    let now = Env::system(Handle::current(), Handle::current()).now();
    let day = Duration::from_secs(86_400);
    let said = |what: &'static str| move |error: jobs_core::StoreError| format!("{what}: {error}");
    store.heartbeat(now, worker).await.map_err(said("heartbeat"))?;
    store.rescue(now, worker).await.map_err(said("rescue"))?;
    store.prune(now, Retention { completed: day, cancelled: day, failed: day }).await.map_err(said("prune"))?;
    store.schedules(now, ScheduleFilter::default()).await.map_err(said("schedules"))?;
    store.unserved(now).await.map_err(said("unserved"))?;
    store.workers().await.map_err(said("workers"))?;
    client.counts().await.map_err(said("counts"))?;
    for finished in [false, true] {
        client.jobs(JobFilter { finished, ..JobFilter::default() }).await.map_err(said("jobs"))?;
    }
    for row in taken.iter().filter(|row| row.table != Table::Schedule) {
        let Ok(bytes) = <[u8; 16]>::try_from(&row.id[..]) else { return Err("an id that is none was taken".to_owned()) };
        let id = JobId::from_bytes(bytes);
        let found = client.job(id).await.map_err(said("job"))?;
        ensure(found.is_some() || row.table == Table::History, || format!("{id} is not found"))?;
        client.cancel(id).await.map_err(said("cancel"))?;
        client.requeue(vec![id]).await.map_err(said("requeue"))?;
        client.cancel(id).await.map_err(said("cancel again"))?;
    }
    is_well(runtime).await
}

/// Waits until a job has ended, but not long.
async fn ends(client: &Client, id: JobId, runtime: &Runtime) -> Result<(), String> {
    let ended = async {
        loop {
            match client.job(id).await {
                Ok(Some(job)) if job.state == State::Completed => return Ok(()),
                Err(error) => return Err(error.to_string()),
                Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), ended).await;
    waited.unwrap_or_else(|_| Err(format!("other jobs wait: {}", troubles(&runtime.health()))))
}

/// Waits until every part is well, and sees that none was ever started anew.
async fn is_well(runtime: &Runtime) -> Result<(), String> {
    let well = async {
        while !runtime.health().is_well() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), well).await;
    ensure(waited.is_ok(), || format!("not all is well: {}", troubles(&runtime.health())))?;
    let health = runtime.health();
    ensure(health.parts.values().all(|part| part.restarts == 0), || format!("a part has panicked: {}", troubles(&health)))
}

fn troubles(health: &Health) -> String {
    let parts = health.parts.iter().filter(|(_, part)| part.status != PartStatus::Running || part.restarts > 0);
    let texts: BTreeSet<String> = parts.map(|(name, part)| format!("{name}: {:?} {:?}", part.status, part.error)).collect();
    texts.into_iter().collect::<Vec<_>>().join("; ")
}
