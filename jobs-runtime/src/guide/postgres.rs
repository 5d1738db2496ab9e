//! Many machines: the same jobs on PostgreSQL, by one changed URL.
//!
//! ```no_run,standalone_crate
//! # #[jobs_runtime::job] async fn clean_up() {}
//! # #[tokio::main]
//! # async fn main() -> Result<(), jobs_runtime::Error> {
//! jobs_runtime::Runtime::builder().store("postgres://app:secret@db.example/app").run().await
//! # }
//! ```
//!
//! Or `JOBS_STORE=postgres://…` in the environment, or `store = "${DATABASE_URL}"` in `jobs.toml`. The feature `postgres` is on by
//! default. PostgreSQL 12 or later.
//!
//! # What is the same, and what is not
//!
//! Every promise of [the page on promises](super::promises) holds; the suite for stores shows it. What differs by nature:
//!
//! | | SQLite | PostgreSQL |
//! |---|---|---|
//! | processes | many, on one host | many, on many hosts |
//! | whose time | that of the host | that of the server: the clocks of the hosts may differ |
//! | a killed process is found | at the next heartbeat of another, or at the next start | when its lease has run out, 15 s after its last heartbeat |
//! | a frozen process is found | after 15 to 26 s | when its lease has run out |
//! | a new job is seen by other processes | within 250 ms | at once, by NOTIFY |
//! | finished jobs go | one by one when their time has come | a day at a time: they may stay up to a day longer |
//! | what a commit survives | `sqlite.synchronous` | `synchronous_commit` of the server; its default survives a power cut |
//!
//! # The URL
//!
//! `postgres://USER:PASSWORD@HOST:PORT/DATABASE?…`, with `%` escapes where a password has `@`, `:` or `/`. It is never logged with
//! its password. Behind the `?` stand parameters by the names that libpq has for them:
//!
//! | parameter | |
//! |---|---|
//! | `sslmode` | `disable`; `prefer` (default) and `require` encrypt but believe any certificate; `verify-full` believes only good ones |
//! | `sslrootcert` | a file of trusted certificates (PEM); the system's own unless given |
//! | `application_name`, `connect_timeout`, `target_session_attrs`, `host`, `port`, … | as in libpq |
//! | `schema`, `pooled` | ours; they go before the options `postgres.schema` and `postgres.pooled` |
//!
//! # The schema and its rights
//!
//! The tables are made on the first start, in the schema `jobs` (or `postgres.schema`), by whichever process comes first; the others
//! wait. Later releases add to them in the same way, and never take away, so that the release before goes on working while you
//! replace one machine after the other. Let one role with more rights make them, and another one work with them:
//!
//! ```sql
//! -- once, by an administrator:
//! CREATE ROLE app LOGIN PASSWORD '…';
//! CREATE SCHEMA jobs;          -- then the SQL of jobs_runtime::store::postgres::schema_sql("jobs")
//! GRANT USAGE ON SCHEMA jobs TO app;
//! GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO app;
//! GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO app;
//! ```
//!
//! Such a role needs nothing else: what is there is not made again, and `postgres.migrate = false` says so. It cannot make or drop the
//! days of the history, so finished jobs are then kept in one table and removed row by row.
//!
//! # Connections
//!
//! A process has up to seven connections, each opened when it is first needed: for enqueues, claims, outcomes, heartbeats and all
//! else, to notify and to listen. How many jobs run at once has nothing to do with it. A program that only enqueues has four.
//!
//! Through PgBouncer in transaction mode set `postgres.pooled = true` (or `?pooled=true` in the URL): nothing is prepared, no setting
//! outlives its transaction, and instead of listening each process looks once a second. The pool needs no more connections than
//! calls that are under way at once; four serve several processes.
//!
//! A host in the URL may be several (`host=a,b&target_session_attrs=read-write`), and a folder with a socket (`host=%2Frun%2Fpostgresql`).
//! A login by password over TLS is bound to the connection where the certificate is signed with SHA-256 or SHA-384
//! (`channel_binding=require` insists on it).
//!
//! # When the server is away
//!
//! A process that has started goes on by itself when the server is back: after a restart, a failover, terminated connections, a full
//! connection table, a network that swallows everything. [`Health`](crate::Health) says what fails meanwhile, and the log has it. A
//! process that starts while the server is away ends with an error that says where it looked and what it met.
//!
//! Every call ends in time. Where the server stays silent its connection is given up, since it cannot be told from one that is gone, and
//! the next call gets a new one:
//!
//! | call | ends | then |
//! |---|---|---|
//! | an enqueue, and whatever else you call | after `postgres.deadline`, 30 s | you get an error, and whether it took effect is unknown: repeat an enqueue under the same id |
//! | a claim, a group of outcomes | after a third of it without any answer | made again |
//! | a heartbeat | after a sixth of the lease without any answer | made again at once on a new connection, so that one dead connection costs no lease |
//! | whatever goes to a host that acknowledges nothing | after 10 s (`tcp_user_timeout` in the URL), where the system can tell | as above |
//!
//! New attempts to connect wait for 50 ms at first and for 5 s at most, each time by another chance, so that processes do not come
//! all at once. A process that gets no heartbeat through for four fifths of its lease lets go of its jobs before others may take them.
//!
//! Locks of others are waited for, and given up after half of the limit: a job whose row somebody locks is passed over by claims, its
//! outcome is written when the lock is gone, and a lease is renewed even while the whole table of jobs is locked.
//!
//! After a failover to a replica that was behind, what the old server had not sent on is lost, as with everything in that database.
//!
//! # What to watch
//!
//! - `SELECT state, count(*) FROM jobs.job GROUP BY state`, and the age of the oldest `available` job.
//! - Transactions that stay open for long, anywhere in the database: they keep PostgreSQL from removing old row versions
//!   (`SELECT max(now() - xact_start) FROM pg_stat_activity`).
//! - `pg_stat_user_tables.n_dead_tup` of `jobs.job`. Its autovacuum settings come with the table.
//!
//! A backup is that of the database. A restored one runs what had ended since then again, and fires passed ticks once.

// The page names the store's own options.
#[cfg(test)]
mod tests {
    #[test]
    fn the_options_of_the_page_are_options() {
        let page = include_str!("postgres.rs");
        for option in ["postgres.schema", "postgres.pooled", "postgres.deadline", "postgres.migrate"] {
            assert!(crate::settings::OPTIONS.iter().any(|known| known.path == option) && page.contains(option), "{option}");
        }
    }
}
