//! The one table of facts: the list of them and the tests that a store gets are both made from it.

/// One fact that the suite shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The topic: the module of the suite where it stands.
    pub topic: &'static str,
    /// The name of its fn and of its test, which says the fact with underscores for spaces.
    pub name: &'static str,
    /// The promise that it keeps, with the number of the lesson behind it if there is one.
    pub promise: &'static str,
}

impl Fact {
    /// The fact as a sentence.
    #[must_use]
    pub fn shows(&self) -> String {
        self.name.replace('_', " ")
    }
}

/// Hands the table to another macro: its path in brackets, what it shall be given besides in parentheses.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_table {
    ([$($then:tt)*] $given:tt) => {
        $($then)*! {
            $given
            enqueue: a_job_reaches_another_process_as_it_was = "what was answered for is stored whole (L31)";
            enqueue: a_batch_with_a_refused_job_stores_nothing = "all jobs of a call or none";
            enqueue: an_empty_batch_is_no_error = "all jobs of a call or none";
            enqueue: a_repeat_of_a_live_job_changes_nothing = "a repeat never makes a second run";
            enqueue: a_repeat_after_the_end_never_runs_again = "a repeat never makes a second run (L33)";
            enqueue: a_repeat_within_the_window_never_runs_again_though_pruned = "the repeat window holds whatever the retention (L33)";
            enqueue: after_the_window_an_id_may_run_again = "the repeat window ends";
            enqueue: one_id_twice_in_a_batch_is_one_job = "a repeat never makes a second run";
            enqueue: racing_repeats_store_each_job_once = "a repeat never makes a second run";
            enqueue: a_taken_name_answers_the_job_that_bears_it = "a name is unique among live jobs";
            enqueue: a_name_is_free_again_when_its_job_has_ended = "a name is unique among live jobs";
            enqueue: two_jobs_of_one_name_in_a_batch_are_one = "a name is unique among live jobs";
            enqueue: a_job_is_due_when_it_says = "delays count from the store's clock";
            enqueue: a_delay_without_end_is_kept = "delays count from the store's clock";
            enqueue: an_enqueue_wakes_those_who_listen = "the signal is raised for this process and others";
            claim: jobs_are_claimed_by_priority_then_time_then_order = "claims order by priority, time due, order of enqueue";
            claim: a_limit_takes_the_first_of_all_queues = "claims order by priority, time due, order of enqueue";
            claim: limits_hold_for_each_queue = "a claim takes what it asks for";
            claim: an_empty_wish_gets_nothing = "a claim takes what it asks for";
            claim: a_scheduled_job_starts_at_its_time_and_not_before = "jobs start when they are due";
            claim: a_beat_tells_what_waits = "a beat says what there is to do";
            claim: other_kinds_and_queues_are_left_untouched = "never fetched by an unknown kind (L15)";
            claim: a_foreign_kind_is_not_in_the_way = "rows of an unknown kind are not walked over";
            claim: an_alias_is_claimed_as_it_was_stored = "renames by alias (L25)";
            claim: a_claim_adds_one_to_the_token_and_no_failure = "attempts come from outcomes, tokens from claims";
            claim: racing_workers_get_each_job_once = "at most one valid token for a job";
            claim: a_worker_without_a_lease_gets_nothing = "a claim needs an unexpired lease";
            outcome: a_completed_job_keeps_its_output = "a finished job is kept as it ended";
            outcome: a_retry_waits_as_told = "waits as told, also across a restart (L13)";
            outcome: the_last_errors_are_kept_with_attempt_and_time = "the last failures are kept";
            outcome: a_failed_job_is_kept_with_its_error = "a finished job is kept as it ended";
            outcome: a_snooze_uses_no_attempt = "hand-back, park, snooze and rescue use no attempt";
            outcome: a_job_may_end_as_cancelled = "a finished job is kept as it ended";
            outcome: a_hand_back_uses_no_attempt_and_keeps_its_turn = "hand-back, park, snooze and rescue use no attempt";
            outcome: the_token_only_grows = "the token only grows (L4)";
            outcome: an_old_token_changes_nothing = "outcomes are fenced by the token (L3)";
            outcome: a_repeated_outcome_is_told_from_a_stale_one = "the answer says which were stale";
            outcome: one_bad_outcome_spoils_no_other = "one bad outcome spoils no other";
            outcome: racing_outcomes_are_recorded_once = "outcomes are fenced by the token (L3)";
            follow: a_follower_is_stored_with_the_outcome = "what must follow an outcome is a job in the same transaction";
            follow: a_follower_wakes_those_who_listen = "the signal is raised for this process and others";
            follow: an_outcome_that_does_not_count_stores_no_follower = "repeated, stale and refused outcomes store nothing";
            follow: racing_outcomes_store_one_follower = "what must follow an outcome is a job in the same transaction";
            follow: a_follower_that_is_stored_already_is_left_alone = "a repeat never makes a second run";
            follow: any_outcome_may_be_followed = "what must follow an outcome is a job in the same transaction";
            follow: a_chain_stays_with_its_job = "the jobs of a chain stay with their job through every state";
            follow: a_chain_runs_link_by_link = "the jobs of a chain stay with their job through every state";
            stop: a_running_job_is_asked_to_stop = "one that runs is asked to stop";
            stop: a_request_to_stop_wakes_those_who_listen = "the signal is raised for commands";
            stop: a_hand_back_of_a_job_asked_to_stop_ends_it = "a job asked to stop does not run again";
            stop: a_job_asked_to_stop_waits_for_no_other_run = "a job asked to stop does not run again";
            stop: who_hears_of_a_request_to_stop_sees_it = "cancel reaches a running job at once";
            stop: leaving_ends_a_job_that_was_asked_to_stop = "a job asked to stop does not run again";
            stop: a_job_asked_to_stop_ends_with_its_worker = "a job asked to stop does not run again";
            stop: a_job_asked_to_stop_ends_when_a_lost_worker_hands_it_back = "a job asked to stop does not run again";
            stop: a_job_asked_to_stop_may_still_end_by_itself = "an outcome under the newest token counts";
            stop: a_requeue_forgets_a_request_to_stop = "a requeued job begins anew";
            lease: a_job_may_run_for_ten_leases = "a lease ends by time since renewal, never by how long a job runs (L2)";
            lease: a_worker_is_listed_until_it_leaves = "workers are known";
            lease: leaving_hands_everything_back_without_a_crash = "a worker that leaves hands everything back";
            lease: what_a_worker_does_not_know_of_is_handed_back = "a lost answer of a claim loses no job (L1)";
            lease: a_frozen_worker_is_ended_by_one_that_lives = "jobs of a dead worker run again (L1)";
            lease: a_lost_worker_is_told_so = "an expired lease is never renewed";
            lease: late_answer_of_a_lost_worker_changes_nothing = "late answers are void (L3)";
            lease: a_lost_worker_that_lives_takes_its_crashes_back = "abandoned is no crash (L33)";
            lease: every_crash_is_taken_back_once_in_any_order = "abandoned is no crash (L33)";
            lease: a_crash_is_taken_back_though_the_job_runs_again = "abandoned is no crash (L33)";
            lease: a_lost_worker_that_lives_hands_back_what_nobody_has_freed_yet = "abandoned is no crash (L33)";
            lease: only_what_nobody_holds_is_handed_back_by_a_lost_worker = "at most one valid token for a job";
            lease: an_unknown_worker_is_not_alive = "an expired lease is never renewed";
            lease: workers_of_one_process_are_judged_apart = "a worker that beats is never ended (L2)";
            lease: healthy_workers_have_nothing_to_rescue = "a worker that beats is never ended (L2)";
            crash: a_killed_workers_job_runs_again = "jobs of a dead worker run again (L1)";
            crash: killed_at_any_moment_no_job_is_lost = "killed at any moment, no acknowledged job is lost (L1)";
            crash: a_first_crash_quarantines_nobody = "an innocent neighbour is never quarantined (L33)";
            crash: jobs_on_probation_are_claimed_one_at_a_time = "one job on probation at a time (L33)";
            crash: a_job_on_probation_waits_its_turn = "claims order by priority, time due, order of enqueue";
            crash: crashes_on_probation_end_a_job_as_failed = "a job that kills its workers is quarantined (L12)";
            crash: a_retry_or_a_snooze_clears_the_crashes = "an outcome that shows it alive clears its crashes";
            crash: a_hand_back_keeps_the_crashes = "an outcome that shows it alive clears its crashes";
            crash: racing_rescues_free_each_job_once = "a crash is counted once";
            crash: a_claim_that_overlaps_a_rescue_leaves_nothing_under_nobody = "nothing runs under a worker that is gone (L33)";
            park: a_parked_job_keeps_its_payload_and_its_attempts = "arguments that do not decode park the job (L14)";
            park: a_parked_job_is_not_freed_by_the_same_shape = "parked until a worker of another shape comes";
            park: a_worker_of_another_shape_frees_a_parked_job = "an old and a new build run side by side (L15)";
            park: a_job_remembers_every_shape_that_parked_it = "parked until a worker of another shape comes";
            park: a_live_worker_of_another_shape_gets_a_parked_job = "an old and a new build run side by side (L15)";
            park: a_person_may_free_or_cancel_a_parked_job = "free again by hand";
            park: a_kind_that_nobody_knows_is_parked_untouched = "an unknown kind is never failed or deleted (L15)";
            park: unknown_kinds_are_parked_in_bites = "an unknown kind is never in the way";
            park: a_parked_kind_comes_back_when_a_worker_knows_it = "an unknown kind comes back when a worker knows it (L15)";
            park: a_kind_is_parked_when_its_last_worker_has_gone = "an unknown kind is never in the way";
            park: an_alias_is_a_known_kind = "renames by alias (L25)";
            park: unserved_jobs_are_reported = "what nobody takes is reported (L15)";
            ticks: a_tick_makes_its_job = "a tick and its job are one transaction";
            ticks: each_tick_is_fired_once_by_eight_processes = "at most one job for a tick, whoever tries (L7)";
            ticks: a_scheduler_that_wakes_fires_nothing_again = "at most one job for a tick, whoever tries (L5)";
            ticks: the_last_tick_only_grows = "the last tick only grows";
            ticks: a_tick_is_skipped_while_the_last_job_lives = "overlapping ticks are skipped";
            ticks: a_run_on_start_leaves_the_last_tick = "a run on start is beside the times";
            ticks: a_run_on_start_at_a_ticks_instant_stops_nothing = "at most one job for a tick, whoever tries";
            ticks: a_tick_without_its_job_is_not_done = "a tick and its job are one transaction";
            ticks: a_tick_is_not_fired_before_its_time = "time is the store's (L5)";
            ticks: a_tick_of_an_older_row_is_lost = "everyone fires what the row says";
            ticks: a_run_on_deployment_is_once_for_each_build = "a run on start is beside the times";
            ticks: every_tick_is_accounted_for = "every tick is accounted for";
            overlaps: allowed_ticks_run_beside_each_other = "a tick meets its predecessor as its policy says";
            overlaps: queued_ticks_follow_each_other = "a tick meets its predecessor as its policy says";
            overlaps: a_tick_does_not_overtake_one_that_waits = "a tick meets its predecessor as its policy says";
            overlaps: only_so_many_ticks_wait = "nothing grows without a limit";
            overlaps: a_run_is_cancelled_for_the_next_tick = "a tick meets its predecessor as its policy says";
            overlaps: a_job_that_waits_is_cancelled_for_the_next_tick = "a tick meets its predecessor as its policy says";
            overlaps: a_tick_that_waits_goes_with_its_schedule = "every tick is accounted for";
            schedules: a_changed_schedule_counts_from_now = "an edit is not a misfire";
            schedules: a_schedule_that_fired_once_goes_on_when_it_is_changed = "the schedule is what the code says (L16)";
            schedules: an_unchanged_schedule_keeps_its_last_tick = "a missed tick is still due after a restart (L6)";
            schedules: the_newest_start_wins = "the schedule is what the code says (L16)";
            schedules: a_schedule_that_its_build_has_no_more_is_retired = "the schedule is what the code says (L16)";
            schedules: a_schedule_of_an_unknown_kind_is_kept = "an old and a new build run side by side (L15)";
            schedules: a_schedule_is_retired_when_no_worker_has_it = "an old and a new build run side by side (L16)";
            schedules: a_running_build_declares_what_no_later_start_has_declared = "an old and a new build run side by side (L16)";
            schedules: a_schedule_that_is_far_ahead_counts_from_now = "time is the store's (L5)";
            schedules: schedules_are_found_by_key_and_group = "what a person looks for is found";
            changes: schedules_are_saved_and_removed = "schedules change while workers run";
            changes: a_schedule_that_is_enabled_counts_from_now = "an edit is not a misfire";
            changes: nobody_takes_a_schedule_from_another = "all or none are changed";
            changes: a_group_is_replaced_as_a_whole = "all or none are changed";
            changes: a_paused_schedule_ticks_when_it_is_resumed = "every tick is accounted for";
            changes: times_by_hand_stay_until_they_are_dropped = "what people changed by hand stays";
            pause: a_paused_queue_gives_nothing_until_it_is_resumed = "of a paused queue nothing is claimed";
            pause: a_pause_holds_up_no_other_queue = "of a paused queue nothing is claimed";
            pause: what_runs_goes_on_while_its_queue_is_paused = "a pause stops nothing that runs";
            pause: pausing_and_resuming_are_answered_and_listed = "each answer in its place";
            pause: who_hears_of_a_pause_sees_it = "the signal is raised for commands";
            pause: a_claim_after_the_answer_to_a_pause_gets_nothing = "of a paused queue nothing is claimed";
            manage: a_waiting_job_is_cancelled_at_once = "one that waits ends at once";
            manage: cancelling_what_has_ended_changes_nothing = "a finished job moves only by requeue";
            manage: cancellations_are_answered_in_order = "each answer in its place";
            manage: counts_follow_every_state = "counts are right in every state";
            manage: filters_find_by_state_kind_and_queue = "what a person looks for is found";
            manage: pages_follow_each_other_without_a_gap = "what a person looks for is found";
            manage: finished_jobs_come_in_order_of_their_end = "the history keeps the order of ends";
            manage: a_live_job_is_found_by_its_name = "a name is unique among live jobs";
            requeue: a_requeue_keeps_the_token_and_clears_the_rest = "requeue keeps the token (L4)";
            requeue: only_what_has_ended_is_requeued = "states move as the table says";
            requeue: a_job_whose_name_is_taken_is_not_requeued = "a name is unique among live jobs";
            requeue: an_emptied_job_is_not_requeued = "nothing runs without its arguments";
            prune: each_end_has_its_own_retention = "finished jobs go when their time has come";
            prune: nothing_younger_than_its_time_goes = "nothing younger than its time goes (L20)";
            prune: pruning_goes_in_bites = "maintenance never holds up a claim for long";
            prune: within_the_window_a_job_is_only_emptied = "id and token stay for the repeat window";
            errors: a_closed_store_says_so = "a closed store says so";
            errors: closing_one_handle_leaves_the_others = "a handle is a process";
            errors: a_dropped_enqueue_stored_all_or_nothing = "a dropped call took effect wholly or not at all";
            errors: a_dropped_claim_loses_nothing = "a dropped call took effect wholly or not at all";
            errors: a_dropped_batch_of_outcomes_counts_wholly_or_not = "a dropped call took effect wholly or not at all";
            history: random_histories_keep_every_rule = "states, tokens, attempts and counts, in any order of events";
        }
    };
}

