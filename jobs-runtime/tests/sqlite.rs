//! What only a store in a file can get wrong: whose file it is, who may read it, who else writes, and what it does when it cannot.

#![cfg(feature = "sqlite")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jobs_core::store::{BITE, ClaimRequest, JobFilter, JobStore, ManageStore, NewKind, NewWorker, Now, QueueDemand, Retention};
use jobs_core::{JobId, NewJob, State, StoreError, WorkerId};
use jobs_runtime::store::sqlite::{SqliteOptions, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

struct Place {
    _folder: TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let path = folder.path().join("data").join("jobs.db");
    Place { _folder: folder, path }
}

fn now(seconds: i64) -> Now {
    let wall = Timestamp::from_second(1_800_000_000 + seconds).expect("a time");
    Now { wall, steady: Duration::from_secs(seconds.unsigned_abs()) }
}

fn job(number: u64) -> NewJob {
    let mut job = NewJob::new("mail", "{}");
    let mut chance = [0; 10];
    chance[2..].copy_from_slice(&number.to_be_bytes());
    job.id = Some(JobId::from_parts(1_800_000_000_000, chance));
    job
}

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(SqliteOptions::new(path)).await.expect("the file opens")
}

async fn refusal(path: &Path) -> String {
    match SqliteStore::open(SqliteOptions::new(path)).await {
        Err(StoreError::Unusable(text)) => text,
        other => panic!("{other:?} is no refusal"),
    }
}

async fn worker(store: &SqliteStore, number: u8) -> WorkerId {
    let id = WorkerId::from_parts(1_800_000_000_000, [number; 10]);
    let new = NewWorker {
        id,
        name: format!("worker {number}"),
        build: "1".to_owned(),
        kinds: [NewKind::new("mail", "1")].into(),
        queues: vec!["default".to_owned()],
        schedules: Vec::new(),
        lease: Duration::from_secs(15),
        up_for: Duration::ZERO,
    };
    store.register(now(0), new).await.expect("the worker is known");
    id
}

fn request(worker: WorkerId, limit: usize) -> ClaimRequest {
    let queues = vec![QueueDemand { queue: "default".into(), limit }];
    ClaimRequest { worker, kinds: Arc::new(["mail".to_owned()].into()), queues, limit, probation: false }
}

#[cfg(unix)]
#[tokio::test]
async fn files_and_folders_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = place();
    let store = open(&place.path).await;
    worker(&store, 1).await;
    store.enqueue(now(0), vec![job(1)]).await.expect("stored");
    let folder = place.path.parent().expect("a folder");
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(folder).expect("it can be read").flatten() {
        let mode = entry.metadata().expect("its rights").permissions().mode() & 0o777;
        seen.push((entry.file_name().to_string_lossy().into_owned(), mode));
    }
    seen.sort();
    let expected = [("jobs.db", 0o600), ("jobs.db-shm", 0o600), ("jobs.db-wal", 0o600), ("jobs.db-workers", 0o700)]
        .map(|(n, m)| (n.to_owned(), m));
    assert_eq!(seen, expected);
    let rights = |path: &Path| std::fs::metadata(path).expect("its rights").permissions().mode() & 0o777;
    assert_eq!(rights(folder), 0o700);
    for entry in std::fs::read_dir(folder.join("jobs.db-workers")).expect("it can be read").flatten() {
        assert_eq!(rights(&entry.path()), 0o600, "{entry:?}");
    }
}

#[tokio::test]
async fn somebody_elses_file_is_refused_untouched() {
    let place = place();
    std::fs::create_dir_all(place.path.parent().expect("a folder")).expect("made");
    std::fs::write(&place.path, "This is a letter, and no database at all. ".repeat(100)).expect("written");
    assert!(refusal(&place.path).await.contains("no SQLite database"));
    std::fs::remove_file(&place.path).expect("removed");
    Connection::open(&place.path).expect("opens").execute_batch("CREATE TABLE users (id INTEGER)").expect("made");
    let text = refusal(&place.path).await;
    assert!(text.contains("something else (it has the tables users)"), "{text}");
    let tables: i64 = Connection::open(&place.path)
        .expect("opens")
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .expect("a number");
    assert_eq!(tables, 1);
    let beside = std::fs::read_dir(place.path.parent().expect("a folder")).expect("it can be read").count();
    assert_eq!(beside, 1, "nothing is left beside it");
}

