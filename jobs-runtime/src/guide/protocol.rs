//! How it works inside: enqueue, claim, lease, outcome, rescue, probation, ticks; and at each step, what happens if something breaks.
//!
//! Nobody needs this page to use jobs. It is for those who want to know why the [promises](super::promises) hold, and for those who
//! write a store: [`jobs_core::store`] is its contract, the [suite](crate::testing::conformance) its test. Both stores keep to
//! this protocol, in memory it is the same without the disk; what a store does in its own SQL never has another meaning.
//!
//! # What is stored
//!
//! | | |
//! |---|---|
//! | job | live jobs alone. `state`, `run_at`, `payload`; a **token**, which is the number of claims; `failures`, `crashes`, `snoozes`; the **worker** that holds it |
//! | history | finished jobs, in order of their end. Id and token stay for a day at least, whatever the retention |
//! | worker | one row for each start of a process, and a new one after each lost lease. When it was renewed, and until when it is believed |
//! | kind | what living workers can run |
//! | schedule, tick | the text of each schedule with its **last tick**; every tick that was dealt with |
//!
//! Two numbers carry the whole protocol, and both only grow: the token of a job, and the last tick of a schedule. Every change that
//! depends on what somebody saw before is a compare and swap on one of them.
//!
//! # The states
//!
//! ```text
//!            delay                     ┌──────── snooze ────────┐
//! enqueue ─────────► scheduled ◄───────┘                        │
//!    │                   │ its time comes                       │
//!    │                   ▼            claim: token + 1          │
//!    └────────────► available ─────────────────────────────► running ──► completed ┐
//!                    ▲  ▲  ▲ ◄── hand-back, rescue (crashes + 1) ┘ │ ├──► failed    ├─► history
//!                    │  │  └──── retryable ◄── failures + 1 ───────┘ └──► cancelled ┘      │
//!                    │  └─────── parked ◄───── does not decode, or nobody knows the kind   │
//!                    └──────────────────────────── requeue, by a person; keeps the token ──┘
//! ```
//!
//! [`lifecycle`](crate::lifecycle) is the one table of moves that all stores use.
//!
//! # Enqueue
//!
//! The caller makes the id. One statement stores the batch and leaves alone every id that is there; in the same transaction the rows
//! just made are removed again whose id is in the history. The answer comes after the commit. Times count from the store's clock.
//!
//! | what happens | then | shown by |
//! |---|---|---|
//! | the caller dies before the commit | nothing is stored, and nobody was told otherwise | `conformance::errors::a_dropped_enqueue_stored_all_or_nothing` |
//! | it dies after the commit, or the answer is lost | the job runs. A repeat with the same id finds it, alive or in the history | `faults::an_enqueue_whose_answer_was_lost_can_be_repeated_and_runs_once` `conformance::enqueue::a_repeat_after_the_end_never_runs_again` |
//! | it is frozen in between | as if the answer were late | `conformance::enqueue::a_repeat_of_a_live_job_changes_nothing` |
//! | two store the same id or name at once | one of them does, both hear which job it is | `conformance::enqueue::racing_repeats_store_each_job_once` `conformance::enqueue::a_taken_name_answers_the_job_that_bears_it` |
//!
//! # Claim
//!
//! One statement for the whole process: the first jobs by (priority, time due, order of enqueue) of the kinds that this process knows,
//! but for paused queues, become `running`, each under token + 1 and this worker. It takes part only with an unexpired row of its own worker, and on PostgreSQL
//! it locks that row (`FOR KEY SHARE`), so that nobody can end the worker while it claims. What is fetched ahead is handed back when
//! it does not begin soon. No attempt is counted at a claim: **the attempt is 1 + recorded failures**, so nothing that ends without an outcome
//! needs to take one back.
//!
//! | what happens | then | shown by |
//! |---|---|---|
//! | the process dies before the commit | nothing was claimed | `conformance::crash::killed_at_any_moment_no_job_is_lost` |
//! | it dies after the commit | the jobs are held by a dead worker: [rescue](#rescue-and-probation) | `processes::what_a_killed_process_held_runs_soon_in_one_that_lives` |
//! | the answer is lost | before its next claim the process tells what it holds, and the rest goes back | `faults::a_claim_whose_answer_was_cut_half_way_strands_no_job` `conformance::lease::what_a_worker_does_not_know_of_is_handed_back` |
//! | the queue is paused meanwhile | what the claim brings goes back if the process has heard of the pause, and else begins; no later claim gets any | `pause::what_a_claim_brings_after_the_news_of_a_pause_goes_back` `conformance::pause::a_claim_after_the_answer_to_a_pause_gets_nothing` |
//! | nobody hears of a pause | the store gives nothing of the queue all the same, and the next heartbeat tells | `pause::an_idle_process_finds_a_pause_at_its_heartbeat` `pause::a_look_at_what_is_paused_that_fails_is_made_again` |
//! | the process is frozen between claim and run | its lease ends, others run the jobs; its own outcomes are void | `processes::a_frozen_process_loses_its_jobs_and_its_late_answer_changes_nothing` |
//! | two claim at once | each job goes to one of them: the rows are locked, and the state is part of the condition | `conformance::claim::racing_workers_get_each_job_once` `races::many_that_claim_and_complete_at_once_take_each_job_once` |
//! | the claim overlaps the rescue of its own worker | the rescuer waits for the claim and sees what it took, or the claim finds no worker and takes nothing | `conformance::crash::a_claim_that_overlaps_a_rescue_leaves_nothing_under_nobody` `races::a_claim_that_overlaps_the_rescue_of_its_worker_leaves_no_job_under_nobody` `races::a_claim_of_a_worker_that_is_being_removed_takes_nothing` |
//! | the future is dropped | the claim takes effect wholly or not, and what it took is found as above | `conformance::errors::a_dropped_claim_loses_nothing` |
//!
//! # Lease
//!
//! The process has the lease, not the job. A heartbeat every 5 s renews the row of the worker for 15 s. The process counts from the
//! moment it *sent* the renewal, on its steady clock, and fences itself a fifth of the lease before the end: it claims nothing,
//! stops its jobs, forgets their outcomes, and begins again as another worker. A lease that has ended is never renewed.
//!
//! Who judges: on PostgreSQL the server's clock, by `expires_at`. On SQLite the system knows which process is gone, since each
//! worker holds the lock of a file; one that is frozen is judged by its counter, on the judge's steady clock, and only while the
//! judge's own heartbeats are written.
//!
//! | what happens | then | shown by |
//! |---|---|---|
//! | the process dies | the lease ends, at once (SQLite) or in 15 s | `sqlite::a_worker_whose_process_is_gone_is_dead_at_once` `processes::what_a_killed_process_held_runs_soon_in_one_that_lives` |
//! | a renewal is not made, or its answer is lost | it is made again at once; the process counts from what it knows was granted, so it gives up too early and never too late | `lease::a_heartbeat_without_an_answer_leaves_time_for_another` `lease::a_heartbeat_that_fails_is_made_again_long_before_the_next_is_due` |
//! | a job does not stop when the lease is lost | it is dropped, and handed back when it is gone; what blocks its thread cannot be dropped, and is waited for until others may take it anyway | `lease::what_was_dropped_at_a_lost_lease_is_gone_before_it_is_handed_back` |
//! | the store is away for longer than the lease | the process has let go of its jobs before others may take them | `lease::a_process_without_its_store_gives_up_its_jobs_before_others_take_them` |
//! | the process is frozen, and wakes | it finds its lease lost. Until then what it holds may go on for a moment, beside its successor; no outcome of it counts | `processes::a_frozen_process_loses_its_jobs_and_its_late_answer_changes_nothing` `conformance::lease::a_lost_worker_is_told_so` |
//! | the process is asked to stop just after it lost its lease | what still runs is dropped, the worker that it was leaves, and its jobs go back at once | `shutdown::a_shutdown_right_after_a_lost_lease_leaves_nothing_behind` |
//! | jobs block every thread | the engine has a thread of its own, and the lease is renewed | `lease::heartbeats_go_on_while_jobs_block_every_thread` |
//! | nobody can write, as a stranger has locked the file | nobody can judge either, and leases hold | `lease::a_foreign_writer_only_delays` `sqlite::a_foreign_writer_only_delays` |
//!
//! # Outcome
//!
//! Outcomes are gathered and written together, each under (id, token) and nothing else. A finished job moves to the history, and what
//! must follow (the next job of a chain) is stored, in the same transaction. The answer says which were stale.
//!
//! | what happens | then | shown by |
//! |---|---|---|
//! | the process dies before the commit | the outcome is lost, and the job runs again: at least once, not exactly once | `processes::what_a_killed_process_held_runs_at_once_in_the_next` |
//! | the answer is lost | it is written again, and the store says that it has it: the token in the history is the same | `faults::an_outcome_whose_answer_was_lost_counts_once_and_its_job_runs_once` `conformance::outcome::a_repeated_outcome_is_told_from_a_stale_one` |
//! | it comes late, after others were given the job | its token is old: it changes nothing, stores nothing, and is counted; whoever sent it lives, and takes back the crash that was counted for it | `conformance::lease::late_answer_of_a_lost_worker_changes_nothing` `conformance::follow::an_outcome_that_does_not_count_stores_no_follower` `lease::a_late_outcome_takes_back_the_crash_that_was_counted_for_its_worker` |
//! | two with the same token at once | one is recorded | `conformance::outcome::racing_outcomes_are_recorded_once` `conformance::follow::racing_outcomes_store_one_follower` |
//! | one of a batch cannot be stored | it is tried apart, and spoils no other | `conformance::outcome::one_bad_outcome_spoils_no_other` |
//! | it meets the change of a day on PostgreSQL, whose table of finished jobs is just being made | the statement is made again | `days::what_ends_while_its_day_is_made_lies_in_its_day` |
//! | the store is away | outcomes wait, and are written when it is back, while the lease holds | `lease::the_outcomes_of_a_store_that_was_away_are_all_recorded` `locks::the_outcome_of_a_job_that_somebody_locks_waits_and_those_of_others_do_not` |
//!
//! # Rescue and probation
//!
//! Whoever's heartbeat finds a dead worker removes its row first: from then on that worker can neither beat nor claim. Then, in a second
//! statement that sees what a last claim took, its running jobs become available, with `crashes + 1`.
//!
//! Nothing tells which of all its jobs has killed the process. So a job with a crash is **on probation**: never fetched ahead, and
//! one at most at a time in each process. A third crash on probation ends it as failed (*quarantined*). A worker that lost its lease
//! and lives takes back the crashes that this cost its jobs.
//!
//! | what happens | then | shown by |
//! |---|---|---|
//! | the rescuer dies half-way | what it did not free is held by a worker without a row, which the next one sees | `conformance::crash::killed_at_any_moment_no_job_is_lost` `conformance::crash::a_killed_workers_job_runs_again` |
//! | two rescue at once | each job is freed once, and has one crash more | `conformance::crash::racing_rescues_free_each_job_once` |
//! | a process is killed with many jobs, again and again | they run one by one; those that end clear their crashes, and none is quarantined for another's sake | `conformance::crash::a_first_crash_quarantines_nobody` `processes::a_job_that_kills_its_process_is_quarantined_and_its_neighbours_are_not` |
//! | the worker that was ended lives after all | it begins anew and takes the crash back, also when the job runs elsewhere by then | `conformance::lease::a_lost_worker_that_lives_takes_its_crashes_back` `conformance::lease::a_crash_is_taken_back_though_the_job_runs_again` `conformance::lease::every_crash_is_taken_back_once_in_any_order` |
//! | it lives, and its rescuer, who frees in bites, has not come to all of its jobs | it hands them back itself, so that no crash is counted for them | `conformance::lease::a_lost_worker_that_lives_hands_back_what_nobody_has_freed_yet` `conformance::lease::only_what_nobody_holds_is_handed_back_by_a_lost_worker` `conformance::stop::a_job_asked_to_stop_ends_when_a_lost_worker_hands_it_back` |
//!
//! # Parking
//!
//! A job that does not decode here is parked with the *shape* of the arguments that could not: names, types, and the build. It is free
//! again when a worker of another shape lives. So is one whose kind no living worker knows, which costs nobody a look meanwhile.
//!
//! | what happens | then | shown by |
//! |---|---|---|
//! | an old and a new build run together | the old one parks, the new one frees and runs | `outcomes::what_an_old_build_cannot_decode_is_run_by_a_new_one_beside_it` `conformance::park::a_live_worker_of_another_shape_gets_a_parked_job` |
//! | the last worker of a kind goes | its jobs are parked, a bite at a time, and come back with a worker that knows them | `conformance::park::a_kind_is_parked_when_its_last_worker_has_gone` `conformance::park::a_parked_kind_comes_back_when_a_worker_knows_it` |
//!
//! # Ticks
//!
//! There is no leader. Every process computes the same ticks from the stored text. Whoever comes first moves the schedule's last tick
//! from what he saw to this one, and stores its job, in one transaction. Of several that were missed the latest is fired and stands
//! for the others; a tick is skipped while the job of the one before is alive.
//!
//! | what happens | then | shown by |
//! |---|---|---|
//! | the process dies before the commit | neither tick nor job is there, and somebody else fires it | `conformance::ticks::a_tick_without_its_job_is_not_done` |
//! | the answer is lost | the last tick has moved: the repeat is lost, and the rows are read again | `conformance::ticks::the_last_tick_only_grows` |
//! | it is frozen before it fires | when it wakes, what it saw is old, and it fires nothing | `conformance::ticks::a_scheduler_that_wakes_fires_nothing_again` `processes::each_tick_fires_once_though_one_of_two_processes_is_frozen_for_a_while` |
//! | eight fire at once | one of them does | `conformance::ticks::each_tick_is_fired_once_by_eight_processes` |
//! | all were down | the latest tick fires, once | `schedules::of_the_ticks_missed_while_all_were_down_the_latest_fires` |
//! | the schedule was edited | it counts from the edit; the newest start has written it, and everybody fires what is written | `conformance::schedules::a_changed_schedule_counts_from_now` `conformance::schedules::the_newest_start_wins` |
//! | the newest start was one of the old build, which then goes | those that still run write their own within a few minutes, in the end the newest | `conformance::schedules::a_running_build_declares_what_no_later_start_has_declared` |
//! | a wrong clock has fired hours ahead | the schedule counts from now, when it has looked so for 10 minutes | `conformance::schedules::a_schedule_that_is_far_ahead_counts_from_now` |
//!
//! # The whole at once
//!
//! The tables above take the steps one by one. Together, in any order and with anything failing, they are looked at in four ways:
//!
//! - `conformance::history::random_histories_keep_every_rule` on every store.
//! - The simulation: the real client, worker, scheduler and rescuer of several processes on one store, in virtual time. Calls fail, lose
//!   their answers, are slow or never come through; processes are killed, frozen, deployed anew, and their clocks are set; queues are
//!   paused and resumed; schedules are edited by builds, old and new side by side, and by a client that saves, removes, pauses and
//!   triggers them; and the store is put back to a copy of some seconds earlier while all are down. A referee keeps an account of its
//!   own of every job, run, lease, tick and pause, of which process has heard of
//!   a pause, and of what pruning may take: each tick of a schedule is dealt with once, as its policies for missed ticks and overlaps
//!   say, and accounted for. One seed gives one history, to the
//!   letter (`simulation::three_hundred_seeds_break_no_rule_and_repeat_themselves`
//!   `simulation::a_seed_gives_the_same_history_in_two_processes`). That the referee would notice is shown by switching
//!   [guards](crate::testing::guards::Guard) off, one at a time (`simulation::every_guard_that_is_switched_off_is_noticed`).
//! - A call of the store is one instant there. That no claim slips between the two steps of a rescue, and what a row lock is for, is shown by
//!   races on PostgreSQL (`races::a_claim_that_overlaps_the_rescue_of_its_worker_leaves_no_job_under_nobody`
//!   `races::a_claim_of_a_worker_that_is_being_removed_takes_nothing`), and by the same races without the lock and without the two steps
//!   (`races::a_claim_that_does_not_lock_the_row_of_its_worker_is_noticed` `races::a_rescue_in_one_statement_is_noticed`).
//! - Chaos: real processes on real stores, with real kills (`chaos::all_promises_are_kept_through_faults_on_sqlite`
//!   `chaos::all_promises_are_kept_through_faults_on_postgres`).
//!
//! The page [`lessons`](super::lessons#looking-for-more) says how to run them for longer.
