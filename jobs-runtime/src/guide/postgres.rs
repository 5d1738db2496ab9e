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
//! `cargo run -p examples --bin machines` shows a web process and two workers that share the work, on a file of one host;
//! `JOBS_STORE=postgres://… cargo run -p examples --bin machines` shows them on a database. Kill one of them and look.
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
//! | a new job, a wish to cancel, a pause or a resume is seen by other processes | within 250 ms | at once, by NOTIFY |
//! | a frozen process wakes | it may run what it holds until it looks at its lease: its outcomes are void | the same |
//! | jobs enqueued by several processes at the same moment | in the order in which they were stored | in either order; a later one never comes first |
//! | finished jobs go | one by one when their time has come | a day at a time: they may stay up to a day longer |
//! | a job of a higher priority that comes | goes before all that wait | may go behind what is claimed in the next 20 ms ([longer](#what-to-watch) where a transaction stays open) |
//! | the character NUL in the text of an error | is kept | becomes U+FFFD; an argument is JSON, which has none |
//! | what grows without bound | nothing: the file uses its pages again | nothing, if autovacuum can do its work ([what to watch](#what-to-watch)) |
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
//! wait. The role needs the right to create a schema in the database, or to create in this one (`GRANT CREATE ON SCHEMA`).
//!
//! Or let one role with more rights make the tables, and another one work with them. It needs this and nothing else:
//!
//! ```sql
//! CREATE ROLE app LOGIN PASSWORD 'secret';
//! -- and the SQL of jobs_runtime::store::postgres::schema_sql("jobs")
//! GRANT USAGE ON SCHEMA jobs TO app;
//! GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO app;
//! GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO app;
//! ALTER DEFAULT PRIVILEGES IN SCHEMA jobs GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app;
//! ALTER DEFAULT PRIVILEGES IN SCHEMA jobs GRANT USAGE ON SEQUENCES TO app;
//! ```
//!
//! What is there is not made again; `postgres.migrate = false` says that it shall not be made or changed even where the role may; the
//! days of the history are made all the same.
//!
//! Finished jobs lie in one table for each day (UTC) and state: `history_completed_20400131`. Whoever starts makes the tables of
//! today and the next two days, every process goes on making them, and a day whose last job may go is dropped whole, which costs
//! nothing, however many jobs it had. What ends on a day that has no table goes to `history_completed_other` and leaves it row by
//! row, up to 1,000 in a statement. The role above cannot make days, so all its finished jobs go that way. For
//! more than some hundred thousand jobs a day let it make them, which it may once it owns the history:
//!
//! ```sql
//! GRANT CREATE ON SCHEMA jobs TO app;
//! ALTER TABLE jobs.history OWNER TO app;
//! ALTER TABLE jobs.history_completed OWNER TO app;
//! ALTER TABLE jobs.history_completed_other OWNER TO app;
//! ALTER TABLE jobs.history_failed OWNER TO app;
//! ALTER TABLE jobs.history_failed_other OWNER TO app;
//! ALTER TABLE jobs.history_cancelled OWNER TO app;
//! ALTER TABLE jobs.history_cancelled_other OWNER TO app;
//! ```
//!
//! A day is attached under a lock on the catch-all alone. Whoever would have to wait for that lock for more than 0.1 s, or to hold
//! it for more than 2 s, tries again at the next prune, about ten minutes later.
//!
//! # Sizing
//!
//! - **Connections**: eight a process at most (see below), whatever the number of jobs that run at once. So `max_connections` of the
//!   server, 100 unless changed, is enough for a dozen processes beside the rest; for more raise it, or put a pooler between.
//! - **`postgresql.conf`**: nothing has to be set. What helps every database that writes much helps here: `shared_buffers` of a
//!   quarter of the memory, `max_wal_size` of some gigabytes so that checkpoints are rare, `checkpoint_timeout = '15min'`.
//!   `synchronous_commit = off` makes commits cheaper and loses the last moments in a power cut, which includes jobs that `enqueue`
//!   answered for: leave it on. Nothing needs extensions or a superuser.
//! - **Autovacuum** must be on. Every job is a row that is inserted, updated once and deleted, so `jobs.job` brings its own
//!   thresholds (it is cleaned after 2,000 dead rows, whatever its size, without pauses).
//! - **Processes**: one process runs as many jobs at once as `concurrency` says (64), so add a process when its processor is busy, or
//!   to survive the loss of a machine, and not before. Jobs that wait for something else want a higher `concurrency` instead. If jobs
//!   wait while the processes are idle, look at the queues that they serve (`only_queues`, `queues.<name>.concurrency`), and whether one is paused.
//! - **Disk**: a finished job takes its arguments, its output and about 250 bytes, for the time of `retention.completed` (1 d) and up
//!   to a day more.
//!
//! # Connections
//!
//! A process has up to eight connections, each opened when it is first needed: for enqueues, claims, outcomes, heartbeats, duties
//! (rescues, schedules, commands), for what people look at, to notify and to listen. How many jobs run at once has nothing to do with it. A program that only enqueues has four.
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
//! outcome is written when the lock is gone, and a lease is renewed even while the whole table of jobs is locked. A process that is frozen
//! while it fires ticks holds those schedules until the server ends its session, after `postgres.deadline`; what passed meanwhile is dealt
//! with as their misfire policies say.
//!
//! After a failover to a replica that was behind, what the old server had not sent on is lost, as with everything in that database.
//!
//! # Upgrades
//!
//! A release may add to the schema, and never takes away what the release before it needs. So:
//!
//! 1. Bring the schema up: start one process of the new release, or open the store once with the role that owns the tables
//!    ([`Client::connect_to`](crate::Client::connect_to) with its URL), and end it. `schema_sql` is for a schema that is not there yet.
//! 2. Replace one machine after the other. Old and new processes take jobs from the same tables meanwhile; what the old build cannot
//!    decode waits, parked, for the new one ([parked jobs](super::running#parked-jobs)).
//! 3. To go back, put the old release in place again: the schema stays.
//!
//! A program meets a schema that it is too old for only if two releases are passed over at once. Then it refuses to start, and says
//! which schema it found. How far a schema is stands in `jobs.migration`.
//!
//! A new major version of PostgreSQL, by `pg_upgrade` or by dump and restore, is no matter of jobs: stop the processes, upgrade,
//! start them.
//!
//! # Backup and restore
//!
//! A backup of the database has the jobs in it, and is consistent. The schema alone is taken and put back by
//!
//! ```sh
//! pg_dump --format=custom --schema=jobs --file=jobs.dump app
//! pg_restore --clean --if-exists --single-transaction --dbname=app jobs.dump
//! ```
//!
//! While a dump is taken no day is made or dropped, which is why days are made ahead.
//!
//! **Stop all processes before a restore.** Tokens go back with the rows: a worker that was not stopped may hold a token that is given
//! out a second time, and then two outcomes would count. After a restore
//!
//! - jobs that ended since the backup was taken run again, and jobs that were enqueued since are gone;
//! - jobs that ran at that time have a worker that is no more: they are freed at once, count one crash, and run again;
//! - ticks that passed since were missed, and follow the [policy](super::schedules#missed-ticks) of their schedule, as after any
//!   standstill; those that waited for a run then get their jobs; pauses and other changes by hand are as they were at that time;
//! - the queues that were paused at that time are paused again, and no others;
//! - ids of jobs that were enqueued since are forgotten, so that repeating such an enqueue stores the job anew. A caller that still
//!   knows what it asked for can so bring back what was lost.
//!
//! To go back to a moment for the whole database (point-in-time recovery) is the same. A copy for tests has the jobs in it, and a
//! process that is started on it would run them. Empty it first, and with it the schedules that the store alone has and all that people
//! changed by hand:
//!
//! ```sql
//! TRUNCATE jobs.job, jobs.worker, jobs.dead_worker, jobs.schedule, jobs.tick, jobs.paused_queue;
//! ```
//!
//! # What to watch
//!
//! [`Client::counts`](crate::Client::counts) and [`Health`](crate::Health) say what a program can know. The rest is for SQL; a role
//! with the rights above may ask all of it.
//!
//! What waits, and for how long. If `oldest` grows, there are too few workers, or none for that queue, or it stands in `jobs.paused_queue`:
//!
//! ```sql
//! SELECT queue, kind, count(*) AS waiting, max(now() - run_at) AS oldest
//! FROM jobs.job WHERE state = 'available' GROUP BY queue, kind ORDER BY oldest DESC;
//! ```
//!
//! What is parked or tried again, and why:
//!
//! ```sql
//! SELECT state, kind, left(error, 80) AS why, count(*) FROM jobs.job
//! WHERE state IN ('parked', 'retryable') GROUP BY state, kind, why ORDER BY count(*) DESC LIMIT 20;
//! ```
//!
//! Who works. A worker that has been silent for longer than its lease is dead, and freed by the others:
//!
//! ```sql
//! SELECT name, build, started_at, now() - renewed_at AS silent,
//!        (SELECT count(*) FROM jobs.job WHERE job.worker = worker.seq AND state = 'running') AS holds
//! FROM jobs.worker ORDER BY name;
//! ```
//!
//! What has been running longest, and where:
//!
//! ```sql
//! SELECT worker.name, job.kind, job.id, now() - job.started_at AS running
//! FROM jobs.job JOIN jobs.worker ON worker.seq = job.worker
//! WHERE job.state = 'running' ORDER BY job.started_at LIMIT 20;
//! ```
//!
//! How many jobs ended in each minute of the last hour, and how:
//!
//! ```sql
//! SELECT date_trunc('minute', finished_at) AS minute, state, count(*)
//! FROM jobs.history WHERE finished_at > now() - interval '1 hour' GROUP BY minute, state ORDER BY minute;
//! ```
//!
//! The days of the history and their sizes. Jobs of today in `…_other` mean that nobody may make days:
//!
//! ```sql
//! SELECT relname AS day, pg_size_pretty(pg_total_relation_size(oid)) AS size
//! FROM pg_partition_tree('jobs.history') JOIN pg_class ON oid = relid WHERE isleaf ORDER BY relname;
//! ```
//!
//! Whether autovacuum keeps up. `dead` of `job` should stay in the thousands:
//!
//! ```sql
//! SELECT relname, n_live_tup AS live, n_dead_tup AS dead, last_autovacuum FROM pg_stat_user_tables
//! WHERE schemaname = 'jobs' AND relname IN ('job', 'worker', 'tally') ORDER BY relname;
//! ```
//!
//! What keeps it from that: transactions that stay open, anywhere in the database, and replication slots that nobody reads.
//! Claims stay as fast meanwhile, since each goes on where the last one ended, but the table grows; and a job with a higher priority than
//! those that wait, or of a kind of which none waited, may be seen some seconds later while there is other work:
//!
//! ```sql
//! SELECT pid, usename, application_name, state, now() - xact_start AS open, left(query, 60) AS query
//! FROM pg_stat_activity WHERE xact_start < now() - interval '1 minute' ORDER BY xact_start;
//! SELECT slot_name, active, xmin, catalog_xmin FROM pg_replication_slots WHERE xmin IS NOT NULL OR catalog_xmin IS NOT NULL;
//! ```
//!
//! Who waits for whom:
//!
//! ```sql
//! SELECT pid, pg_blocking_pids(pid) AS waits_for, wait_event, now() - query_start AS since, left(query, 60) AS query
//! FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0;
//! ```
//!
//! The connections of this program are named `jobs` there, or as `application_name` of the URL says.

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
