//! Schedules: what the newest start says, and nothing of others.

use std::time::Duration;

use jiff::Timestamp;
use jobs_core::schedule::{Misfire, Overlap};
use jobs_core::store::{
    AHEAD, Deal, Fired, NewSchedule, ONCE, Occasion, RETIRED_FOR, ScheduleAnswer, ScheduleChange, ScheduleFilter, ScheduleRecord,
    Skip, TickOutcome,
};

use super::Subject;
use super::world::{REPORT, SECOND, Skills, World, of_build, saved, schedule};

fn changed_at(schedule: NewSchedule, last_tick: Timestamp, version: i64) -> ScheduleRecord {
    let mut record = ScheduleRecord::new(schedule, last_tick);
    record.version = version;
    record
}

/// Another text, another zone or other limits count from now: an edit is not a misfire.
pub async fn a_changed_schedule_counts_from_now(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(["a", "b", "c", "d"].map(schedule).to_vec()).await;
    let began = world.wall();
    world.advance(3600 * SECOND);
    let changed = [
        schedule("a").every("20s"),
        schedule("b").tz("Europe/Berlin"),
        schedule("c").starts_at(began),
        schedule("d").ends_at(began + 7200 * SECOND),
    ];
    assert_eq!(process.declare(changed.to_vec()).await, [const { ScheduleAnswer::Changed }; 4]);
    assert_eq!(process.schedules().await, changed.map(|schedule| changed_at(schedule, world.wall(), 2)));
}

