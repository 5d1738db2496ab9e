//! Schedules: what the newest start says, and nothing of others.

use jobs_core::store::{Fired, NewSchedule, ONCE, ScheduleRecord};

use super::Subject;
use super::world::{SECOND, World, schedule};

/// Another text or another zone counts from now: an edit is not a misfire.
pub async fn a_changed_schedule_counts_from_now(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a"), schedule("b")]).await;
    world.advance(3600 * SECOND);
    let changed = [
        NewSchedule { spec: "every 20s".to_owned(), ..schedule("a") },
        NewSchedule { zone: "Europe/Berlin".to_owned(), ..schedule("b") },
    ];
    process.declare(changed.to_vec()).await;
    let seen = process.schedules().await;
    assert_eq!(seen, changed.map(|schedule| ScheduleRecord::new(schedule, world.wall())));
}

/// A schedule that fired once and for ever goes on when it is given times.
pub async fn a_schedule_that_fired_once_goes_on_when_it_is_changed(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    let once = NewSchedule { spec: "cron @once".to_owned(), ..schedule("a") };
    process.declare(vec![once.clone()]).await;
    let began = world.wall();
    world.advance(SECOND);
    process.fire_and_end("a", began, ONCE).await;
    process.declare(vec![once]).await;
    assert_eq!(process.last_tick("a").await, ONCE, "the same text stays done with");
    world.advance(SECOND);
    process.declare(vec![schedule("a")]).await;
    assert_eq!(process.last_tick("a").await, world.wall(), "another text counts from now");
}

/// The same text keeps its place in time, and everything else of it is renewed.
pub async fn an_unchanged_schedule_keeps_its_last_tick(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a")]).await;
    let began = world.wall();
    world.advance(3600 * SECOND);
    let renewed = NewSchedule {
        payload: r#"{"n":1}"#.to_owned(),
        queue: "low".to_owned(),
        priority: 3,
        build: "2".to_owned(),
        ..schedule("a")
    };
    process.declare(vec![renewed.clone()]).await;
    assert_eq!(process.schedules().await, [ScheduleRecord::new(renewed, began)], "what was missed meanwhile is still due");
}

/// Edit, deploy, roll back: the schedule is what the build that started last says.
pub async fn the_newest_start_wins(subject: &dyn Subject) {
    let world = World::new(subject);
    let (old, new) = (world.process().await, world.process().await);
    let edited = NewSchedule { spec: "every 1h".to_owned(), build: "2".to_owned(), ..schedule("a") };
    for (process, declared) in [(&old, schedule("a")), (&new, edited), (&old, schedule("a"))] {
        world.advance(60 * SECOND);
        process.declare(vec![declared.clone()]).await;
        assert_eq!(new.schedules().await, [ScheduleRecord::new(declared, world.wall())]);
    }
}

/// A build that knows the kind and has the schedule no more removes it: its ticks are lost.
pub async fn a_schedule_that_its_build_has_no_more_is_removed(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a"), schedule("b")]).await;
    let began = world.wall();
    process.declare(vec![schedule("b")]).await;
    let keys: Vec<String> = process.schedules().await.into_iter().map(|found| found.schedule.key).collect();
    assert_eq!(keys, ["b"]);
    world.advance(10 * SECOND);
    assert_eq!(process.fire("a", Some(began), began + 10 * SECOND).await, Fired::Lost);
    assert_eq!(process.fire("a", None, began + 10 * SECOND).await, Fired::Lost);
    assert_eq!(process.counts().await.live(), 0);
}

/// A build that does not know the kind leaves its schedules alone: two programs share a store.
pub async fn a_schedule_of_an_unknown_kind_is_kept(subject: &dyn Subject) {
    let world = World::new(subject);
    let (one, two) = (world.process().await, world.process().await);
    one.declare(vec![schedule("b"), schedule("a")]).await;
    let other = NewSchedule { kind: "other".to_owned(), ..schedule("c") };
    two.declare_knowing(vec![other], &["other", "another"]).await;
    let keys: Vec<String> = one.schedules().await.into_iter().map(|found| found.schedule.key).collect();
    assert_eq!(keys, ["a", "b", "c"], "all of them, by key");
    two.declare_knowing(Vec::new(), &[]).await;
    assert_eq!(one.schedules().await.len(), 3, "a build that knows nothing removes nothing");
}
