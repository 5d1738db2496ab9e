//! The check on ledgers made by hand: what is wrong in them is found, and what is right is not.

mod effects;

use std::time::Duration;

use jiff::Timestamp;
use jobs_core::record::AttemptError;
use jobs_core::{JobId, JobRecord, State};

use super::{Breach, Cause, Findings, check};
use crate::chaos::evidence::{Evidence, Life, Rest, Tick, Why};
use crate::chaos::faults::{Fault, What};
use crate::chaos::ledger::{End, Entry, Event};

const ONE: &str = "w0.001";
const TWO: &str = "w1.001";

fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// What happened, written down call by call.
#[derive(Default)]
struct Scene {
    evidence: Evidence,
    runs: u64,
}

impl Scene {
    fn write(&mut self, process: &str, at: f64, what: Event) {
        self.evidence.ledgers.entry(process.to_owned()).or_default().push(Entry { at: s(at), what });
    }

    /// Begins a run; the answer is its name.
    fn begin(&mut self, process: &str, at: f64, job: JobId, attempt: u32, token: i64) -> u64 {
        let run = self.runs;
        self.runs += 1;
        let tick = self.evidence.records.iter().find(|record| record.id == job).and_then(|record| record.tick);
        let tick = tick.map(Timestamp::as_millisecond);
        self.write(process, at, Event::Begin { run, job, kind: "quick".to_owned(), attempt, token, tick });
        run
    }

    /// A run with its beginning and its end.
    fn run(&mut self, process: &str, (from, to): (f64, f64), job: JobId, token: i64, how: End) -> String {
        let run = self.begin(process, from, job, 1, token);
        self.write(process, to, Event::End { run, how });
        format!("{process}#{run}")
    }

    fn fault(&mut self, what: What, whom: &str, from: f64, to: f64) {
        self.evidence.faults.push(Fault { what, whom: whom.to_owned(), from: s(from), to: s(to) });
    }

    /// A job that was answered for.
    fn enqueue(&mut self, kind: &str) -> JobId {
        let number = self.evidence.enqueued.acknowledged.len() as u64;
        let id = JobId::from_parts(number + 1, [0; 10]);
        self.evidence.enqueued.acknowledged.insert(id, kind.to_owned());
        id
    }

    /// Stores how a job has ended.
    fn stored(&mut self, id: JobId, kind: &str, state: State, token: i64, by: &str) -> &mut JobRecord {
        let mut record = JobRecord::new(id, kind.to_owned(), "default".to_owned(), state);
        record.token = token;
        record.output = (state == State::Completed).then(|| format!("\"{by}\""));
        self.evidence.records.push(record);
        self.evidence.records.last_mut().unwrap()
    }

    /// A job that was enqueued, ran once and was completed.
    fn done(&mut self) -> JobId {
        let id = self.enqueue("quick");
        let run = self.run(ONE, (1.0, 1.1), id, 1, End::Ok);
        self.write(ONE, 1.2, Event::Applied { job: id, token: 1, decision: "completed".to_owned() });
        self.stored(id, "quick", State::Completed, 1, &run);
        id
    }

    /// A tick with its job, which ran.
    fn tick(&mut self, instant: i64, missed: u32, chance: u8) -> JobId {
        let id = JobId::from_parts(instant.try_into().unwrap(), [chance; 10]);
        self.stored(id, "tick", State::Completed, 1, "").tick = Some(Timestamp::from_millisecond(instant).unwrap());
        let run = self.run(ONE, (2.0, 2.1), id, 1, End::Ok);
        self.evidence.records.last_mut().unwrap().output = Some(format!("\"{run}\""));
        self.evidence.ticks.push(Tick { instant, missed, job: Some(id) });
        self.evidence.last_tick = instant;
        id
    }

    #[track_caller]
    fn is_well(&self) -> Findings {
        let findings = check(&self.evidence);
        let violations: Vec<String> = findings.violations.iter().map(ToString::to_string).collect();
        assert!(violations.is_empty(), "{violations:#?}");
        findings
    }

    #[track_caller]
    fn breaks(&self, breach: Breach) {
        let findings = check(&self.evidence);
        let breaches: Vec<Breach> = findings.violations.iter().map(|violation| violation.breach).collect();
        assert_eq!(breaches, [breach], "{:#?}", findings.violations);
    }
}

