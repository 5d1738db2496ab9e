//! The check finds what it looks for: evidence without a fault, and the same with one thing wrong.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan};
use jobs_core::store::{Skip, TickOutcome, TickRecord};
use jobs_core::{JobId, JobRecord, State};

use super::super::clock::SPEED;
use super::super::course::Course;
use super::super::schedules;
use super::{Evidence, Wrong, check};
use crate::chaos::evidence;
use crate::chaos::faults::{Fault, What};
use crate::chaos::ledger::{Entry, Event};
use crate::chaos::plan::StoreKind;
use crate::haste::Plan;

const TENS: usize = 0;
const MINUTES: usize = 1;
const IN_TIME: usize = 2;
const QUEUED: usize = 3;

/// A run of half a minute, that is of fifty, in which each tick of each schedule was fired a second after its time and took another.
fn calm() -> Evidence {
    let arguments = ["--seconds", "30", "--seed", "1"].map(str::to_owned);
    let course = Course::begin(&Plan::read(&arguments).unwrap());
    let (mut accounts, mut work) = (Vec::new(), evidence::Evidence::default());
    let mut ledger = vec![Entry { at: course.clock.origin, what: Event::Ready }];
    let mut number = 0;
    for planned in &schedules::ALL {
        let (mut account, mut last) = (Vec::new(), course.clock.wall);
        for tick in planned.ticks_between(last, course.ends) {
            number += 1;
            let mut record = job(number, planned.key, tick);
            record.tick = Some(tick);
            let mut fired = TickRecord::new(planned.key, tick, last, record.created_at, TickOutcome::Fired);
            fired.job = Some(record.id);
            let what = Event::Begin {
                run: number,
                job: record.id,
                kind: planned.key.into(),
                attempt: 1,
                token: 1,
                tick: Some(tick.as_millisecond()),
            };
            ledger.push(Entry { at: host(&course, record.created_at), what });
            work.records.push(record);
            account.push(fired);
            last = tick;
        }
        accounts.push((planned, account));
    }
    work.ledgers.insert("w0.001".into(), ledger);
    Evidence { course, store: StoreKind::Postgres, accounts, work }
}

fn job(number: u64, key: &str, tick: Timestamp) -> JobRecord {
    let mut record = JobRecord::new(JobId::from_parts(number, [0; 10]), key.into(), "default".into(), State::Completed);
    record.schedule = Some(key.into());
    (record.tick, record.created_at, record.finished_at) = (Some(tick), tick + 1.second(), Some(tick + 2.seconds()));
    record
}

/// The time of the host at which the clock shows this.
fn host(course: &Course, wall: Timestamp) -> Duration {
    course.clock.origin + Duration::try_from(wall.duration_since(course.clock.wall)).unwrap() / SPEED
}

#[track_caller]
fn finds(expected: &[Wrong], change: impl FnOnce(&mut Evidence)) {
    let mut evidence = calm();
    change(&mut evidence);
    let verdict = check(&evidence);
    let found: Vec<Wrong> = verdict.wrong.iter().map(|(wrong, _)| *wrong).collect();
    assert_eq!(found, expected, "{:#?}", verdict.wrong);
}

/// The tick of a schedule is dealt with later, or not at all.
fn dealt(evidence: &mut Evidence, schedule: usize, nth: usize, outcome: TickOutcome, after: SignedDuration) {
    let tick = &mut evidence.accounts[schedule].1[nth];
    let job = tick.job.take_if(|_| outcome != TickOutcome::Fired);
    (tick.outcome, tick.dealt_at) = (outcome, tick.instant + after);
    evidence.work.records.retain(|record| Some(record.id) != job);
    let entries = evidence.work.ledgers.values_mut();
    entries
        .for_each(|entries| entries.retain(|entry| !matches!(&entry.what, Event::Begin { job: its, .. } if Some(*its) == job)));
}

/// Lets a tick stand for the two before it.
fn merge(evidence: &mut Evidence, schedule: usize, nth: usize) {
    for before in [nth - 2, nth - 1] {
        dealt(evidence, schedule, before, TickOutcome::Skipped(Skip::Misfire), SignedDuration::ZERO);
    }
    let account = &mut evidence.accounts[schedule].1;
    (account[nth].since, account[nth].missed) = (account[nth - 2].since, 2);
    account.drain(nth - 2..nth);
}

#[test]
fn nothing_is_wrong_where_each_tick_was_fired_once() {
    finds(&[], |_| {});
    let verdict = check(&calm());
    assert_eq!((verdict.expected, verdict.fired), (verdict.fired, verdict.expected));
    assert!(verdict.fired > 600, "{}", verdict.fired);
}

#[test]
fn a_tick_with_two_jobs_is_found_by_the_store_and_by_the_ledger() {
    finds(&[Wrong::Doubled], |evidence| {
        let mut second = evidence.work.records[7].clone();
        second.id = JobId::from_parts(9_999, [1; 10]);
        evidence.work.records.push(second);
    });
    finds(&[Wrong::Doubled], |evidence| {
        let entries = evidence.work.ledgers.get_mut("w0.001").unwrap();
        let mut second = entries[7].clone();
        if let Event::Begin { job, .. } = &mut second.what {
            *job = JobId::from_parts(9_999, [1; 10]);
        }
        entries.push(second);
    });
}

