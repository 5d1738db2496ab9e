//! What jobs promises, and what it does not; and what becomes of jobs when something breaks.
//!
//! How the promises are kept stands on the page [`protocol`](super::protocol), what they were learnt from on
//! [`lessons`](super::lessons).
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
//! 6. **At most one job for a tick**, whoever tries, with no leader. Each tick is dealt with once, as the schedule's policies say,
//!    and accounted for, through deploys and edits; what passed since a backup that is restored is missed, and nothing else.
//! 7. **An unknown kind is never failed, never deleted and never in the way**, and is reported.
//! 8. **A dropped future does no harm.** A call of the client takes effect wholly or not at all.
//! 9. **The engine comes back by itself** when the store does: every wait on it has a deadline, every part is started anew.
//! 10. **No argument and no text of a job's error is logged** at info or above. (A panic is printed by Rust's own panic hook.)
//! 11. **A paused queue rests**, and no other. From the answer to the pause on no claim gets a job of it; a process that
//!     has heard of it begins none, and what it had fetched ahead goes back with no attempt used.
//! 12. **An effect exactly once**, where a job writes by a transaction that completes it, too
//!     ([`provide_transaction`](crate::Builder::provide_transaction)): what it wrote is there once if it was completed, and else not at
//!     all, however often it ran.
//!
//! # Not promised
//!
//! - **Exactly once**, for anything else. A job may run again after a crash, a lost lease or a power cut, also if it had done its work: write it so
//!   that a second run does no harm, such as by the job's id as a key.
//! - **Order.** Jobs begin in order of (priority, time due, order of enqueue), but they run at once and end in any order.
//! - **Many machines.** A file belongs to one host. Network file systems are refused where they are recognised (on Linux).
//! - **A second write elsewhere.** A job and your rows are one commit where they are in one database
//!   ([transactions](super::transactions)), and nowhere else.
//!
//! # What holds when something breaks
//!
//! Each cell has the tests that show it, or says that it is not promised. Where the stores differ, a cell speaks of SQLite and PostgreSQL
//! apart. The columns:
//!
//! - **kept**: a job that was acknowledged is executed, or stands where a person can see it;
//! - **one end**: no job is completed a second time: of two outcomes one counts, and what follows on a job is stored once;
//! - **one run**: no two executions of one job at the same time. (One *after* the other is never excluded, see above.)
//! - **one job a tick**: no tick of a schedule makes a second job;
//! - **comes back**: when the trouble is over, all goes on, and nobody needs to do anything.
//!
//! | what breaks | kept | one end | one run | one job a tick | comes back |
//! |---|---|---|---|---|---|
//! | a process is killed | yes[^killed] | yes[^killed] | yes[^killed-run] | yes[^tick] | yes[^killed-back] |
//! | a process is frozen, or its machine suspended, for longer than the lease | yes[^frozen] | yes[^frozen] | not promised: it goes on for a moment when it wakes | yes[^frozen-tick] | yes[^frozen-back] |
//! | the machine dies or its power is cut, `sqlite.synchronous = "full"` | yes[^power] | yes[^power] | yes[^power] | yes[^tick] | yes[^power] |
//! | the same, `sqlite.synchronous = "normal"` | not promised: the last moments are lost | not promised | yes[^power-normal] | not promised | yes[^power-normal] |
//! | the server of PostgreSQL dies, `synchronous_commit = on` | yes[^server] | yes[^server] | yes[^server] | yes[^tick] | yes[^server] |
//! | the power of its machine is cut | not promised by us: it is for PostgreSQL, and its `fsync`, to keep | not promised by us | not promised by us | not promised by us | yes[^server] |
//! | the same, `synchronous_commit = off` | not promised: the last moments are lost | not promised | not promised | not promised | yes[^server] |
//! | the disk of a SQLite file is full | yes[^full] | yes[^full] | yes[^fence] | yes[^tick] | yes[^full] |
//! | the wall clock jumps forward, of a SQLite file's host | yes[^forward] | yes[^forward] | yes[^forward] | yes[^jumped] | yes[^forward] |
//! | the wall clock jumps forward, of PostgreSQL's server | yes[^server-forward] | yes[^server-forward] | not promised: every lease ends at once, and jobs begin anew | yes[^jumped] | yes[^server-forward] |
//! | the wall clock is set back | yes[^back] | yes[^back] | yes[^back] | yes[^back-tick] | yes[^back] |
//! | the database restarts | yes[^server] | yes[^server] | yes[^server] | yes[^tick] | yes[^server] |
//! | failover to a replica that is behind (asynchronous) | not promised: what it had not got is lost | not promised | not promised | not promised | yes[^other-host] |
//! | the network is cut, or swallows everything | yes[^cut] | yes[^cut-answer] | yes[^fence] | yes[^tick] | yes[^silent] |
//! | the server has no connection left | yes[^no-connection] | yes[^no-connection] | yes[^no-connection] | yes[^tick] | yes[^no-connection] |
//! | a stranger locks the SQLite file | yes[^locked] | yes[^locked] | yes[^locked] | yes[^tick] | yes[^locked] |
//! | a stranger locks rows or the table of jobs on PostgreSQL | yes[^locked-rows] | yes[^locked-rows] | yes[^locked-rows] | yes[^tick] | yes[^locked-rows] |
//! | the SQLite file lies on a network file system | not promised | not promised | not promised | not promised | not promised: it is refused where it is recognised (Linux)[^network] |
//! | an older backup is restored | not promised: what was stored since then is gone | not promised: what ended since then runs again | not promised while a process of before still runs | not promised | yes[^backup] |
//! | any of these meets a job whose writes and completion are one commit | yes[^effects] | yes, and what it wrote is there exactly once; not at all where it did not end well[^effects] | as in the other rows; a second run has no second effect[^effects] | yes[^tick] | yes[^effects] |
//! | the answer to that commit is lost | yes[^effects] | yes: whether it took place is told by the fence[^effects-fence] | yes[^effects-fence] | yes[^tick] | yes[^effects] |
//! | a rolling deploy | yes[^deploy] | yes[^fence-outcome] | yes[^fence] | yes[^deploy-tick] | yes[^deploy] |
//!
//! What a killed process was doing ends with it, but for what it had started outside: a request that was sent goes on, and so does a
//! process that it left behind. A server of PostgreSQL whose disk is full refuses, or dies, which is the row of its death.
//!
//! [^killed]: `processes::processes_killed_again_and_again_lose_no_job_that_was_acknowledged` `conformance::crash::killed_at_any_moment_no_job_is_lost`
//! [^killed-run]: `processes::what_a_killed_process_held_runs_at_once_in_the_next` `conformance::crash::racing_rescues_free_each_job_once`
//! [^killed-back]: `processes::what_a_killed_process_held_runs_soon_in_one_that_lives`
//! [^tick]: the tick and its job are one transaction, by compare and swap: `conformance::ticks::a_tick_without_its_job_is_not_done` `conformance::ticks::a_scheduler_that_wakes_fires_nothing_again` `conformance::ticks::each_tick_is_fired_once_by_eight_processes`
//! [^frozen]: `processes::a_frozen_process_loses_its_jobs_and_its_late_answer_changes_nothing` `conformance::lease::late_answer_of_a_lost_worker_changes_nothing`
//! [^frozen-tick]: `processes::each_tick_fires_once_though_one_of_two_processes_is_frozen_for_a_while` `haste::each_tick_is_dealt_with_once_on_sqlite` `haste::each_tick_is_dealt_with_once_on_postgres`
//! [^frozen-back]: `lease::a_process_without_its_store_gives_up_its_jobs_before_others_take_them` `lease::the_late_outcome_of_a_lost_lease_is_dropped_and_counted_and_its_crash_is_taken_back`
//! [^power]: on a disk that forgets all that was not synced: `power::a_power_cut_loses_nothing_that_was_acknowledged_when_every_commit_is_synced`
//! [^power-normal]: `power::a_power_cut_loses_the_last_moments_and_leaves_a_sound_file_when_commits_are_not_synced`
//! [^server]: `restart::crashes_of_the_server_under_load_lose_nothing_that_was_acknowledged_and_double_nothing`
//! [^full]: `power::a_full_disk_stores_nothing_and_loses_nothing_and_all_goes_on_when_there_is_room`
//! [^fence]: who cannot renew its lease stops its jobs before others may take them: `lease::a_process_without_its_store_gives_up_its_jobs_before_others_take_them` `conformance::claim::racing_workers_get_each_job_once`
//! [^fence-outcome]: `conformance::outcome::an_old_token_changes_nothing` `conformance::outcome::racing_outcomes_are_recorded_once`
//! [^forward]: `clock::a_hosts_clock_that_jumps_forward_costs_no_lease_and_what_is_due_runs`
//! [^server-forward]: `clock::a_servers_clock_that_jumps_forward_ends_leases_and_yet_each_job_completes_once`
//! [^jumped]: `clock::of_the_ticks_that_a_clock_jumps_over_the_latest_fires_once`
//! [^back]: `clock::a_clock_that_is_set_back_costs_no_lease_and_no_job`
//! [^back-tick]: `schedules::a_schedule_outlives_a_clock_that_is_set_back`
//! [^other-host]: with more than one host in the URL: `faults::another_host_of_the_url_is_used_while_the_first_is_silent`
//! [^cut]: `faults::cut_connections_lose_no_job_and_run_none_twice` `faults::a_claim_whose_answer_was_cut_half_way_strands_no_job` `faults::an_enqueue_whose_answer_was_lost_can_be_repeated_and_runs_once`
//! [^cut-answer]: `faults::an_outcome_whose_answer_was_lost_counts_once_and_its_job_runs_once` `faults::cut_connections_lose_no_job_and_run_none_twice`
//! [^silent]: `faults::connections_that_fall_silent_cost_no_lease_and_are_replaced` `faults::health_says_that_the_server_is_silent_and_when_it_is_not_any_more`
//! [^no-connection]: `restart::a_process_that_gets_no_connection_says_so_and_goes_on_when_there_is_one`
//! [^locked]: `lease::a_foreign_writer_only_delays` `sqlite::a_lock_that_stays_is_an_error_that_names_it_and_the_next_call_works`
//! [^locked-rows]: `locks::a_table_of_jobs_that_is_locked_for_longer_than_the_lease_costs_no_lease` `locks::a_waiting_job_that_somebody_locks_holds_up_no_other` `locks::the_outcome_of_a_job_that_somebody_locks_waits_and_those_of_others_do_not`
//! [^network]: `file::the_innermost_mount_decides`
//! [^backup]: `backup::a_restored_backup_runs_again_what_has_ended_since_and_fires_one_of_the_ticks`
//! [^deploy]: `outcomes::what_an_old_build_cannot_decode_is_run_by_a_new_one_beside_it` `outcomes::a_kind_that_nobody_knows_is_left_alone` `releases::an_older_program_works_on_while_a_newer_one_adds_to_the_schema`
//! [^deploy-tick]: `schedules::after_an_edit_and_a_rollback_the_schedule_is_what_the_code_of_the_newest_start_says` `schedules::each_tick_fires_once_in_two_processes`
//! [^effects]: a fifth of the jobs of these write by transactions that are cut off at each of their steps, each row counted: `chaos::all_promises_are_kept_through_faults_on_sqlite` `chaos::all_promises_are_kept_through_faults_on_postgres`, that it would be noticed `chaos::effects_outside_of_the_transaction_are_found_to_be_doubled_on_sqlite`; and in virtual time `simulation::three_hundred_seeds_break_no_rule_and_repeat_themselves`
//! [^effects-fence]: `simulation::three_hundred_seeds_break_no_rule_and_repeat_themselves` `simulation::every_guard_that_is_switched_off_is_noticed`
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
//! lets go of everything by itself: it asks its jobs to stop, drops them 1.5 s later, forgets their outcomes, and, when they are gone,
//! hands them back and begins again as another worker. Others may judge it after 15 s at the earliest.
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
//! and clears its crashes. The very first crash does not count, since any of its neighbours may have caused it. A worker that merely
//! lost its lease takes back the crashes that this cost its jobs, as soon as it reaches the store again.
//!
//! Two things follow. What a killed process held runs again one job at a time in each process, until each has ended once: after a
//! kill, long jobs take longer than before it. And a kill from outside, or a process that has lost touch, looks like any other: a job
//! that outlives four of them, with no end of its own between, is quarantined. So give the process time to stop: `shutdown.drain` and `shutdown.grace`
//! together should be shorter than what your supervisor waits before it kills (Docker 10 s, Kubernetes 30 s, systemd 90 s, unless
//! told otherwise).
//!
//! # When something breaks
//!
//! The same, in the life of the jobs:
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
//! | the wall clock jumps forward | what is due by the new time is due; passed ticks are fired once. On PostgreSQL, whose server has the time, leases end by it: jobs begin anew, with the crash taken back |
//! | the wall clock jumps back | waiting jobs and schedules wait until it comes by again; no tick fires twice. Timeouts and running jobs follow the steady clock, and notice nothing; so do leases on SQLite; on PostgreSQL a process that died before the jump is found later, by as much |
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