/// A job that ran twice: first in one process, from the first second to `until`, then in the other.
fn twice(until: f64, again: f64) -> Scene {
    let mut scene = Scene::default();
    let id = scene.enqueue("quick");
    scene.run(ONE, (1.0, until), id, 1, End::Ok);
    let run = scene.run(TWO, (again, again + 0.5), id, 2, End::Ok);
    scene.stored(id, "quick", State::Completed, 2, &run);
    scene
}

#[test]
fn jobs_that_ran_once_and_ticks_that_add_up_are_well() {
    let mut scene = Scene::default();
    scene.done();
    scene.done();
    scene.tick(5_000, 0, 1);
    scene.tick(6_000, 0, 2);
    scene.tick(9_000, 2, 3);
    let findings = scene.is_well();
    assert_eq!((findings.completed, findings.executions, findings.ticks), (2, 5, (3, 2)));
}

#[test]
fn a_job_that_is_not_there_is_lost() {
    let mut scene = Scene::default();
    scene.enqueue("quick");
    scene.breaks(Breach::Lost);
    // It may well have run.
    let mut scene = Scene::default();
    scene.done();
    scene.evidence.records.clear();
    scene.breaks(Breach::Lost);
}

#[test]
fn a_job_that_has_not_ended_is_lost() {
    let mut scene = Scene::default();
    let id = scene.enqueue("quick");
    scene.stored(id, "quick", State::Available, 0, "");
    scene.breaks(Breach::Lost);
}

#[test]
fn a_job_that_ended_twice_is_found_in_the_store_in_the_answers_and_in_what_follows() {
    let mut scene = Scene::default();
    scene.done();
    scene.evidence.records.push(scene.evidence.records[0].clone());
    scene.breaks(Breach::CompletedTwice);

    let mut scene = Scene::default();
    let id = scene.done();
    scene.write(TWO, 3.0, Event::Applied { job: id, token: 2, decision: "completed".to_owned() });
    scene.breaks(Breach::CompletedTwice);

    let mut scene = Scene::default();
    let id = scene.enqueue("first");
    let run = scene.run(ONE, (1.0, 1.1), id, 1, End::Ok);
    scene.stored(id, "first", State::Completed, 1, &run);
    for chance in [1, 2] {
        let follower = JobId::from_parts(99, [chance; 10]);
        let run = scene.run(ONE, (2.0, 2.1), follower, 1, End::Ok);
        scene.stored(follower, "second", State::Completed, 1, &run).parent = Some(id);
    }
    scene.breaks(Breach::CompletedTwice);
}

#[test]
fn a_chain_that_did_not_go_on_is_found() {
    let mut scene = Scene::default();
    let id = scene.enqueue("first");
    let run = scene.run(ONE, (1.0, 1.1), id, 1, End::Ok);
    scene.stored(id, "first", State::Completed, 1, &run);
    scene.breaks(Breach::CompletedTwice);
}

#[test]
fn a_late_outcome_that_was_taken_is_found() {
    let mut scene = twice(6.0, 5.0);
    scene.fault(What::Freeze, ONE, 1.5, 5.9);
    scene.is_well();
    // As if the store had not looked at the token.
    scene.evidence.records[0].output = Some(format!("\"{ONE}#0\""));
    let findings = check(&scene.evidence);
    assert!(findings.of(Breach::WrongEnd) > 0 && findings.of(Breach::Overlap) > 0, "{:#?}", findings.violations);
}

#[test]
fn an_outcome_that_was_taken_and_is_not_there_any_more_is_found() {
    let mut scene = twice(1.1, 9.0);
    scene.fault(What::Kill, ONE, 1.5, 1.6);
    scene.is_well();
    let id = scene.evidence.records[0].id;
    scene.write(ONE, 1.2, Event::Applied { job: id, token: 1, decision: "completed".to_owned() });
    scene.breaks(Breach::WrongEnd);
}

#[test]
fn a_job_completed_by_a_run_that_is_in_no_ledger_is_found() {
    let mut scene = Scene::default();
    let id = scene.enqueue("quick");
    scene.stored(id, "quick", State::Completed, 1, "w0.001#7");
    scene.breaks(Breach::WrongEnd);
}

#[test]
fn a_second_run_that_nothing_explains_is_found() {
    twice(1.1, 2.0).breaks(Breach::Unexplained);
    // What is done to another, or later, or before, explains nothing.
    for (whom, from) in [(TWO, 1.5), (ONE, 2.5), (ONE, 0.1)] {
        let mut scene = twice(1.1, 2.0);
        scene.fault(What::Kill, whom, from, from + 0.1);
        scene.breaks(Breach::Unexplained);
    }
}

