//! Effects made by hand: those that are missing, doubled, or of other jobs.

use jobs_core::{JobId, State};

use super::super::effects::Table;
use super::{Breach, ONE, Scene, TWO, check};
use crate::chaos::effects::{EFFECT, Fate, fate};
use crate::chaos::evidence::Effect;
use crate::chaos::ledger::{End, Event, Step};

/// A job with an effect that ended like this, in its first run, with this fate.
fn with_effect(wanted: Fate, how: End, state: State) -> (Scene, JobId) {
    let mut scene = Scene::default();
    let ids = (0..=u8::MAX).map(|chance| JobId::from_parts(1, [0, 0, 0, 0, 0, 0, chance, 7, 0, 0]));
    let id = ids.into_iter().find(|id| fate(*id) == wanted).unwrap();
    scene.evidence.enqueued.acknowledged.insert(id, EFFECT.to_owned());
    let run = scene.run(ONE, (1.0, 1.1), id, 1, how);
    scene.write(ONE, 1.2, Event::Commit { job: id, token: 1, step: Step::Asked });
    scene.stored(id, EFFECT, state, 1, &run).failures = u32::from(state == State::Failed);
    (scene, id)
}

/// A row that a run has written.
fn row(job: JobId, token: i64, run: &str) -> Effect {
    Effect { job, token, run: run.to_owned() }
}

#[test]
fn a_completed_job_has_one_effect_and_it_is_found_where_it_is_missing_doubled_or_of_another_run() {
    let (mut scene, id) = with_effect(Fate::Good, End::Ok, State::Completed);
    scene.breaks(Breach::EffectMissing);
    scene.evidence.effects.push(row(id, 1, "w0.001#0"));
    let table = scene.is_well().effects;
    let lost = Table { jobs: 1, completed: 1, effects: 1, runs: 0, commits: 1, lost: 1, took_place: 1, ..Table::default() };
    assert_eq!(table, lost);
    scene.write(ONE, 1.3, Event::Commit { job: id, token: 1, step: Step::Answered });
    assert_eq!(scene.is_well().effects, Table { lost: 0, took_place: 0, ..lost });
    scene.evidence.effects.push(row(id, 1, "w0.001#0"));
    scene.breaks(Breach::EffectDoubled);
    assert_eq!(check(&scene.evidence).effects.doubled, 1);
    for (token, run) in [(2, "w0.001#0"), (1, "w0.001#1")] {
        scene.evidence.effects = vec![row(id, token, run)];
        scene.breaks(Breach::EffectStray);
    }
}

#[test]
fn an_effect_of_a_job_that_was_not_completed_and_one_of_no_job_are_found() {
    for (fate, state) in [(Fate::Fails, State::Failed), (Fate::Cancels, State::Cancelled)] {
        let (mut scene, id) = with_effect(fate, End::Failed, state);
        assert_eq!(scene.is_well().failed, 1);
        scene.evidence.effects.push(row(id, 1, "w0.001#0"));
        scene.breaks(Breach::EffectStray);
    }
    let mut scene = Scene::default();
    let id = scene.done();
    scene.evidence.effects.push(row(id, 1, "w0.001#0"));
    scene.breaks(Breach::EffectStray);
    assert_eq!(check(&scene.evidence).effects.strays, 1);
}

#[test]
fn a_job_with_an_effect_that_fails_or_is_cancelled_and_was_not_made_to_is_found() {
    for state in [State::Failed, State::Cancelled] {
        with_effect(Fate::Good, End::Failed, state).0.breaks(Breach::WrongEnd);
    }
}

#[test]
fn a_job_with_an_effect_that_was_completed_without_its_transaction_is_found() {
    let (mut scene, id) = with_effect(Fate::Good, End::Ok, State::Completed);
    scene.evidence.effects.push(row(id, 1, "w0.001#0"));
    scene.write(ONE, 1.3, Event::Applied { job: id, token: 1, decision: "completed".to_owned() });
    scene.breaks(Breach::EffectMissing);
}

#[test]
fn whatever_costs_a_transaction_is_a_failure_of_its_job_and_nothing_else_is() {
    let (mut scene, id) = with_effect(Fate::Good, End::Ok, State::Completed);
    scene.evidence.records[0].token = 2;
    scene.evidence.records[0].failures = 1;
    let run = scene.begin(TWO, 2.0, id, 2, 2);
    scene.write(TWO, 2.1, Event::End { run, how: End::Ok });
    scene.evidence.records[0].output = Some(format!("\"{TWO}#{run}\""));
    scene.evidence.effects.push(row(id, 2, &format!("{TWO}#{run}")));
    scene.is_well();
    // It ran as the second attempt, and no failure is recorded.
    scene.evidence.records[0].failures = 0;
    let findings = check(&scene.evidence);
    assert!(findings.of(Breach::Unexplained) == 1 && findings.of(Breach::WrongAttempt) == 1, "{:#?}", findings.violations);
}
