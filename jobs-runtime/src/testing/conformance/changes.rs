//! Changes of schedules while workers run: made in the store, paused, given other times, replaced as a group.

use jobs_core::store::{Fired, OverrideTimes, ScheduleAnswer, ScheduleChange, Skip, TickOutcome};

use super::Subject;
use super::world::{SECOND, World, of_build, saved, schedule};

use ScheduleAnswer::{Changed, Created, Unchanged, Unknown};

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

/// What the store alone has is created, changed and removed, and each is answered for.
pub async fn schedules_are_saved_and_removed(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    let began = world.wall();
    assert_eq!(process.save(vec![saved("a"), saved("b")]).await, [Created, Created]);
    world.advance(25 * SECOND);
    assert_eq!(process.save(vec![saved("a"), saved("b").every("1m")]).await, [Unchanged, Changed]);
    let seen: Vec<_> = process.schedules().await.into_iter().map(|row| (row.schedule.spec, row.last_tick, row.version)).collect();
    assert_eq!(seen, [("every 10s".to_owned(), began, 1), ("every 1m".to_owned(), world.wall(), 2)]);
    let removed = process.change(ScheduleChange::Remove { keys: keys(&["b", "c", "b"]) }).await;
    assert_eq!(removed, [Changed, Unknown, Unknown]);
    assert_eq!(process.keys().await, ["a"]);
    assert_eq!(process.fire("b", Some(world.wall()), world.wall()).await, Fired::Lost);
}

/// What passes while a schedule is not enabled was not missed.
pub async fn a_schedule_that_is_enabled_counts_from_now(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.save(vec![saved("a").enabled(false)]).await;
    world.advance(60 * SECOND);
    process.save(vec![saved("a")]).await;
    assert_eq!(process.last_tick("a").await, world.wall());
    world.advance(60 * SECOND);
    process.save(vec![saved("a").enabled(false)]).await;
    assert_eq!(process.last_tick("a").await, world.wall() - 60 * SECOND);
}

/// The schedules of code are its own: nobody saves over them or removes them, and of a call that tries nothing is done.
pub async fn nobody_takes_a_schedule_from_another(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("code")]).await;
    process.change(ScheduleChange::ReplaceGroup { group: "g".to_owned(), schedules: vec![saved("grouped")] }).await;
    process.save(vec![saved("alone")]).await;
    let before = process.schedules().await;
    let is_taken = |answer: &ScheduleAnswer| matches!(answer, ScheduleAnswer::Taken(_));
    for taken in ["code", "grouped"] {
        let answers = process.save(vec![saved("new"), saved(taken)]).await;
        assert!(!is_taken(&answers[0]) && is_taken(&answers[1]), "{taken}: {answers:?}");
    }
    for taken in ["code", "alone"] {
        let schedules = vec![saved(taken)];
        let answers = process.change(ScheduleChange::ReplaceGroup { group: "h".to_owned(), schedules }).await;
        assert!(is_taken(&answers[0]), "{taken}: {answers:?}");
    }
    let twice = process.save(vec![saved("new"), saved("new")]).await;
    assert!(is_taken(&twice[1]), "{twice:?}");
    let removed = process.change(ScheduleChange::Remove { keys: keys(&["code"]) }).await;
    assert!(is_taken(&removed[0]), "{removed:?}");
    assert_eq!(process.schedules().await, before);
}

/// A group is replaced as a whole: what is not among it is gone, and what is unchanged keeps its place in time.
pub async fn a_group_is_replaced_as_a_whole(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.save(vec![saved("alone")]).await;
    let replace =
        async |schedules: Vec<_>| process.change(ScheduleChange::ReplaceGroup { group: "g".to_owned(), schedules }).await;
    let began = world.wall();
    assert_eq!(replace(vec![saved("a"), saved("b")]).await, [Created, Created]);
    world.advance(5 * SECOND);
    assert_eq!(replace(vec![saved("c"), saved("b")]).await, [Created, Unchanged]);
    assert_eq!(process.keys().await, ["alone", "b", "c"]);
    assert_eq!(process.last_tick("b").await, began);
    let group = process.schedule("b").await.schedule.group;
    assert_eq!(group.as_deref(), Some("g"));
    assert!(replace(Vec::new()).await.is_empty());
    assert_eq!(process.keys().await, ["alone"]);
}

/// What is paused does not tick. What passes meanwhile is accounted for as skipped, and was not missed.
pub async fn a_paused_schedule_ticks_when_it_is_resumed(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a")]).await;
    let began = world.wall();
    world.advance(5 * SECOND);
    let pause = ScheduleChange::Pause { keys: keys(&["a", "x"]) };
    assert_eq!(process.change(pause.clone()).await, [Changed, Unknown]);
    assert_eq!(process.change(pause).await, [Unchanged, Unknown]);
    let row = process.schedule("a").await;
    assert_eq!((row.paused_at, row.is_active()), (Some(began + 5 * SECOND), false));
    world.advance(40 * SECOND);
    assert_eq!(process.fire("a", Some(began), began + 10 * SECOND).await, Fired::Lost, "whoever has not heard of it");
    process.declare(vec![of_build(schedule("a"), "2")]).await;
    assert!(!process.schedule("a").await.is_active(), "a deploy keeps what a person has paused");
    let resume = ScheduleChange::Resume { keys: keys(&["a", "x"]) };
    assert_eq!(process.change(resume.clone()).await, [Changed, Unknown]);
    assert_eq!(process.change(resume).await, [Unchanged, Unknown]);
    let row = process.schedule("a").await;
    assert_eq!((row.last_tick, row.paused_at), (world.wall(), None));
    let [account] = &process.accounts("a").await[..] else { panic!("one account for all that passed") };
    // The ticks of an interval are counted from the epoch, not from the beginning of the schedule.
    assert_eq!((account.since, account.outcome), (began, TickOutcome::Skipped(Skip::Paused)));
    assert!(account.missed >= 3 && account.instant > began + 30 * SECOND && account.instant <= world.wall(), "{account:?}");
}

/// Times that were given by hand stay through a deploy, and can be dropped. Other times count from now.
pub async fn times_by_hand_stay_until_they_are_dropped(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a")]).await;
    let other = OverrideTimes { spec: "cron 0 3 * * *".to_owned(), zone: "Europe/Berlin".to_owned() };
    let give = |times| ScheduleChange::Override { key: "a".to_owned(), times };
    world.advance(SECOND);
    assert_eq!(process.change(give(Some(other.clone()))).await, [Changed]);
    assert_eq!(process.change(give(Some(other.clone()))).await, [Unchanged]);
    let given = world.wall();
    world.advance(SECOND);
    process.declare(vec![of_build(schedule("a"), "2").every("20s")]).await;
    let row = process.schedule("a").await;
    assert_eq!((row.times_text(), row.last_tick), (("cron 0 3 * * *", "Europe/Berlin"), given));
    assert_eq!((row.override_times.as_ref(), &*row.schedule.spec), (Some(&other), "every 20s"), "both are shown");
    assert_eq!(process.change(give(None)).await, [Changed]);
    let row = process.schedule("a").await;
    assert_eq!((row.times_text(), row.last_tick), (("every 20s", "UTC"), world.wall()));
    let unknown = ScheduleChange::Override { key: "x".to_owned(), times: None };
    assert_eq!(process.change(unknown).await, [Unknown]);
}