#[test]
fn a_second_run_is_explained_by_what_was_done_to_the_process_of_the_first() {
    for (what, cause) in [(What::Kill, Cause::Kill), (What::Freeze, Cause::Freeze), (What::Stop, Cause::Stop)] {
        let mut scene = twice(1.1, 9.0);
        scene.fault(what, ONE, 1.5, 8.0);
        assert_eq!(scene.is_well().repeated, [(cause, 1)].into());
    }
    let mut scene = twice(1.1, 9.0);
    scene.fault(What::Swallow, "w0.", 1.0, 7.0);
    scene.write(ONE, 5.0, Event::Lost);
    assert_eq!(scene.is_well().repeated, [(Cause::LostLease, 1)].into());
}

#[test]
fn a_freeze_that_is_shorter_than_a_lease_explains_nothing() {
    let mut scene = twice(1.1, 9.0);
    scene.fault(What::Freeze, ONE, 1.5, 2.5);
    scene.breaks(Breach::Unexplained);
    // Unless the last renewals had not come through.
    scene.fault(What::Swallow, "w0.", 0.5, 1.4);
    scene.is_well();
}

#[test]
fn two_runs_at_once_are_found() {
    // It lost its lease, but went on.
    let mut scene = twice(6.0, 5.0);
    scene.fault(What::Swallow, "w0.", 1.0, 4.0);
    scene.write(ONE, 3.4, Event::Lost);
    scene.breaks(Breach::Overlap);
    // It was asked to stop, handed the job back, and went on.
    let mut scene = twice(6.0, 5.0);
    scene.fault(What::Stop, ONE, 1.0, 7.0);
    scene.breaks(Breach::Overlap);
    // It was killed too late to explain that.
    let mut scene = twice(6.0, 5.0);
    scene.fault(What::Kill, ONE, 5.5, 5.6);
    let findings = check(&scene.evidence);
    assert_eq!(findings.of(Breach::Unexplained), 1);
}

#[test]
fn two_runs_at_once_are_as_they_may_be_where_the_first_was_frozen() {
    let mut scene = twice(8.2, 6.0);
    scene.fault(What::Freeze, ONE, 1.5, 8.0);
    assert_eq!(scene.is_well().repeated, [(Cause::Freeze, 1)].into());
    // It had fetched the job ahead, and begins it as it wakes.
    let mut scene = Scene::default();
    let id = scene.enqueue("quick");
    scene.run(ONE, (8.1, 8.2), id, 1, End::Ok);
    let run = scene.run(TWO, (6.0, 6.1), id, 2, End::Ok);
    scene.stored(id, "quick", State::Completed, 2, &run);
    scene.fault(What::Freeze, ONE, 1.5, 8.0);
    scene.is_well();
    scene.evidence.faults.clear();
    scene.breaks(Breach::Unexplained);
}

#[test]
fn a_run_after_the_end_of_its_job_is_found() {
    let mut scene = Scene::default();
    let id = scene.done();
    scene.run(TWO, (3.0, 3.1), id, 2, End::Ok);
    scene.fault(What::Kill, TWO, 3.2, 3.3);
    scene.breaks(Breach::CompletedTwice);
}

#[test]
fn a_claim_that_runs_twice_is_found() {
    let mut scene = twice(1.1, 2.0);
    scene.evidence.ledgers.get_mut(TWO).into_iter().flatten().for_each(|entry| {
        if let Event::Begin { token, .. } = &mut entry.what {
            *token = 1;
        }
    });
    scene.evidence.records[0].token = 1;
    scene.fault(What::Kill, ONE, 1.2, 1.3);
    scene.breaks(Breach::Unexplained);
}

/// A job of which one attempt fails, and then ends well as this attempt.
fn failing(attempt: u32) -> Scene {
    let mut scene = Scene::default();
    let id = JobId::from_parts(1, [1; 10]);
    scene.evidence.enqueued.acknowledged.insert(id, "flaky".to_owned());
    let failed = scene.run(ONE, (1.0, 1.1), id, 1, End::Failed);
    let run = scene.begin(ONE, 2.0, id, attempt, 2);
    scene.write(ONE, 2.1, Event::End { run, how: End::Ok });
    let record = scene.stored(id, "flaky", State::Completed, 2, &format!("{ONE}#{run}"));
    record.failures = 1;
    record.errors = vec![AttemptError { attempt: 1, at: 0, error: failed }];
    scene
}

