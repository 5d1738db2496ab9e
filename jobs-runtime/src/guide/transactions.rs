//! The caller's transaction: jobs that are stored if your rows are, and jobs whose rows are written if they complete.
//!
//! # Why
//!
//! A sign-up writes a user and sends a mail. Whoever commits the user first and enqueues the mail then loses the mail where the process
//! dies in between; whoever enqueues first welcomes a user that never was. Both in one transaction: both or neither. The same at the
//! other end: a job that books a payment and dies before its completion is on disk books it again. Rows and completion in one
//! transaction: booked once.
//!
//! So the tables of jobs stand in the database of your application, and one statement with one text parameter does it, for whatever
//! driver, language or `psql` you have. No driver is a dependency of ours, so none of yours is too old or too new.
//!
//! The example `examples/events` is a whole web application made like that, on both databases.
//!
//! # Enqueueing inside your transaction
//!
//! [`Client::prepare`](crate::Client::prepare) makes a statement of jobs, and stores nothing. Run it in your transaction: the jobs are
//! there when that commits, and only then. Nobody sees them before.
//!
//! ```standalone_crate
//! use jobs_runtime::{Runtime, job};
//! use rusqlite::{Connection, TransactionBehavior};
//!
//! #[job(queue = "critical")]
//! async fn welcome(email: String) {
//!     let _ = email;
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("app.db");
//! # let url = format!("sqlite://{}", path.display());
//! let runtime = Runtime::builder().store(url).start().await?;
//! let client = runtime.client();
//!
//! let mut database = Connection::open(&path)?;
//! # database.execute_batch("CREATE TABLE users (email TEXT UNIQUE)")?;
//! let tx = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
//! tx.execute("INSERT INTO users (email) VALUES (?1)", ["ann@example.com"])?;
//!
//! let jobs = client.prepare([welcome::job("ann@example.com".into()).name("welcome-ann")])?;
//! let answer: String = tx.query_row(jobs.sql(), [jobs.parameter()], |row| row.get("answer"))?;
//! let enqueued = jobs.answer(&answer)?; // optional: the ids, and whether each is new
//! assert!(enqueued[0].created && enqueued[0].id == jobs.ids()[0]);
//!
//! tx.commit()?;
//! client.wake(); // optional: saves up to a quarter of a second on SQLite
//! # assert!(client.job(enqueued[0].id).await?.is_some());
//! # let tx = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
//! # let jobs = client.prepare([welcome::job("bob@example.com".into())])?;
//! # let _: String = tx.query_row(jobs.sql(), [jobs.parameter()], |row| row.get("answer"))?;
//! # tx.rollback()?;
//! # assert!(client.job(jobs.ids()[0]).await?.is_none());
//! # runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! The statement gives one row with one column, `answer`, whatever the number of jobs: up to 100,000, of one kind or, by
//! [`into_job`](crate::JobBuilder::into_job), of many. With sqlx:
//!
//! ```rust,ignore
//! let jobs = client.prepare([welcome::job(email)])?;
//! let answer: String = sqlx::query_scalar(jobs.sql()).bind(jobs.parameter()).fetch_one(&mut *tx).await?;
//! tx.commit().await?;
//! ```
//!
//! Names and sizes are checked by `prepare`; what else is wrong, such as a payload that is no JSON object, fails in the transaction. There
//! PostgreSQL lets you do nothing more then but roll back, as after any error. On SQLite `delay` counts from `prepare`.
//!
//! # In plain SQL
//!
//! From `psql`, a trigger, a migration or another language: one text, a JSON object or a list of them.
//!
//! ```sql
//! -- PostgreSQL: a function of the schema
//! BEGIN;
//! INSERT INTO users (email) VALUES ('ann@example.com');
//! SELECT place, id, created FROM jobs.enqueue('{"kind": "welcome", "payload": {"email": "ann@example.com"}}');
//! COMMIT;
//!
//! -- SQLite: an insert into a view, which then has the answer
//! BEGIN IMMEDIATE;
//! INSERT INTO users (email) VALUES ('ann@example.com');
//! INSERT INTO jobs_enqueue (jobs) VALUES ('{"kind": "welcome", "payload": {"email": "ann@example.com"}}');
//! SELECT place, id, created FROM jobs_enqueue;
//! COMMIT;
//! ```
//!
//! A statement that is refused undoes itself. PostgreSQL then commits nothing any more; SQLite would commit the rest, so roll back
//! (`sqlite3 -bail` stops at the first error). The `sqlite3` of a distribution is often too old for the file (see [limits](#limits)), and says
//! `no such function: unhex`. The parameter is a text: other JSON on PostgreSQL needs `::text`.
//!
//! As a trigger, so that nobody forgets it:
//!
//! ```sql
//! -- PostgreSQL
//! CREATE FUNCTION welcome_user() RETURNS trigger LANGUAGE plpgsql AS $$
//! BEGIN
//!     PERFORM jobs.enqueue(json_build_object('kind', 'welcome', 'payload', json_build_object('email', NEW.email))::text);
//!     RETURN NULL;
//! END $$;
//! CREATE TRIGGER welcome_user AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION welcome_user();
//!
//! -- SQLite
//! CREATE TRIGGER welcome_user AFTER INSERT ON users BEGIN
//!     INSERT INTO jobs_enqueue (jobs) VALUES (json_object('kind', 'welcome', 'payload', json_object('email', NEW.email)));
//! END;
//! ```
//!
//! Whoever fires it needs the rights on the jobs, too, unless the function is `SECURITY DEFINER`; and on SQLite a program that is new enough.
//!
//! The names `jobs.enqueue`, `jobs.complete`, `jobs_enqueue`, `jobs_complete`, their parameter and their answer are stable, as the rest of
//! the schema is not. On PostgreSQL `jobs` is the schema that `postgres.schema` names, and the functions run with the rights of their caller:
//! [the rights of the role](super::postgres#the-schema-and-its-rights) are enough. One that shall only enqueue needs less:
//!
//! ```sql
//! GRANT USAGE ON SCHEMA jobs TO clerk;
//! GRANT SELECT, INSERT, DELETE ON jobs.job TO clerk;
//! GRANT SELECT ON jobs.history, jobs.kind, jobs.migration TO clerk;
//! ```
//!
//! ## What the JSON may hold
//!
//! | key | is | where it is missing |
//! |---|---|---|
//! | `kind` | the stored name of the job, needed | |
//! | `payload` | an object of the arguments by name; or a text that holds such an object, which is taken word for word | `{}` |
//! | `queue` | a name | that of the kind, else `default` |
//! | `priority` | −32,768 to 32,767, smaller first | that of the kind, else 0 |
//! | `tags` | a list of names; this, `metadata` and `chain` may be texts that hold JSON, too | those of the kind |
//! | `run_at` | `"2026-05-01T12:00:00Z"`, or microseconds since the Unix epoch | now |
//! | `delay` | milliseconds from now; excludes `run_at` | none |
//! | `id` | a UUID of your own, so that the call may be repeated | one is made |
//! | `name` | unique among live jobs | none |
//! | `retries` | a number from 0 | what the kind says where it runs |
//! | `timeout` | milliseconds | what the kind says where it runs |
//! | `metadata` | an object | none |
//! | `tenant`, `user` | texts | none |
//! | `parent` | the id of the job on which it follows | none |
//! | `chain` | what follows on it, as `JobRecord::chain` shows it | nothing |
//!
//! What a kind says is what the worker that started last has told of it: a row made by SQL is like one of the client. A kind that no
//! worker has told of yet is stored all the same. An unknown key, a wrong type, a name that is none: the statement fails, and says
//! why; on PostgreSQL with all mistakes at once, and in which job each is. A key given twice counts once. Numbers of more than 2⁵³ and the spelling of floats survive in a `payload` that is a text, whatever wrote it; as an object,
//! they are as your JSON library writes them.
//!
//! # Duplicates
//!
//! A job whose id is alive, or ended within the last day, is not stored again; nor is one whose name a live job bears. That is no error:
//! the transaction goes on, and the answer has the id that is there, with `created` false. Two of one call are judged in their order.
//!
//! On PostgreSQL a name or an id that another open transaction has just used is waited for: if that one commits, yours is the duplicate;
//! if it rolls back, yours is stored. A job with an id of its own needs `READ COMMITTED`, which is the default: at a stricter level the
//! transaction would not see that the job has finished since it began, so the statement refuses. Other jobs may be enqueued at any level,
//! and a conflict there is a `serialization_failure`, to be tried again as any other. Where the answer to the commit of such a transaction
//! was lost, look whether the job is there before the statement is run again.
//!
//! # Wake-ups
//!
//! Jobs of your transaction run as soon as those of the client: on PostgreSQL a NOTIFY goes out with the commit. On SQLite each process
//! looks four times a second whether anybody has written; [`Client::wake`](crate::Client::wake), called after the commit, makes the
//! own process look at once. Forgetting it costs those 250 ms and nothing else.
//!
//! PostgreSQL sends the notifications of all databases through one lock, which many commits at once will feel. `SET LOCAL jobs.notify = off`
//! in your transaction goes without; the job then waits for whatever else makes a worker look. A pooler in transaction mode is no matter.
//!
//! # A unit of work
//!
//! A job may borrow by `&mut` what is made for its run alone. A transaction is the most useful: what the job writes, and that it has
//! completed, become one commit.
//!
//! ```standalone_crate
//! use jobs_runtime::{Runtime, Statement, job};
//! use rusqlite::Connection;
//! use tokio::task::block_in_place;
//!
//! /// A transaction that is rolled back when it is dropped, since its connection is closed.
//! struct Ledger(Connection);
//!
//! #[job]
//! async fn book(ledger: &mut Ledger, cents: i64) -> Result<(), rusqlite::Error> {
//!     ledger.0.execute("UPDATE account SET cents = cents + ?1", [cents])?;
//!     Ok(()) // and if the process dies here, nothing has happened
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("app.db");
//! # let url = format!("sqlite://{}", path.display());
//! # let file = path.clone();
//! let runtime = Runtime::builder()
//!     .store(url)
//!     .provide_transaction(
//!         move |_scope| {
//!             let path = path.clone();
//!             async move {
//!                 block_in_place(|| {
//!                     let connection = Connection::open(path)?;
//!                     connection.execute_batch("BEGIN IMMEDIATE")?; // may wait for other writers
//!                     Ok(Ledger(connection))
//!                 })
//!             }
//!         },
//!         |Ledger(connection), completion: Statement| async move {
//!             block_in_place(|| {
//!                 connection.execute(completion.sql(), [completion.parameter()])?;
//!                 Ok(connection.execute_batch("COMMIT")?)
//!             })
//!         },
//!     )
//!     .start()
//!     .await?;
//! # let database = Connection::open(file)?;
//! # database.execute_batch("CREATE TABLE account (cents INTEGER); INSERT INTO account VALUES (0)")?;
//! let id = book::job(250).enqueue(runtime.client()).await?;
//! # while runtime.client().job(id).await?.is_some_and(|job| job.state != jobs_runtime::State::Completed) {
//! #     tokio::time::sleep(std::time::Duration::from_millis(5)).await;
//! # }
//! # assert_eq!(database.query_row("SELECT cents FROM account", [], |row| row.get::<_, i64>(0))?, 250);
//! # runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! rusqlite blocks. `block_in_place` lets the runtime go on with other jobs meanwhile, among them the one that has the lock: without it a few
//! jobs that wait in `BEGIN` would take every thread, and the one for which they wait could not go on. (In a test it wants
//! `#[tokio::test(flavor = "multi_thread")]`.) The `Transaction` of rusqlite borrows its connection, so a job takes a struct that owns that.
//!
//! With a pool of sqlx, the job takes `tx: &mut Transaction<'_, Postgres>`, and the runtime is told how one begins and ends:
//!
//! ```rust,ignore
//! Runtime::builder()
//!     .provide(pool)
//!     .provide_transaction(
//!         |scope| async move { Ok(scope.service::<PgPool>()?.begin().await?) },
//!         |mut tx: Transaction<'static, Postgres>, completion: Statement| async move {
//!             sqlx::query(completion.sql()).bind(completion.parameter()).execute(&mut *tx).await?;
//!             Ok(tx.commit().await?)
//!         },
//!     )
//! ```
//!
//! The order of a run: the arguments are decoded; the transaction begins, after all else that is made for the run; the fn runs; its output is
//! encoded; the completion is written in the transaction; commit. Where anything before the commit goes wrong, the transaction is dropped,
//! which must roll it back ([by driver](#drivers)), and the run is a failure like any other:
//!
//! | what happens | your rows | the job |
//! |---|---|---|
//! | `Err`, a panic, a timeout, a cancellation | rolled back | tries again, or ends as it does without a transaction |
//! | the process dies before the commit | rolled back by the database | runs again |
//! | the lease was lost meanwhile: somebody else has the job | the completion fails, and with it the commit | is the other's |
//! | the commit fails | rolled back | tries again |
//! | the second closure answers `Ok`, but has not run the statement, or not committed | as it left them | fails at once, and says so |
//! | the answer to the commit is lost | as the database says | is looked up under its id and token: completed if it was committed, else tried again |
//!
//! What the job enqueues by `client.prepare` in its transaction is part of the unit, too: so one job hands over to the next exactly once.
//! A [chain](super::enqueuing#chains) is, in any case.
//!
//! They are found by workers at once. `&mut` is not for transactions alone: see [services of one
//! run](super::signatures#services-of-one-run).
//!
//! ## Completing by hand
//!
//! `SELECT jobs.complete($1)`, or `INSERT INTO jobs_complete (outcomes) VALUES (?1)` on SQLite, is what the runtime runs: an object or a list of
//! them, with `id` and `token`, and if wanted `output`, `note`, `started_at` (microseconds) and `followers` (jobs, as above). If one of
//! them does not run under this token any more, PostgreSQL raises `JB001`, so that the transaction can only be rolled back; SQLite rolls it
//! back at once. A driver that counts transactions by itself does not hear of that: a connection of sqlx to SQLite would begin nothing any
//! more, and must not go back to its pool so. `examples/events/src/db.rs` has the four lines for that, and a test of them.
//!
//! # What is promised
//!
//! - **Together or not at all**: your rows and the jobs of one transaction; the rows of a unit of work and its completion.
//! - **Exactly once** for what a unit of work writes into the database of the jobs: however often it is begun, one run of it commits.
//! - **At least once** for the rest: a mail, a call, a row in another database. Give those a key that makes the second time harmless, such
//!   as the job's id (`ctx.id()`), or let the unit enqueue a job that does them.
//!
//! # Limits
//!
//! - **One database.** On SQLite the rows and the jobs are in one file; `ATTACH` is no way around it, since a commit over two files is not
//!   atomic in WAL mode. Where your application made the file first, `sqlite.shared = true` lets jobs add its tables, all named `jobs_…`.
//!   On PostgreSQL it is one database, whatever the schemas.
//! - **SQLite 3.51.3 or later**, in every program that opens the file. With an older one jobs keep the file to themselves
//!   ([why](super::promises)), and `prepare` says so.
//! - **SQLite has one writer.** From `BEGIN IMMEDIATE` to the commit nobody else writes, neither rows nor jobs, heartbeats included. So a unit of
//!   work there has a third of the lease (5 s), and fails after that, at its next `.await`: do what takes long before, in a job of its own. What the job
//!   enqueues by the client, and not by `prepare` in its transaction, waits for that transaction, and so for itself. Begin with
//!   `BEGIN IMMEDIATE`: a transaction that reads first and writes later fails where somebody wrote in between.
//! - **On PostgreSQL** a transaction that stays open for long keeps autovacuum from its work, here as anywhere
//!   ([what to watch](super::postgres#what-to-watch)). One that has completed its job and then neither commits nor dies, since its process is
//!   frozen or its connection has gone dark, holds the job's row: nobody else has the job before the server gives up the session. Say how
//!   long that may be by `idle_in_transaction_session_timeout` and the TCP keepalives of your pool.
//! - **The memory store** has no SQL: `prepare` and jobs with a transaction are refused. Tests take a file in a temporary folder.
//! - **No triggers of yours on our tables.** One that enqueues there would spoil the answer of the call that fired it.
//! - **A role of the name of the schema.** PostgreSQL looks for tables in the schema that is called like the role first (`search_path` is
//!   `"$user", public`). A role `jobs` would so find its own new tables beside ours from the second start on: call one of them
//!   otherwise, or `ALTER DATABASE app SET search_path = public`.
//! - **Whose file it is.** A file that jobs made can be read by its owner alone (0600); one that your application made keeps its mode. It is
//!   in WAL mode from then on, and has a folder `…-workers` beside it. What `jobs_enqueue` shows outside of your transaction may be the answer
//!   to somebody else.
//!
//! # Drivers
//!
//! Each is shown below `tests/drivers`, with commit, rollback, duplicates, a lost lease and a killed process. `jobs` is what `prepare` gave,
//! `tx` the transaction.
//!
//! | driver | the jobs | the unit of work: what a job takes, and how it begins and ends |
//! |---|---|---|
//! | sqlx 0.8 and 0.9, PostgreSQL | `query_scalar(jobs.sql()).bind(jobs.parameter()).fetch_one(&mut *tx).await?` | `&mut Transaction<'_, Postgres>`: `pool.begin()`, `tx.commit()` |
//! | tokio-postgres 0.7 | `tx.query_one(jobs.sql(), &[&jobs.parameter()]).await?.try_get("answer")?` | `&mut Client`, a connection of its own: `BEGIN`, `COMMIT`; dropped, it closes |
//! | deadpool-postgres 0.14 | the same | `&mut` a struct with an `Option<Client>`: `BEGIN`, `COMMIT`; its `Drop` takes the client out of the pool, which would lend it on with the transaction open |
//! | diesel 2.3, PostgreSQL | `sql_query(jobs.sql()).bind::<Text, _>(jobs.parameter()).get_result::<Answer>(tx)?` | `&mut PooledConnection<..>`: `begin_transaction`, `commit_transaction` of its transaction manager; dropped, the pool throws it away |
//! | diesel-async 0.9 | the same with `.await` | `&mut AsyncPgConnection`, a connection of its own: as above |
//! | sea-orm 2 | `tx.query_one_raw(Statement::from_sql_and_values(Postgres, jobs.sql(), [jobs.parameter().into()])).await?` | `&mut DatabaseTransaction`: `db.begin()`, `tx.commit()` |
//! | rusqlite | `tx.query_row(jobs.sql(), [jobs.parameter()], \|row\| row.get("answer"))?` | `&mut Connection`, one of its own: `BEGIN IMMEDIATE`, `COMMIT`; dropped, it closes |
//! | sqlx 0.9, SQLite | as on PostgreSQL, in `pool.begin_with("BEGIN IMMEDIATE")` | `&mut Transaction<'_, Sqlite>`: `begin_with`, `tx.commit()`; if the completion fails, the connection leaves the pool, or runs `BEGIN` once, so that sqlx has something to roll back |
//! | diesel 2.3, SQLite | as on PostgreSQL, in `immediate_transaction` | `&mut SqliteConnection`, one of its own: `begin_transaction_sql(.., "BEGIN IMMEDIATE")`, `commit_transaction`; dropped, it closes |
//!
//! `Answer` is `#[derive(QueryableByName)] struct Answer { #[diesel(sql_type = Text)] answer: String }`. Where a driver blocks (rusqlite,
//! diesel), a job makes its calls in `tokio::task::block_in_place`.
//!
//! One program links SQLite once, so other crates decide on its version: beside sqlx 0.8 or sea-orm 1, whichever database those are used
//! for, it is 3.46, and no transaction of yours can hold jobs in a file. Beside sqlx 0.9, sea-orm 2, diesel 2.3 or loco 1.2 it is one that can.