#[test]
fn a_tick_that_nobody_accounts_for_is_found() {
    // The next account does not begin where the one before it ended, does not stand for it, and its job is of no account.
    finds(&[Wrong::Missed, Wrong::Missed, Wrong::Doubled], |evidence| drop(evidence.accounts[TENS].1.remove(5)));
    finds(&[Wrong::Missed, Wrong::Doubled], |evidence| drop(evidence.accounts[MINUTES].1.pop()));
    finds(&[Wrong::Missed], |evidence| drop(evidence.work.records.remove(3)));
    finds(&[Wrong::Missed], |evidence| evidence.accounts[TENS].1[5].missed = 1);
    finds(&[Wrong::Missed], |evidence| dealt(evidence, QUEUED, 4, TickOutcome::Queued, SignedDuration::ZERO));
}

#[test]
fn what_comes_before_its_time_is_found() {
    finds(&[Wrong::Early], |evidence| dealt(evidence, TENS, 5, TickOutcome::Fired, SignedDuration::from_millis(-1)));
    finds(&[Wrong::Early], |evidence| {
        let course = evidence.course;
        let entry = &mut evidence.work.ledgers.get_mut("w0.001").unwrap()[9];
        let Event::Begin { tick: Some(tick), .. } = entry.what else { panic!("a run") };
        entry.at = host(&course, Timestamp::from_millisecond(tick - 50).unwrap());
    });
    finds(&[], |evidence| {
        evidence.store = StoreKind::Sqlite;
        let course = evidence.course;
        let entry = &mut evidence.work.ledgers.get_mut("w0.001").unwrap()[9];
        let Event::Begin { tick: Some(tick), .. } = entry.what else { panic!("a run") };
        entry.at = host(&course, Timestamp::from_millisecond(tick - 2_500).unwrap());
    });
}

#[test]
fn one_tick_stands_for_others_only_where_the_policy_says_so() {
    finds(&[], |evidence| merge(evidence, TENS, 20));
    finds(&[Wrong::AgainstPolicy], |evidence| merge(evidence, MINUTES, 20));
    // Three that came together were fired one by one.
    finds(&[Wrong::AgainstPolicy], |evidence| dealt(evidence, TENS, 20, TickOutcome::Fired, SignedDuration::from_secs(40)));
    finds(&[], |evidence| dealt(evidence, MINUTES, 20, TickOutcome::Fired, SignedDuration::from_secs(400)));
}

#[test]
fn what_was_missed_gets_a_job_only_where_the_policy_says_so() {
    let missed = TickOutcome::Skipped(Skip::Misfire);
    let long = SignedDuration::from_secs(50);
    finds(&[], |evidence| dealt(evidence, IN_TIME, 9, missed, long));
    finds(&[Wrong::AgainstPolicy], |evidence| dealt(evidence, IN_TIME, 9, TickOutcome::Fired, long));
    finds(&[Wrong::AgainstPolicy], |evidence| dealt(evidence, TENS, 9, missed, long));
    finds(&[Wrong::AgainstPolicy], |evidence| dealt(evidence, MINUTES, 9, missed, long));
}

#[test]
fn a_tick_is_skipped_for_another_only_where_one_lived() {
    let (overlap, now) = (TickOutcome::Skipped(Skip::Overlap), SignedDuration::ZERO);
    // The end of the last run may be that late on its way, so that this is found only where there was none for longer.
    let alone = |evidence: &mut Evidence, lives: bool| {
        for nth in 10..20 {
            dealt(evidence, TENS, nth, overlap, now);
        }
        if lives {
            let last = evidence.accounts[TENS].1[9].job;
            let record = evidence.work.records.iter_mut().find(|record| Some(record.id) == last).unwrap();
            record.finished_at = Some(record.created_at + 100.seconds());
        }
    };
    finds(&[], |evidence| alone(evidence, true));
    finds(&[Wrong::AgainstPolicy; 6], |evidence| alone(evidence, false));
    finds(&[Wrong::AgainstPolicy], |evidence| dealt(evidence, MINUTES, 9, overlap, now));
    finds(&[Wrong::AgainstPolicy], |evidence| dealt(evidence, QUEUED, 9, overlap, now));
    // The lock of the file was held until then.
    finds(&[], |evidence| {
        alone(evidence, false);
        let (from, to) = (host(&evidence.course, evidence.accounts[TENS].1[9].instant), Duration::MAX);
        evidence.work.faults.push(Fault { what: What::Lock, whom: String::new(), from, to });
    });
}

#[test]
fn a_tick_that_gets_a_job_while_another_lives_is_found() {
    finds(&[Wrong::AgainstPolicy; 5], |evidence| {
        let job = evidence.accounts[TENS].1[30].job;
        let record = evidence.work.records.iter_mut().find(|record| Some(record.id) == job).unwrap();
        record.finished_at = Some(record.created_at + 95.seconds());
    });
}