#[test]
fn an_attempt_is_one_more_than_the_failures_recorded() {
    assert_eq!(failing(2).is_well().completed, 1);
    failing(1).breaks(Breach::WrongAttempt);
    failing(4).breaks(Breach::WrongAttempt);
}

#[test]
fn a_quarantine_is_explained_by_the_kills_that_the_ledger_shows() {
    for (kills, is_well) in [(4, true), (2, false)] {
        let mut scene = Scene::default();
        let id = scene.enqueue("quick");
        for kill in 0..kills {
            let (process, at) = (format!("w0.{kill:03}"), f64::from(kill));
            scene.begin(&process, at, id, 1, i64::from(kill) + 1);
            scene.fault(What::Kill, &process, at + 0.5, at + 0.6);
        }
        scene.stored(id, "quick", State::Failed, i64::from(kills), "").error = Some("quarantined: 3 workers died".to_owned());
        let findings = check(&scene.evidence);
        assert_eq!((findings.violations.is_empty(), findings.quarantined), (is_well, usize::from(is_well)));
    }
}

#[test]
fn a_tick_with_two_jobs_is_found() {
    let mut scene = Scene::default();
    scene.tick(5_000, 0, 1);
    scene.tick(5_000, 0, 2);
    scene.evidence.ticks.pop();
    let findings = check(&scene.evidence);
    assert!(findings.violations.iter().all(|violation| violation.breach == Breach::TickDoubled));
    assert!(findings.of(Breach::TickDoubled) > 0);
}

#[test]
fn a_tick_that_nobody_accounts_for_is_found() {
    let mut scene = Scene::default();
    scene.tick(5_000, 0, 1);
    scene.tick(8_000, 1, 2);
    scene.breaks(Breach::TickMissed);
    // As many as there were, but the schedule knows of a later one.
    let mut scene = Scene::default();
    scene.tick(5_000, 0, 1);
    scene.evidence.last_tick = 6_000;
    scene.breaks(Breach::TickMissed);
    // Nobody fires any more.
    let mut scene = Scene::default();
    scene.tick(5_000, 0, 1);
    scene.evidence.lag = s(20.0);
    scene.breaks(Breach::TickMissed);
    // It was fired, and its job is gone.
    let mut scene = Scene::default();
    scene.tick(5_000, 0, 1);
    scene.evidence.records.clear();
    scene.evidence.ledgers.clear();
    scene.breaks(Breach::TickMissed);
}

#[test]
fn a_repeated_enqueue_that_was_taken_for_new_is_found() {
    let mut scene = Scene::default();
    let id = scene.done();
    scene.evidence.enqueued.made_again.insert(id);
    scene.breaks(Breach::MadeAgain);
}

#[test]
fn jobs_of_nobody_and_jobs_never_answered_for_are_found() {
    let mut scene = Scene::default();
    scene.done();
    scene.evidence.enqueued.acknowledged.clear();
    scene.breaks(Breach::Stranger);
    let mut scene = Scene::default();
    scene.evidence.enqueued.unanswered.insert(JobId::from_parts(1, [1; 10]));
    scene.breaks(Breach::Stranger);
}

#[test]
fn a_lease_that_is_lost_for_nothing_is_found() {
    let mut scene = Scene::default();
    scene.write(ONE, 30.0, Event::Lost);
    scene.fault(What::Swallow, "w1.", 20.0, 29.0);
    scene.breaks(Breach::Lease);
    scene.fault(What::Swallow, "w0.", 20.0, 29.0);
    scene.is_well();
}

/// What was done to the first process before its lease was over at the tenth second.
fn lost_at_ten(faults: &[(What, &str, f64, f64)]) -> Scene {
    let mut scene = Scene::default();
    scene.write(ONE, 10.0, Event::Lost);
    for (what, whom, from, to) in faults {
        scene.fault(*what, whom, *from, *to);
    }
    scene
}

#[test]
fn a_lost_lease_is_explained_by_what_lasted_as_long_as_it() {
    for what in What::ALL.into_iter().filter(|what| what.is_outage()) {
        lost_at_ten(&[(what, "", 7.5, 10.5)]).is_well();
        lost_at_ten(&[(what, "w0.", 8.0, 9.5)]).is_well();
        // Too early, too late, too short, or done to another.
        for (whom, from, to) in [("w0.", 2.0, 3.0), ("w0.", 10.1, 14.0), ("w0.", 8.5, 9.0), ("w1.", 7.5, 10.5), (TWO, 7.5, 10.5)]
        {
            lost_at_ten(&[(what, whom, from, to)]).breaks(Breach::Lease);
        }
    }
}