/// Makes one test for each fact of the [suite](crate::testing::conformance).
///
/// `make` is a fn, or a closure that captures nothing, giving a fresh [`Subject`](crate::testing::conformance::Subject). Each test has
/// the name of its fact, a subject of its own, and a runtime of its own; nothing but this crate is needed.
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::__conformance_table! { [$crate::__conformance_tests] ($make) }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    (($make:expr) $($topic:ident: $name:ident = $promise:literal;)*) => {
        $(
            #[test]
            fn $name() {
                $crate::testing::conformance::run(async {
                    let make = $make;
                    let subject = make();
                    $crate::testing::conformance::$topic::$name(&subject).await;
                });
            }
        )*
    };
}

macro_rules! list {
    (() $($topic:ident: $name:ident = $promise:literal;)*) => {
        /// Every fact, in the order of the topics.
        pub const FACTS: &[Fact] = &[$(Fact { topic: stringify!($topic), name: stringify!($name), promise: $promise }),*];
    };
}

__conformance_table! { [list] () }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_fact_of_every_topic() {
        let topics = [
            ("enqueue", include_str!("enqueue.rs")),
            ("claim", include_str!("claim.rs")),
            ("outcome", include_str!("outcome.rs")),
            ("follow", include_str!("follow.rs")),
            ("stop", include_str!("stop.rs")),
            ("lease", include_str!("lease.rs")),
            ("crash", include_str!("crash.rs")),
            ("park", include_str!("park.rs")),
            ("ticks", include_str!("ticks.rs")),
            ("overlaps", include_str!("overlaps.rs")),
            ("schedules", include_str!("schedules.rs")),
            ("changes", include_str!("changes.rs")),
            ("pause", include_str!("pause.rs")),
            ("manage", include_str!("manage.rs")),
            ("requeue", include_str!("requeue.rs")),
            ("prune", include_str!("prune.rs")),
            ("errors", include_str!("errors.rs")),
            ("history", include_str!("history.rs")),
        ];
        let facts = |source: &'static str| {
            let begin = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            begin.filter_map(|line| line.split_once('(')).map(|(name, _)| name)
        };
        let written: Vec<_> =
            topics.into_iter().flat_map(|(topic, source)| facts(source).map(move |name| (topic, name))).collect();
        let listed: Vec<_> = FACTS.iter().map(|fact| (fact.topic, fact.name)).collect();
        assert_eq!(listed, written);
    }

    #[test]
    fn a_fact_reads_as_a_sentence() {
        assert_eq!(FACTS[0].shows(), "a job reaches another process as it was");
    }
}