#[tokio::test]
async fn a_file_that_is_shared_keeps_its_tables_and_whose_it_is() {
    let place = place();
    std::fs::create_dir_all(place.path.parent().expect("a folder")).expect("made");
    let users = Connection::open(&place.path).expect("opens");
    users
        .execute_batch("PRAGMA application_id = 7; CREATE TABLE users (id INTEGER); INSERT INTO users VALUES (1)")
        .expect("made");
    let mut options = SqliteOptions::new(&place.path);
    options.shared = true;
    let store = SqliteStore::open(options).await.expect("it is shared");
    store.enqueue(now(0), vec![job(1)]).await.expect("stored");
    store.close().await.expect("closed");
    let number = |sql: &str| users.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number");
    assert_eq!(
        (number("SELECT count(*) FROM users"), number("SELECT count(*) FROM jobs_job"), number("PRAGMA application_id")),
        (1, 1, 7)
    );
    // From now on it has the tables of jobs, and may be opened by anybody.
    assert!(SqliteStore::open(SqliteOptions::new(&place.path)).await.is_ok());
    let foreign = number(
        "SELECT count(*) FROM sqlite_master WHERE substr(tbl_name, 1, 5) <> 'jobs_' AND substr(tbl_name, 1, 7) <> 'sqlite_'",
    );
    assert_eq!(foreign, 1, "all that is ours is called so");
}