/// A schedule that fired once and for ever goes on when it is given times.
pub async fn a_schedule_that_fired_once_goes_on_when_it_is_changed(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    let once = schedule("a").cron("@once");
    process.declare(vec![once.clone()]).await;
    let began = world.wall();
    world.advance(SECOND);
    process.fire_and_end("a", began, ONCE).await;
    assert_eq!(process.declare(vec![once]).await, [ScheduleAnswer::Unchanged]);
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
    let mut renewed = of_build(schedule("a"), "2")
        .misfire(Misfire::All { limit: 3, within: 90 * SECOND })
        .overlap(Overlap::Cancel)
        .jitter(SECOND);
    r#"{"n":1}"#.clone_into(&mut renewed.job.payload);
    renewed.job.queue = "low".into();
    (renewed.job.priority, renewed.job.retries, renewed.job.timeout) = (3, Some(0), Some(SECOND));
    renewed.job.tags = vec!["x".into()];
    renewed.job.metadata = serde_json::from_str(r#"{"k":1}"#).ok();
    (renewed.job.tenant, renewed.job.user) = (Some("t".to_owned()), Some("u".to_owned()));
    process.declare(vec![renewed.clone()]).await;
    assert_eq!(process.schedules().await, [changed_at(renewed, began, 2)], "what was missed meanwhile is still due");
}

/// Edit, deploy, roll back: the schedule is what the build that started last says.
pub async fn the_newest_start_wins(subject: &dyn Subject) {
    let world = World::new(subject);
    let (old, new) = (world.process().await, world.process().await);
    let edited = of_build(schedule("a"), "2").every("1h");
    for (version, (process, declared)) in (1..).zip([(&old, schedule("a")), (&new, edited), (&old, schedule("a"))]) {
        world.advance(60 * SECOND);
        process.declare(vec![declared.clone()]).await;
        assert_eq!(new.schedules().await, [changed_at(declared, world.wall(), version)]);
    }
}

/// A build that knows the kind and has the schedule no more retires it: its ticks are lost. One that brings it back finds it as it was.
pub async fn a_schedule_that_its_build_has_no_more_is_retired(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a"), schedule("b")]).await;
    let began = world.wall();
    process.change(ScheduleChange::Pause { keys: vec!["b".to_owned()] }).await;
    process.declare(vec![schedule("b")]).await;
    let row = process.schedule("a").await;
    assert_eq!((row.retired_at, row.is_active()), (Some(began), false));
    world.advance(10 * SECOND);
    assert_eq!(process.fire("a", Some(began), began + 10 * SECOND).await, Fired::Lost);
    assert_eq!(process.counts().await.live(), 0);
    process.declare(vec![schedule("a")]).await;
    let row = process.schedule("a").await;
    assert_eq!((row.retired_at, row.last_tick), (None, began), "what it missed meanwhile is still due");
    process.declare(vec![schedule("a"), schedule("b")]).await;
    assert!(process.schedule("b").await.paused_at.is_some(), "what a person has done is not forgotten");
    // For good after a while.
    process.declare(vec![schedule("a")]).await;
    world.advance(RETIRED_FOR.saturating_sub(SECOND));
    process.declare(vec![schedule("a")]).await;
    assert_eq!(process.keys().await, ["a", "b"]);
    world.advance(SECOND);
    process.declare(vec![schedule("a")]).await;
    assert_eq!(process.keys().await, ["a"]);
}

/// A build that does not know the kind leaves its schedules alone: two programs share a store.
pub async fn a_schedule_of_an_unknown_kind_is_kept(subject: &dyn Subject) {
    let world = World::new(subject);
    let (one, two) = (world.process().await, world.process().await);
    one.declare(vec![schedule("b"), schedule("a")]).await;
    let mut other = schedule("c");
    other.job.kind = "other".into();
    two.declare_knowing(vec![other], &["other", "another"]).await;
    assert_eq!(one.keys().await, ["a", "b", "c"], "all of them, by key");
    two.declare_knowing(Vec::new(), &[]).await;
    assert_eq!(one.schedules().await.len(), 3, "a build that knows nothing removes nothing");
}

/// A rolling deploy: the new build has a schedule no more, and it stays until the last worker of the old build is gone.
pub async fn a_schedule_is_retired_when_no_worker_has_it(subject: &dyn Subject) {
    let world = World::new(subject);
    let old = world.process().await.worker(&Skills::new(&[REPORT]).schedules(&["a", "b"])).await;
    old.declare(vec![schedule("a"), schedule("b")]).await;
    let new = world.process().await.worker(&Skills::new(&[REPORT]).build("2").schedules(&["b"])).await;
    new.declare(vec![of_build(schedule("b"), "2")]).await;
    assert!(new.schedule("a").await.is_active(), "the old build has it still");
    let own = || vec![of_build(schedule("b"), "2")];
    assert_eq!(new.maintain(own(), Duration::ZERO).await, [ScheduleAnswer::Unchanged]);
    assert!(new.schedule("a").await.is_active());
    old.leave().await;
    new.maintain(own(), Duration::ZERO).await;
    assert!(new.schedule("a").await.retired_at.is_some() && new.schedule("b").await.is_active());
    // What no code has is nobody's to retire.
    new.save(vec![saved("c")]).await;
    new.maintain(own(), Duration::ZERO).await;
    assert!(new.schedule("c").await.is_active());
    assert!(matches!(new.declare(vec![schedule("c")]).await[..], [ScheduleAnswer::Taken(_)]), "nor to take over");
    assert!(
        matches!(new.maintain(vec![schedule("c")], Duration::ZERO).await[..], [ScheduleAnswer::Taken(_)]),
        "nor to take over"
    );
    assert_eq!(new.schedule("c").await.schedule, saved("c"));
}

/// The old build starts once more in the middle of a deploy: what it declares is in force while a worker of it is known, and no longer.
pub async fn a_running_build_declares_what_no_later_start_has_declared(subject: &dyn Subject) {
    let world = World::new(subject);
    let skills = Skills::new(&[REPORT]).schedules(&["a", "b"]);
    let new = world.process().await.worker(&skills.clone().build("2")).await;
    let own = || vec![of_build(schedule("a").every("1h"), "2"), of_build(schedule("b"), "2")];
    let [changed, unchanged] = [ScheduleAnswer::Changed, ScheduleAnswer::Unchanged].map(|answer| vec![answer; 2]);
    new.declare(own()).await;
    world.advance(10 * SECOND);
    let old = world.process().await.worker(&skills.clone().build("1")).await;
    old.declare(vec![schedule("a"), schedule("b")]).await;
    let row = changed_at(schedule("a"), world.wall(), 2);
    assert_eq!(new.maintain(own(), 10 * SECOND).await, unchanged, "the old build has started later");
    assert_eq!(new.schedule("a").await, row);
    old.leave().await;
    new.change(ScheduleChange::Pause { keys: vec!["b".to_owned()] }).await;
    world.advance(10 * SECOND);
    assert_eq!(new.maintain(own(), 20 * SECOND).await, changed);
    assert_eq!(new.schedule("a").await, changed_at(own().remove(0), world.wall(), 3));
    let b = new.schedule("b").await;
    assert_eq!((b.schedule.build.as_deref(), b.paused_at), (Some("2"), Some(row.last_tick)), "what a person has done stays");
    assert_eq!(new.maintain(own(), 20 * SECOND).await, unchanged);
    // One that is known again started when its process started, not when it was known again.
    let old = world.process().await.worker(&skills.clone().build("1").up_for(10 * SECOND)).await;
    assert_eq!(old.maintain(vec![schedule("a"), schedule("b")], 10 * SECOND).await, changed, "it has started later");
    let newest = world.process().await.worker(&skills.build("3").up_for(5 * SECOND)).await;
    let third = || ["a", "b"].map(|key| of_build(schedule(key), "3")).to_vec();
    assert_eq!(newest.maintain(third(), 5 * SECOND).await, changed);
    let first = || vec![schedule("a"), schedule("b")];
    assert_eq!(old.maintain(first(), 10 * SECOND).await, unchanged);
    // The clock is set forward: each seems to have started long after the other, and nobody takes anything.
    world.advance(3600 * SECOND);
    assert_eq!(old.maintain(first(), 10 * SECOND).await, unchanged);
    assert_eq!(newest.maintain(third(), 5 * SECOND).await, unchanged);
    // A worker of that build which has none of them in its code holds nobody back.
    newest.leave().await;
    let _other = world.process().await.worker(&Skills::new(&[REPORT]).build("3")).await;
    assert_eq!(old.maintain(first(), 3600 * SECOND).await, changed);
}

/// A clock that was wrong has ticked far ahead: the schedule would be silent until then. A clock that is put right a little changes nothing.
pub async fn a_schedule_that_is_far_ahead_counts_from_now(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a"), schedule("once").cron("@once")]).await;
    let began = world.wall();
    world.advance(SECOND);
    process.fire_and_end("once", began, ONCE).await;
    world.advance(AHEAD.unsigned_abs());
    let wrong = world.wall();
    let skipped = wrong - SECOND;
    let mut passed_over = process.tick("a", Some(began), skipped);
    passed_over.deal = Deal::Skip(Skip::Misfire);
    assert_eq!(process.fire_one(passed_over).await, Fired::Skipped(Skip::Misfire));
    process.fire_and_end("a", skipped, wrong).await;
    let recount = || ScheduleChange::Recount { keys: vec!["a".to_owned(), "once".to_owned(), "c".to_owned()] };
    let (changed, unchanged) = (ScheduleAnswer::Changed, ScheduleAnswer::Unchanged);
    world.set_back(AHEAD.unsigned_abs());
    let answers = [unchanged.clone(), unchanged.clone(), ScheduleAnswer::Unknown];
    assert_eq!(process.change(recount()).await, answers);
    assert_eq!(process.last_tick("a").await, wrong);
    world.set_back(SECOND);
    assert_eq!(process.change(recount()).await, [changed, unchanged, ScheduleAnswer::Unknown]);
    assert_eq!(process.schedule("a").await, changed_at(schedule("a"), began, 2));
    assert_eq!(process.last_tick("once").await, ONCE, "what fired once and for ever has no time");
    // What it ticked under the wrong clock has its job, and what it skipped gets one yet.
    world.advance(AHEAD.unsigned_abs() + 10 * SECOND);
    let next = |last_tick, tick| process.occasion("a", Occasion::Time { last_tick, version: 2 }, tick);
    assert_eq!(process.fire_one(next(began, skipped)).await, Fired::Job(process.accounts("a").await[0].job.expect("a job")));
    let told: Vec<_> = process.accounts("a").await.iter().map(|tick| (tick.instant, tick.since, tick.outcome)).collect();
    assert_eq!(told, [(skipped, began, TickOutcome::Fired), (wrong, skipped, TickOutcome::Fired)]);
    assert_eq!(process.fire_one(next(skipped, wrong)).await, Fired::Lost);
    assert_eq!(process.last_tick("a").await, wrong);
    // Nor does an edit say otherwise of what has its job.
    process.change(ScheduleChange::Pause { keys: vec!["a".to_owned()] }).await;
    assert_eq!(process.outcomes("a").await, [TickOutcome::Fired; 2]);
}

/// People and programs look at one schedule, at those of a group, or at all.
pub async fn schedules_are_found_by_key_and_group(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    process.declare(vec![schedule("a"), schedule("b")]).await;
    for group in ["x", "y"] {
        let schedules = ["1", "2"].map(|nth| saved(&format!("{group}{nth}"))).to_vec();
        process.change(ScheduleChange::ReplaceGroup { group: group.to_owned(), schedules }).await;
    }
    for (key, group, found) in [
        (None, None, vec!["a", "b", "x1", "x2", "y1", "y2"]),
        (Some("b"), None, vec!["b"]),
        (Some("c"), None, vec![]),
        (None, Some("y"), vec!["y1", "y2"]),
        (None, Some("z"), vec![]),
        (Some("x2"), Some("x"), vec!["x2"]),
        (Some("x2"), Some("y"), vec![]),
    ] {
        let filter = ScheduleFilter { key: key.map(str::to_owned), group: group.map(str::to_owned) };
        let list = process.store.schedules(process.now(), filter).await.expect("the store lists schedules");
        let keys: Vec<String> = list.schedules.into_iter().map(|row| row.schedule.key).collect();
        assert_eq!((list.now, keys), (world.wall(), found.into_iter().map(str::to_owned).collect()));
    }
}
