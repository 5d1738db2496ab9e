//! What has gone wrong in other job systems, and the tests that keep it from going wrong here.
//!
//! Each row was a real failure of a real system, most of them good ones: queues fail in ways that nobody thinks of before. Behind
//! each row stand the tests that show what happens here; `tests/run` runs them all. Unless it says otherwise a row holds on every store:
//! in memory, in a SQLite file, in PostgreSQL. A name has the file of the test before it; one that begins with `conformance` is a fact
//! of the [suite](crate::testing::conformance) that every store passes. A test of this workspace sees to it that every name on this
//! page is that of a test which is there.
//!
//! # Jobs that are lost, doubled or overwritten
//!
//! | what went wrong, and where | what holds here | shown by |
//! |---|---|---|
//! | a job was taken from the queue, the process was killed, and the job was gone (Sidekiq, rusty-sidekiq) | what was acknowledged is there after a kill at any moment, and runs | `processes::processes_killed_again_and_again_lose_no_job_that_was_acknowledged` `processes::what_a_killed_process_held_runs_soon_in_one_that_lives` `conformance::crash::killed_at_any_moment_no_job_is_lost` `conformance::lease::what_a_worker_does_not_know_of_is_handed_back` |
//! | jobs were rescued after a fixed time, which long jobs exceed: they ran twice, for weeks (Hangfire, Oban, River) | a job that runs ten times as long as the lease runs once | `lease::a_job_that_runs_ten_times_the_lease_runs_once` `conformance::lease::a_job_may_run_for_ten_leases` |
//! | a worker that was believed dead finished later and overwrote what its successor did (Solid Queue, Graphile Worker, River, apalis) | the late answer changes nothing, and is counted | `processes::a_frozen_process_loses_its_jobs_and_its_late_answer_changes_nothing` `conformance::lease::late_answer_of_a_lost_worker_changes_nothing` `conformance::outcome::an_old_token_changes_nothing` |
//! | the number of the attempt told old answers from new ones, but snoozing and a retry by hand lower it (several, by a review of awa) | the token only grows: through snooze, hand-back, rescue and requeue | `conformance::outcome::the_token_only_grows` `conformance::requeue::a_requeue_keeps_the_token_and_clears_the_rest` `outcomes::a_snooze_uses_no_attempt_and_the_token_grows` |
//! | an enqueue was repeated after its answer was lost; the job had run already, and ran again (our own first design) | a repeat within a day is left alone, also of a job that has ended and was pruned | `conformance::enqueue::a_repeat_after_the_end_never_runs_again` `conformance::enqueue::a_repeat_within_the_window_never_runs_again_though_pruned` `faults::an_enqueue_whose_answer_was_lost_can_be_repeated_and_runs_once` |
//! | a claim overlapped the rescue of its own worker and left a job running under nobody (our own first design) | such a claim takes nothing, or what it takes is freed | `conformance::crash::a_claim_that_overlaps_a_rescue_leaves_nothing_under_nobody` `races::a_claim_that_overlaps_the_rescue_of_its_worker_leaves_no_job_under_nobody` `races::a_claim_of_a_worker_that_is_being_removed_takes_nothing` |
//! | the wait before a retry was kept in memory, so a restart forgot it (apalis on SQLite) | a job waits as told, also across a restart | `outcomes::a_wait_for_the_next_attempt_outlives_the_process` `outcomes::a_job_that_fails_waits_as_its_backoff_says` `conformance::outcome::a_retry_waits_as_told` |
//! | retention removed fresh rows (apalis) | of a million finished jobs none goes before its time, while others come and end | `retention::of_a_million_finished_jobs_none_goes_under_load_before_its_time` (SQLite, PostgreSQL) `conformance::prune::nothing_younger_than_its_time_goes` |
//!
//! # Schedules
//!
//! | what went wrong, and where | what holds here | shown by |
//! |---|---|---|
//! | a leader that had been replaced and did not know it doubled every tick for 19 days (Oban) | there is no leader; one of two processes is frozen and woken, and each tick fires once | `processes::each_tick_fires_once_though_one_of_two_processes_is_frozen_for_a_while` (SQLite, PostgreSQL) `conformance::ticks::a_scheduler_that_wakes_fires_nothing_again`, and on eight processes, frozen and killed, `haste::each_tick_is_dealt_with_once_on_sqlite` `haste::each_tick_is_dealt_with_once_on_postgres` |
//! | a schedule of an attribute fired once on each node (`TickerQ`) | eight processes, each tick once | `conformance::ticks::each_tick_is_fired_once_by_eight_processes` `schedules::each_tick_fires_once_in_two_processes` |
//! | ticks that fell into a deploy were gone (Oban, River, `BullMQ`) | of those that were missed the latest fires, once | `schedules::of_the_ticks_missed_while_all_were_down_the_latest_fires` `conformance::schedules::an_unchanged_schedule_keeps_its_last_tick` |
//! | when clocks changed, ticks were skipped, doubled, or an hour off (Temporal, robfig/cron, tokio-cron-scheduler) | what crontab(5) users know from cron, on the days at which clocks change | `clock_changes::berlin_skips_an_hour_in_march` `clock_changes::berlin_repeats_an_hour_in_october` `clock_changes::new_york_skips_an_hour_in_march_and_repeats_one_in_november` `clock_changes::lord_howe_moves_by_half_an_hour` |
//! | a schedule carried a revision kept by hand; going back to an older build switched it off (pgqueue) | edit, deploy, roll back: the schedule is what the code of the newest start says | `schedules::after_an_edit_and_a_rollback_the_schedule_is_what_the_code_of_the_newest_start_says` `conformance::schedules::the_newest_start_wins` `conformance::schedules::a_schedule_that_its_build_has_no_more_is_retired` |
//!
//! # Processes and databases that fail
//!
//! | what went wrong, and where | what holds here | shown by |
//! |---|---|---|
//! | one call of the database hung and froze a part, while health said that all was fine (River, Solid Queue) | every call has a deadline, the part goes on, and health says so meanwhile | `lease::health_says_while_the_store_does_not_answer` `lease::a_store_that_fails_for_a_while_costs_no_lease_and_runs_no_job_twice` `faults::connections_that_fall_silent_cost_no_lease_and_are_replaced` `faults::health_says_that_the_server_is_silent_and_when_it_is_not_any_more` |
//! | a job that blocked its thread stopped the heartbeat of its process (apalis) | the engine has a thread of its own: the lease holds, the job runs once | `lease::heartbeats_go_on_while_jobs_block_every_thread` |
//! | a panic cost the slot, or the whole loop (fang, underway, rusty-sidekiq) | any panic costs one attempt; one while another unwinds ends the process, and is a crash | `panics::every_panic_costs_one_attempt_and_no_slot` `panics::a_panic_while_a_cancelled_job_is_dropped_is_caught` `processes::a_panic_while_another_unwinds_ends_the_process_and_is_a_crash` (SQLite, PostgreSQL) |
//! | a job that kills its process was tried for ever (apalis) | it is quarantined | `processes::a_job_that_kills_its_process_is_quarantined_and_its_neighbours_are_not` `conformance::crash::crashes_on_probation_end_a_job_as_failed` |
//! | three kills failed a thousand jobs that had merely been held by the same process (our own first design) | only a crash on probation counts, and only one job in a process is on probation | `conformance::crash::a_first_crash_quarantines_nobody` `conformance::crash::jobs_on_probation_are_claimed_one_at_a_time` `conformance::lease::a_lost_worker_that_lives_takes_its_crashes_back` |
//! | a transaction that began by reading could not write when somebody else had, whatever the timeout (many users of SQLite) | every one that writes begins as one; a stranger that holds the lock only delays | `sqlite::no_call_fails_because_others_write_between_its_reading_and_its_writing` `lease::a_foreign_writer_only_delays` `sqlite::a_lock_that_stays_is_an_error_that_names_it_and_the_next_call_works` |
//! | two connections that write and checkpoint at once damaged the file (SQLite 3.7.0 to 3.51.2) | such a version gets one connection and one process, and the manifest says how to mend it | `version::versions_before_the_mend_get_one_connection` `sqlite::one_connection_works_alone_and_keeps_others_out` |
//!
//! # Builds and deploys
//!
//! | what went wrong, and where | what holds here | shown by |
//! |---|---|---|
//! | arguments that could not be read stopped the worker (fang) | the job is parked with its payload, and others run on | `outcomes::arguments_that_do_not_decode_park_the_job_and_others_run_on` `conformance::park::a_parked_job_keeps_its_payload_and_its_attempts` |
//! | a job whose handler is not in this build was failed or thrown away (modo, rapina, River's rescuer) | it is left untouched and reported; an old and a new build work side by side | `outcomes::a_kind_that_nobody_knows_is_left_alone` `outcomes::what_an_old_build_cannot_decode_is_run_by_a_new_one_beside_it` `conformance::claim::other_kinds_and_queues_are_left_untouched` `conformance::park::a_kind_that_nobody_knows_is_parked_untouched` `startup::what_nobody_serves_is_reported` |
//! | a newer release locked older ones out of the database (pgqueue) | on PostgreSQL an older program works on while a newer one adds to the schema; a SQLite file, whose programs are all on one host, refuses a program that is too old, and says so | `releases::an_older_program_works_on_while_a_newer_one_adds_to_the_schema` `releases::every_released_schema_is_brought_up_and_its_jobs_run` `schema::a_newer_schema_is_refused_only_if_it_says_so` `sqlite::a_newer_schema_is_refused_with_both_versions` |
//! | kinds bore the names of Rust types, so that moving a module broke what was queued (apalis, users of typetag) | the name is the fn's; a rename keeps the old one as an alias; two jobs of one name are refused with both places | `outcomes::a_job_stored_under_an_old_name_runs` `conformance::claim::an_alias_is_claimed_as_it_was_stored` `conformance::park::an_alias_is_a_known_kind` `startup::two_jobs_of_one_name_are_refused_with_both_places` |
//! | the crate with the jobs was not linked: no job, and no word (swirl, modo, rapina) | the start says so, and how to mend it | `linking::every_build_finds_the_same_jobs_or_says_what_to_do` `startup::a_program_that_leaves_out_all_jobs_is_told_so` |
//! | every program that enqueued also carried and ran all jobs (crates.io, of swirl) | a client runs nothing; kinds and queues are chosen; schedules can be left to others | `startup::a_client_alone_runs_nothing` `startup::kinds_are_chosen_by_name_and_by_module` `concurrency::only_the_named_queues_are_served` `schedules::a_process_without_schedules_declares_and_fires_none` |
//!
//! # Load, and the lack of it
//!
//! | what went wrong, and where | what holds here | shown by |
//! |---|---|---|
//! | an idle process asked 384 times in ten seconds (apalis) | one transaction at each heartbeat, and next to no processor time | `lease::an_idle_process_asks_the_store_once_a_heartbeat` `processes::an_idle_process_costs_next_to_no_processor_time` (SQLite, PostgreSQL) |
//! | more workers than connections waited for each other for ever (Graphile Worker) | a thousand slots share the few connections of their process | `concurrency::a_thousand_slots_drain_through_one_connection` `restart::five_hundred_slots_drain_on_a_server_with_few_connections` |
//! | a long transaction anywhere in the database slowed every claim down (queues on PostgreSQL) | a claim goes on where the last one ended, and does not walk over what is dead | `races::a_transaction_that_stays_open_elsewhere_does_not_slow_claims_down` (PostgreSQL) |
//! | NOTIFY in large transactions made all writers wait for each other (Recall.ai) | wake-ups are gathered, and sent outside of every transaction | `work::the_wake_ups_of_many_transactions_are_gathered` (PostgreSQL) |
//! | a million jobs of a kind that nobody knows were walked over by each claim (our own first design) | they cost one look, and are parked | `conformance::claim::a_foreign_kind_is_not_in_the_way` `conformance::park::unknown_kinds_are_parked_in_bites` `work::a_hundred_thousand_of_an_unknown_kind_are_not_walked_over` |
//!
//! # What is shown, and what is read
//!
//! | what went wrong, and where | what holds here | shown by |
//! |---|---|---|
//! | payloads stood in the log (Graphile Worker) | no argument and no text of a job's error at info or above | `telemetry::every_attempt_has_a_span_and_no_secret_is_told` |
//! | a hostile cron text took gigabytes to be described (Oban Web) | texts are bounded before they are read, and fuzzed | `cron::a_long_text_is_refused_before_it_is_read` `hostile::hostile_values_are_answered_quickly_and_shortly` `fuzz::whatever_others_wrote_is_read_or_refused` |
//! | large integers were damaged on their way (River UI) | arguments and outputs are kept word for word | `argument::what_is_written_reads_back_to_the_last_digit` `conformance::enqueue::a_job_reaches_another_process_as_it_was` `chain::the_output_becomes_the_argument_word_for_word` |
//! | a row written by hand stopped everybody (our own first stores) | what nobody could read is refused by the table, and the rest is parked or run | `fuzz::whatever_others_wrote_is_read_or_refused` `checks::each_constraint_refuses_what_breaks_it_and_nothing_else` `sqlite::each_constraint_refuses_what_breaks_it_and_nothing_else` |
//!
//! # Looking for more
//!
//! Three programs look for what nobody has thought of yet. Each prints a seed. With it the first two find the same again to the letter;
//! the third makes the same choices again, at other moments, and tells the whole story of what it found:
//!
//! ```sh
//! cargo run --release -p tests --bin fuzz -- --seconds 60            # hostile inputs for all that reads them
//! cargo run --release -p tests --bin simulate -- --seeds 10000       # many processes on one store, in virtual time
//! cargo run --release -p tests --bin simulate -- --mutants           # that it notices each guard that is missing
//! cargo run --release -p tests --bin chaos -- --store sqlite --seconds 60   # real processes, killed and frozen; or postgres
//! cargo run --release -p tests --bin haste -- --store sqlite --seconds 60   # schedules on eight processes, a hundred times as fast; or postgres
//! ```