#[tokio::test]
async fn a_folder_is_no_file() {
    let place = place();
    std::fs::create_dir_all(&place.path).expect("made");
    assert!(refusal(&place.path).await.contains("is a folder: name a file in it"));
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_both_versions() {
    let place = place();
    open(&place.path).await.close().await.expect("closed");
    let raw = Connection::open(&place.path).expect("opens");
    raw.execute("INSERT INTO jobs_migration (version) VALUES (7)", []).expect("written");
    drop(raw);
    let text = refusal(&place.path).await;
    assert!(text.contains("has schema 7") && text.contains("up to 1"), "{text}");
}

#[tokio::test]
async fn a_file_that_cannot_be_made_says_what_to_check() {
    let place = place();
    let folder = place.path.parent().expect("a folder");
    std::fs::write(folder, "a file where the folder should be").expect("written");
    assert!(refusal(&place.path).await.contains("check that the folder exists"));
}

#[tokio::test]
async fn a_damaged_file_says_so() {
    let place = place();
    let store = open(&place.path).await;
    store.enqueue(now(0), (0..200).map(job).collect()).await.expect("stored");
    store.close().await.expect("closed");
    let mut bytes = std::fs::read(&place.path).expect("read");
    for byte in &mut bytes[4096..] {
        *byte = 0xa5;
    }
    std::fs::write(&place.path, bytes).expect("written");
    assert!(refusal(&place.path).await.contains("damaged"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_starters_make_the_schema_once() {
    let place = place();
    let starters: Vec<_> = (0..8)
        .map(|_| {
            let path = place.path.clone();
            tokio::spawn(async move { SqliteStore::open(SqliteOptions::new(path)).await })
        })
        .collect();
    for starter in starters {
        starter.await.expect("no panic").expect("the file opens");
    }
}

#[tokio::test]
async fn a_foreign_writer_only_delays() {
    let place = place();
    let store = open(&place.path).await;
    let me = worker(&store, 1).await;
    let foreign = Connection::open(&place.path).expect("opens");
    foreign.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let enqueue = store.enqueue(now(1), vec![job(1)]);
    // While the stranger holds the lock, nobody can have judged anybody.
    let began = Instant::now();
    while !store.undisturbed(me).await.expect("an answer") {
        assert!(began.elapsed() < Duration::from_secs(10), "the writer never said that it waits");
        tokio::task::yield_now().await;
    }
    foreign.execute_batch("COMMIT").expect("let go");
    assert!(enqueue.await.expect("stored")[0].created);
    assert!(store.heartbeat(now(2), me).await.expect("an answer").alive);
    assert!(!store.undisturbed(me).await.expect("an answer"), "nobody is in the way now");
}

#[tokio::test]
async fn a_lock_that_stays_is_an_error_that_names_it_and_the_next_call_works() {
    let place = place();
    let mut options = SqliteOptions::new(&place.path);
    options.busy_timeout = Duration::from_millis(100);
    let store = SqliteStore::open(options).await.expect("the file opens");
    let foreign = Connection::open(&place.path).expect("opens");
    foreign.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let error = store.enqueue(now(0), vec![job(1)]).await.expect_err("nobody can write");
    assert!(error.is_transient() && error.to_string().contains("locked by another program"), "{error}");
    assert_eq!(store.counts().await.expect("looking needs no lock").available, 0);
    foreign.execute_batch("COMMIT").expect("let go");
    store.enqueue(now(0), vec![job(1)]).await.expect("stored");
}

#[tokio::test]
async fn a_bad_command_does_not_fail_its_group() {
    let place = place();
    let store = open(&place.path).await;
    // While a stranger holds the lock, all of these gather in one group.
    let foreign = Connection::open(&place.path).expect("opens");
    foreign.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let good: Vec<_> = (0..20).map(|number| store.enqueue(now(0), vec![job(number)])).collect();
    let bad = store.enqueue(now(0), vec![job(100), NewJob::new("mail", "{}")]);
    let more: Vec<_> = (20..40).map(|number| store.enqueue(now(0), vec![job(number)])).collect();
    foreign.execute_batch("COMMIT").expect("let go");
    assert!(matches!(bad.await, Err(StoreError::Refused { .. })), "a job without an id is refused");
    for call in good.into_iter().chain(more) {
        assert!(call.await.expect("stored")[0].created);
    }
    assert_eq!(store.counts().await.expect("counted").available, 40, "nothing of the bad call is stored");
}

#[tokio::test]
async fn one_connection_works_alone_and_keeps_others_out() {
    let place = place();
    let mut options = SqliteOptions::new(&place.path);
    options.single_connection = true;
    let store = SqliteStore::open(options.clone()).await.expect("the file opens");
    let me = worker(&store, 1).await;
    store.enqueue(now(0), vec![job(1)]).await.expect("stored");
    let claim = store.claim(now(0), request(me, 10)).await.expect("claimed");
    assert_eq!((claim.jobs.len(), store.counts().await.expect("counted").running), (1, 1));
    let error = SqliteStore::open(options.clone()).await.expect_err("the file is taken");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    store.close().await.expect("closed");
    let again = SqliteStore::open(options).await.expect("it is free again");
    assert_eq!(again.job(claim.jobs[0].id).await.expect("found").map(|job| job.state), Some(State::Running));
}

#[tokio::test]
async fn another_process_that_writes_raises_the_signal() {
    let place = place();
    let (here, there) = (open(&place.path).await, open(&place.path).await);
    let mut changes = here.signal().listen();
    there.enqueue(now(0), vec![job(1)]).await.expect("stored");
    tokio::time::timeout(Duration::from_secs(10), changes.changed()).await.expect("it is seen").expect("the store lives");
}

#[tokio::test]
async fn a_worker_whose_process_is_gone_is_dead_at_once() {
    let place = place();
    let (here, there) = (open(&place.path).await, open(&place.path).await);
    let (me, gone) = (worker(&here, 1).await, worker(&there, 2).await);
    there.enqueue(now(0), vec![job(1)]).await.expect("stored");
    there.claim(now(0), request(gone, 1)).await.expect("claimed");
    assert!(!here.heartbeat(now(1), me).await.expect("an answer").rescue, "it lives");
    there.close().await.expect("closed");
    assert!(here.heartbeat(now(2), me).await.expect("an answer").rescue, "its lock is free");
    let rescue = here.rescue(now(2), me).await.expect("an answer");
    assert_eq!((rescue.workers, rescue.freed), (1, 1));
}

#[tokio::test]
async fn without_its_side_file_a_worker_is_judged_by_its_beats() {
    let place = place();
    let (here, there) = (open(&place.path).await, open(&place.path).await);
    let (me, other) = (worker(&here, 1).await, worker(&there, 2).await);
    let folder = place.path.with_file_name("jobs.db-workers");
    std::fs::remove_file(folder.join(other.to_string())).expect("removed");
    for second in 1..10 {
        assert!(there.heartbeat(now(second * 5), other).await.expect("an answer").alive);
        assert!(!here.heartbeat(now(second * 5), me).await.expect("an answer").rescue, "it beats");
    }
}

#[tokio::test]
async fn beats_that_waited_together_for_a_lock_judge_nobody() {
    let place = place();
    let (here, there) = (open(&place.path).await, open(&place.path).await);
    let (me, _other) = (worker(&here, 1).await, worker(&there, 2).await);
    assert!(!here.heartbeat(now(1), me).await.expect("an answer").rescue);
    let stranger = Connection::open(&place.path).expect("opens");
    stranger.execute_batch("BEGIN IMMEDIATE").expect("locked");
    for second in [6, 12, 18, 24] {
        let beat = here.heartbeat(now(second), me);
        assert!(tokio::time::timeout(Duration::from_millis(10), beat).await.is_err(), "it is given up");
    }
    stranger.execute_batch("ROLLBACK").expect("free again");
    assert!(!here.heartbeat(now(25), me).await.expect("an answer").rescue, "the other had no time to beat");
}

#[tokio::test]
async fn a_beat_that_was_undone_with_its_group_does_not_count() {
    let place = place();
    let (here, there) = (open(&place.path).await, open(&place.path).await);
    let (me, _other) = (worker(&here, 1).await, worker(&there, 2).await);
    assert!(!here.heartbeat(now(1), me).await.expect("an answer").rescue);
    let stranger = Connection::open(&place.path).expect("opens");
    stranger.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let bad = NewJob::new("mail", "{}");
    let free = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stranger.execute_batch("ROLLBACK").expect("free again");
    };
    // Both wait, so they share a transaction; it fails, and each runs alone.
    let (beat, refused, ()) = tokio::join!(here.heartbeat(now(20), me), here.enqueue(now(20), vec![bad]), free);
    assert!(refused.is_err());
    assert!(!beat.expect("an answer").rescue, "it is the second of three beats");
}

#[tokio::test]
async fn pruning_walks_past_kept_failures_and_from_the_beginning_after_all_went() {
    let place = place();
    let store = open(&place.path).await;
    let raw = Connection::open(&place.path).expect("opens");
    let fill = |state: &str, at: i64, number: i64| {
        let sql = "INSERT INTO jobs_history (id, token, kind, queue, priority, state, run_at, created_at, finished_at, payload, failures, \
                   crashes, snoozes) WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?3) \
                   SELECT randomblob(16), 1, 'mail', 'default', 0, ?1, 0, 0, ?2, '{}', 0, 0, 0 FROM numbers";
        raw.execute(sql, rusqlite::params![state, at, number]).expect("filled");
    };
    let day = 86_400;
    let at = |days: i64| now(days * day).wall.as_microsecond();
    fill("failed", at(0), 1_500);
    fill("completed", at(0), 2_500);
    fill("completed", at(5), 10);
    let keep = |days: u64| Duration::from_secs(days * 86_400);
    let retention = Retention { completed: keep(2), cancelled: keep(2), failed: keep(30) };
    let left = |state: &str| -> i64 {
        raw.query_row("SELECT count(*) FROM jobs_history WHERE state = ?1", [state], |row| row.get(0)).expect("a number")
    };
    for expected in [BITE, BITE, 500, 0] {
        assert_eq!(store.prune(now(6 * day), retention).await.expect("pruned"), expected);
    }
    assert_eq!((left("failed"), left("completed")), (1_500, 10));
    while store.prune(now(40 * day), retention).await.expect("pruned") > 0 {}
    assert_eq!((left("failed"), left("completed")), (0, 0));
    fill("completed", at(41), 5);
    assert_eq!(store.prune(now(50 * day), retention).await.expect("pruned"), 5, "places start again, and so does the walk");
}

/// A transaction that begins by reading and then wants to write fails at once when somebody has written in between, whatever the
/// timeout. So every one that writes begins as one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_call_fails_because_others_write_between_its_reading_and_its_writing() {
    let place = place();
    let stores = [open(&place.path).await, open(&place.path).await];
    let stranger = Connection::open(&place.path).expect("opens");
    stranger.busy_timeout(Duration::from_secs(30)).expect("it waits");
    let enough = Arc::new(AtomicBool::new(false));
    let writing = std::thread::spawn({
        let enough = Arc::clone(&enough);
        move || {
            while !enough.load(Ordering::Relaxed) {
                stranger.execute_batch("UPDATE jobs_tally SET jobs = jobs + 0").expect("it writes");
            }
        }
    });
    let mut working = tokio::task::JoinSet::new();
    for (number, store) in (1..).zip(stores) {
        working.spawn(async move {
            let me = worker(&store, number).await;
            for round in 0..50 {
                let (at, new) = (now(round), job(u64::from(number) << 32 | round.unsigned_abs()));
                store.enqueue(at, vec![new]).await.expect("stored");
                let claim = store.claim(at, request(me, 5)).await.expect("claimed");
                store.reconcile(at, me, Vec::new()).await.expect("handed back");
                store.heartbeat(at, me).await.expect("renewed");
                store.rescue(at, me).await.expect("looked");
                for job in &claim.jobs {
                    store.cancel(at, vec![job.id], "enough".to_owned()).await.expect("cancelled");
                    store.requeue(at, vec![job.id]).await.expect("requeued");
                }
                store
                    .prune(at, Retention { completed: at.steady, cancelled: at.steady, failed: at.steady })
                    .await
                    .expect("pruned");
                store.counts().await.expect("counted");
            }
        });
    }
    working.join_all().await;
    enough.store(true, Ordering::Relaxed);
    writing.join().expect("nobody was in the stranger's way for long");
}

/// Changes of a right row that break one constraint and no other.
const BROKEN: [(&str, &str, &str); 20] = [
    ("jobs_job", "jobs_job_ids", "id = x'0102'"),
    ("jobs_job", "jobs_job_ids", "parent = x''"),
    ("jobs_job", "jobs_job_state", "state = 'done'"),
    ("jobs_job", "jobs_job_state", "state = 'running'"),
    ("jobs_job", "jobs_job_state", "state = 'parked'"),
    ("jobs_job", "jobs_job_state", "state = 'parked', parked_by = '{'"),
    ("jobs_job", "jobs_job_counts", "token = -1"),
    ("jobs_job", "jobs_job_counts", "token = 4611686018427387905"),
    ("jobs_job", "jobs_job_counts", "failures = -1"),
    ("jobs_job", "jobs_job_counts", "failures = 1000000001"),
    ("jobs_job", "jobs_job_counts", "crashes = -1"),
    ("jobs_job", "jobs_job_counts", "crashes = 1000000001"),
    ("jobs_job", "jobs_job_counts", "snoozes = -1"),
    ("jobs_job", "jobs_job_counts", "snoozes = 1000000001"),
    ("jobs_history", "jobs_history_ids", "id = x'0102'"),
    ("jobs_history", "jobs_history_ids", "parent = x''"),
    ("jobs_history", "jobs_history_state", "state = 'done'"),
    ("jobs_history", "jobs_history_state", "state = 'available'"),
    ("jobs_history", "jobs_history_token", "token = -1"),
    ("jobs_history", "jobs_history_token", "token = 4611686018427387905"),
];

/// Changes that go as far as may be.
const KEPT: [(&str, &str); 6] = [
    ("jobs_job", "state = 'running', worker = 1"),
    ("jobs_job", "state = 'parked', parked_by = '[]', parent = id"),
    ("jobs_job", "token = 4611686018427387904, failures = 1000000000, crashes = 1000000000, snoozes = 1000000000"),
    ("jobs_job", "token = 0, failures = 0, crashes = 0, snoozes = 0"),
    ("jobs_history", "token = 0, state = 'failed', parent = id"),
    ("jobs_history", "token = 4611686018427387904, state = 'cancelled'"),
];

#[tokio::test]
async fn each_constraint_refuses_what_breaks_it_and_nothing_else() {
    let place = place();
    let store = open(&place.path).await;
    store.enqueue(now(0), vec![job(1), job(2)]).await.expect("stored");
    store.cancel(now(0), vec![job(2).id.expect("it has one")], "for the history".to_owned()).await.expect("cancelled");
    let stranger = Connection::open(&place.path).expect("opens");
    for (table, constraint, change) in BROKEN {
        let refused = stranger.execute_batch(&format!("UPDATE {table} SET {change}")).expect_err(change).to_string();
        assert!(refused.contains(&format!("CHECK constraint failed: {constraint}")), "{change}: {refused}");
    }
    for (table, change) in KEPT {
        stranger.execute_batch(&format!("BEGIN; UPDATE {table} SET {change}; ROLLBACK")).expect(change);
    }
    let schema: String = stranger
        .query_row("SELECT group_concat(sql) FROM sqlite_schema WHERE type = 'table'", [], |row| row.get(0))
        .expect("the tables");
    let known = schema.split("CONSTRAINT ").skip(1).filter_map(|rest| rest.split_once(" CHECK").map(|(name, _)| name));
    let tried = BROKEN.map(|(_, constraint, _)| constraint);
    assert_eq!(known.collect::<BTreeSet<_>>(), BTreeSet::from(tried), "each constraint is tried");
}

#[tokio::test]
async fn times_that_no_program_can_say_are_the_nearest_that_one_can() {
    let place = place();
    let store = open(&place.path).await;
    store.enqueue(now(0), vec![job(1)]).await.expect("stored");
    let stranger = Connection::open(&place.path).expect("opens");
    stranger.execute_batch("UPDATE jobs_job SET run_at = -9223372036854775808, created_at = 9223372036854775807").expect("taken");
    let me = worker(&store, 1).await;
    assert_eq!(store.claim(now(0), request(me, 10)).await.expect("claimed").jobs.len(), 1);
}

#[tokio::test]
async fn bytes_that_are_no_text_hold_up_no_other_job() {
    let place = place();
    let store = open(&place.path).await;
    let stranger = Connection::open(&place.path).expect("opens");
    for (number, column) in (1..).zip(["kind", "queue", "payload", "name", "tags", "metadata", "tenant", "chain", "errors"]) {
        store.enqueue(now(0), vec![job(number)]).await.expect("stored");
        let change =
            format!("UPDATE jobs_job SET {column} = CAST(x'ff{number:02x}' AS TEXT), priority = -1 WHERE seq = {number}");
        stranger.execute_batch(&change).expect("taken");
    }
    store.enqueue(now(0), vec![job(100)]).await.expect("stored");
    let me = worker(&store, 1).await;
    let claim = store.claim(now(0), request(me, 100)).await.expect("claimed");
    // All but those of a kind and of a queue that nobody can name.
    assert_eq!(claim.jobs.len(), 8);
    let payloads: Vec<&str> = claim.jobs.iter().map(|job| &*job.payload).filter(|payload| *payload != "{}").collect();
    assert_eq!(payloads, [""], "arguments are never guessed");
    assert!(store.rescue(now(1), me).await.expect("looked").parked >= 1, "a kind that nobody knows is parked");
    assert_eq!(store.jobs(JobFilter::default()).await.expect("a look").jobs.len(), 10);
}