#[test]
fn a_lost_lease_is_not_explained_by_what_leaves_time_for_a_renewal() {
    // A second and a half is time enough, half a second is not.
    lost_at_ten(&[(What::Lock, "", 7.0, 8.0), (What::FullDisk, "", 8.3, 9.2)]).is_well();
    lost_at_ten(&[(What::Swallow, "w0.", 8.3, 8.6), (What::Restart, "", 9.0, 9.2)]).breaks(Breach::Lease);
    lost_at_ten(&[(What::Freeze, ONE, 9.3, 12.0)]).breaks(Breach::Lease);
    lost_at_ten(&[(What::Refuse, "w0.", 9.05, 10.0)]).breaks(Breach::Lease);
}

#[test]
fn a_lost_lease_is_not_explained_by_what_is_over_at_once() {
    for what in What::ALL.into_iter().filter(|what| !what.is_outage()) {
        lost_at_ten(&[(what, "", 7.0, 10.0)]).breaks(Breach::Lease);
    }
}

#[test]
fn a_lease_that_was_lost_in_a_freeze_is_noticed_after_it() {
    lost_at_ten(&[(What::Freeze, ONE, 5.0, 8.5)]).is_well();
    lost_at_ten(&[(What::Freeze, ONE, 4.0, 7.5)]).breaks(Breach::Lease);
}

#[test]
fn a_run_that_had_ended_long_before_is_not_lost_by_what_came_then() {
    for what in [What::Kill, What::Freeze, What::Stop] {
        let mut scene = twice(1.1, 20.0);
        scene.fault(what, ONE, 8.0, 14.0);
        scene.breaks(Breach::Unexplained);
        // Its outcome could not be written before.
        scene.fault(What::Swallow, "w0.", 0.5, 6.0);
        scene.is_well();
    }
    // One that had not ended may be lost at any time.
    let mut scene = twice(7.9, 20.0);
    scene.fault(What::Kill, ONE, 8.0, 8.1);
    scene.is_well();
}

#[test]
fn two_runs_at_once_are_found_where_the_first_goes_on_long_after_a_freeze() {
    let mut scene = twice(11.0, 6.0);
    scene.fault(What::Freeze, ONE, 1.5, 8.0);
    scene.breaks(Breach::Overlap);
}

#[test]
fn what_explains_a_second_run_is_told() {
    let mut scene = twice(1.1, 9.0);
    scene.fault(What::Swallow, "w0.", 1.0, 7.0);
    scene.write(ONE, 5.0, Event::Lost);
    let told = scene.is_well().explained.join("\n");
    assert!(told.contains("w0.001: lease lost at 5.000, Swallow of w0. from 1.000 for 6.000 s"), "{told}");
    assert!(told.contains("run w0.001#0 from 1.000 did not count: lease lost at 5.000, Swallow of w0."), "{told}");
}

#[test]
fn a_process_that_ends_by_itself_or_too_late_is_found() {
    let life = Life { process: ONE.to_owned(), began: s(1.0), ended: s(2.0), why: Why::Ordered };
    let with = |life| Scene { evidence: Evidence { lives: vec![life], ..Evidence::default() }, runs: 0 };
    with(life.clone()).is_well();
    with(Life { why: Why::TooLate, ..life.clone() }).breaks(Breach::Process);
    let mut scene = with(Life { why: Why::ByItself, ..life });
    scene.breaks(Breach::Process);
    // Without a store it could not even start.
    scene.fault(What::Refuse, "w0.", 1.5, 1.7);
    scene.is_well();
    scene.write(ONE, 1.1, Event::Ready);
    scene.breaks(Breach::Process);
}

/// A job of the queue that rests from 3 s to 6 s, asked for and got at these times.
fn got(asked: f64, at: f64) -> Scene {
    let mut scene = Scene::default();
    let job = scene.done();
    scene.evidence.rests.push(Rest { from: s(3.0), to: s(6.0) });
    scene.write(ONE, at, Event::Claimed { job, token: 1, asked: s(asked) });
    scene
}

#[test]
fn a_job_of_a_paused_queue_that_was_asked_for_afterwards_is_found() {
    got(3.1, 3.2).breaks(Breach::Paused);
    got(2.9, 3.2).is_well();
    got(5.9, 6.1).is_well();
}

#[test]
fn damage_of_the_file_is_told() {
    let mut scene = Scene::default();
    scene.evidence.damage = Some("row 7 missing from index".to_owned());
    scene.breaks(Breach::Damage);
}
