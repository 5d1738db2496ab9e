//! What is promised, what is not, and what becomes of jobs when something breaks.
//!
//! # Promised
//!
//! 1. **A job that `enqueue` answered for is on the disk.** It is executed at least once, or stands in a state that a person can
//!    see.
//! 2. **Enqueueing may be repeated.** An id that is alive, or that ended within the last day, is not stored again.
//! 3. **One valid lease.** Each claim gives the job a new token, and an outcome counts only under the newest one. A late answer
//!    changes nothing, and is counted ([`Totals::stale`](crate::health::Totals)).
//! 4. **One execution at a time**, but for a process that was frozen, and code that goes on although it was stopped. Their
//!    answers are void.
//! 5. **Attempts are failures plus one.** A crash, a hand-back, a snooze and parking use none.
//! 6. **At most one job for a tick**, whoever tries, with no leader.
//! 7. **An unknown kind is never failed, never deleted and never in the way**, and is reported.
//! 8. **A dropped future does no harm.** A call of the client takes effect wholly or not at all.
//! 9. **The engine comes back by itself** when the store does: every wait on it has a deadline, every part is started anew.
//! 10. **No argument and no text of a job's error is logged** at info or above. (A panic is printed by Rust's own panic hook.)
//!
//! # Not promised
//!
//! - **Exactly once.** A job may run again after a crash, a lost lease or a power cut, also if it had done its work: write it so
//!   that a second run does no harm, such as by the job's id as a key.
//! - **Order.** Jobs begin in order of (priority, time due, order of enqueue), but they run at once and end in any order.
//! - **Many machines.** A file belongs to one host. Network file systems are refused where they are recognised (on Linux).
//! - **A second write beside the job.** Enqueueing is a transaction of its own, not one with your database.
//!
//! # The life of a job
//!
//! ```text
//!            delay, at                    ┌──────── snooze ────────┐
//! enqueue ──────────────► scheduled ◄─────┘                        │
//!    │                        │ its time comes                     │
//!    │                        ▼             claim                  │
//!    └─────────────────► available ─────────────────────────► running ──► completed
//!                         ▲  ▲  ▲ ◄── hand-back, rescue ──────┘ │  │ ├──► failed
//!                         │  │  └───── retryable ◄── failure ───┘  │ └──► cancelled
//!                         │  └──────── parked ◄── does not decode ─┘
//!                         └─────────── completed, failed, cancelled, by requeue
//! ```
//!
//! A job that waits may be cancelled, and one that is available is parked when no live worker knows its kind. `blocked` is a
//! state that no job enters yet. [`lifecycle`](crate::lifecycle) has every move with its cause; this is the same table, shorter:
//!
//! ```
//! use jobs_runtime::State;
//! use jobs_runtime::lifecycle::MOVES;
//!
//! let next = |from: State| {
//!     let moves = MOVES.iter().filter(|(state, ..)| *state == from);
//!     moves.map(|(_, to, _)| to.as_str()).collect::<Vec<_>>().join(" ")
//! };
//! assert_eq!(next(State::Scheduled), "available cancelled");
//! assert_eq!(next(State::Available), "running cancelled parked");
//! assert_eq!(next(State::Running), "completed retryable scheduled available failed cancelled parked");
//! assert_eq!(next(State::Retryable), "available cancelled");
//! assert_eq!(next(State::Parked), "available cancelled");
//! assert_eq!(next(State::Blocked), "available cancelled");
//! assert_eq!(next(State::Completed), "available");
//! assert_eq!(next(State::Failed), "available");
//! assert_eq!(next(State::Cancelled), "available");
//! ```
//!
//! # Leases
//!
//! A process, not a job, has the lease: it is renewed every 5 s for 15 s (`heartbeat`, `lease`), so a job may run for days. The
//! process counts from the moment at which it *sent* the last renewal. If none was granted for 12 s (the lease less a fifth) it
//! lets go of everything by itself: it asks its jobs to stop, drops them 1.5 s later, forgets their outcomes, and begins again as
//! another worker. Others may judge it after 15 s at the earliest.
//!
//! Each worker holds the lock of a file in `jobs.db-workers`, which the system frees when the process ends. So a process that is
//! gone is found at the next heartbeat of another worker, or at once when a worker starts. One that is frozen is judged by its
//! counter in the file, on the judge's steady clock, and only while the judge's own heartbeats are written.
//!
//! # Crashes, probation, quarantine
//!
//! Nothing tells which of the jobs that a process held has killed it. All of them count one crash and go *on probation*: each
//! process runs at most one such job at a time, and fetches none ahead. A job that brings down its process three times on
//! probation is quarantined: it ends as failed, with an error that says so. A failure or a snooze shows that the job is alive,
//! and clears its crashes. A worker that merely lost its lease takes back the crashes that this cost its jobs.
//!
//! Two things follow. What a killed process held runs again one job at a time in each process, until each has ended once: after a
//! kill, long jobs take longer than before it. And a kill from outside looks like any other: a job that outlives four of them,
//! with no end of its own between, is quarantined. So give the process time to stop: `shutdown.drain` and `shutdown.grace`
//! together should be shorter than what your supervisor waits before it kills (Docker 10 s, Kubernetes 30 s, systemd 90 s, unless
//! told otherwise).
//!
//! # When something breaks
//!
//! | what happens | what becomes of the jobs |
//! |---|---|
//! | the process is killed | its running jobs are free at the next heartbeat of another worker (about 5 s) or at the next start, with one crash, and run again; outcomes that were not yet written are lost, and those jobs run again |
//! | it is frozen for longer than the lease | others take its jobs after 15 to 26 s; when it wakes, its outcomes are void, its jobs are asked to stop, the crash is taken back. Alone, it hands them back to itself |
//! | the database is locked by another program | jobs go on running; outcomes wait and are written afterwards; an enqueue waits for `sqlite.busy_timeout` (1 min), and fails; with an id of your own it can be repeated. Nobody is judged, and leases hold as long as nobody else has written |
//! | the disk is full | an enqueue fails and stores nothing; outcomes wait. After 12 s without a heartbeat the process lets go of its jobs, and they run again when there is room |
//! | a job panics | a failure, retried |
//! | a job blocks its thread | it keeps its slot and that thread; the lease holds, other jobs run on the other threads. It can be asked to stop, not dropped |
//! | a job kills the process | as above, then probation and quarantine: four processes at most |
//! | the wall clock jumps forward | what is due by the new time is due; passed ticks are fired once |
//! | the wall clock jumps back | waiting jobs and schedules wait until it comes by again; no tick fires twice. Leases, timeouts and running jobs follow the steady clock, and notice nothing |
//! | the power is cut | nothing that was answered for is lost with `sqlite.synchronous = "full"`; running jobs run again |
//! | a job of a chain completes | the next one is stored in the same transaction; a repeated or late outcome stores none. Requeueing the job makes another |
//! | old and new builds run together | each takes the kinds it knows; arguments that one cannot decode wait for the other, parked; schedules are those of the newest start |
//! | the store's schema is newer than the program | the program refuses to start |
//! | an older backup is restored | jobs that ended since then run again; missed ticks are fired once |
//! | a part of the engine panics | it is started anew, and health says so |
//!
//! # Durability
//!
//! | setting | a killed process loses | a power cut loses |
//! |---|---|---|
//! | `sqlite.synchronous = "full"` (default) | nothing that was answered for | nothing that was answered for |
//! | `sqlite.synchronous = "normal"` | nothing that was answered for | the last moments: jobs enqueued then, and outcomes, whose jobs run again |
//! | `store = "memory:"` | everything | everything |
//!
//! `full` waits for the disk once a commit, and all calls that wait share one commit. The file and its folder are made readable
//! by their owner alone. SQLite before 3.51.3 can damage a file that several connections write; with such a version (Cargo may
//! choose one when another crate holds it back) only one process may use the file, and the manifest says how to lift that.
