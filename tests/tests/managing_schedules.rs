//! Schedules that change while workers run: saved, loaded as a group, paused, given other times, triggered, and delivered by others.

use std::time::Duration;

use jobs_core::schedule::{Spec, Zone};
use jobs_core::store::{NewSchedule, Now, ScheduleChange, Skip, TickFilter, TickOutcome};
use jobs_runtime::schedule::ScheduleAnswer;
use jobs_runtime::{Client, ClosureJob, Delivery, JobContext, NewJob, Runtime, ScheduleError, closure};
use tests::{Run, Script, World, finished, on_every_store, script, stop};

const SECOND: Duration = Duration::from_secs(1);

async fn start(world: &World, job: ClosureJob) -> Runtime {
    let store = world.store().await;
    world.builder(&store).register(job).start().await.unwrap()
}

async fn run_of(world: &World, runs: &mut Script) -> Run {
    world
        .until("a tick", async || {
            let run = runs.begun();
            if run.is_none() {
                world.clock.advance(SECOND);
            }
            run
        })
        .await
}

fn saved(key: &str, every: &str) -> NewSchedule {
    let mut job = NewJob::new("work", "{}");
    (job.tenant, job.user) = (Some("acme".to_owned()), Some("ann".to_owned()));
    job.metadata = serde_json::from_str(r#"{"why":"a test"}"#).unwrap();
    NewSchedule::new(key, job).unwrap().every(every)
}

async fn keys(client: &Client) -> Vec<String> {
    client.schedules().list().await.unwrap().iter().map(|view| view.key().to_owned()).collect()
}

#[tokio::test]
async fn a_schedule_that_is_saved_ticks_and_one_that_is_removed_does_not() {
    on_every_store(async |world| {
        let (work, mut runs) = script("work");
        let runtime = start(world, work).await;
        // By a process that runs nothing.
        let client = world.client(&world.store().await);
        assert!(client.schedules().save(saved("a", "10s")).await.unwrap(), "it is new");
        let run = run_of(world, &mut runs).await;
        let record = client.job(run.context.id()).await.unwrap().unwrap();
        assert_eq!((record.tenant.as_deref(), record.user.as_deref()), (Some("acme"), Some("ann")));
        assert_eq!((record.schedule.as_deref(), record.metadata.as_deref()), (Some("a"), Some(r#"{"why":"a test"}"#)));
        run.succeed().over().await;
        let view = client.schedules().get("a").await.unwrap().unwrap();
        assert_eq!((view.is_in_code(), &*view.describe(), view.next_ticks(2).len()), (false, "every 10 seconds", 2));
        assert!(!client.schedules().save(saved("a", "20s")).await.unwrap(), "it was there");
        let run = run_of(world, &mut runs).await;
        assert_eq!(run.context.tick().unwrap().as_second() % 20, 0);
        run.succeed().over().await;
        client.schedules().remove("a").await.unwrap();
        assert!(matches!(client.schedules().remove("a").await, Err(ScheduleError::Unknown { .. })));
        assert!(client.schedules().get("a").await.unwrap().is_none());
        world.counts("the last job to end", &client, |counts| counts.live() == 0).await;
        let done = finished(&client).await.len();
        for _ in 0..60 {
            world.clock.advance(SECOND);
            tokio::task::yield_now().await;
        }
        stop(runtime).await;
        let later = finished(&client).await;
        assert!(runs.begun().is_none() && later.len() == done, "nothing ticks any more");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_a_schedule_is_refused_with_all_its_mistakes() {
    on_every_store(async |world| {
        let client = world.client(&world.store().await);
        let mut wrong = saved("a b", "0s").tz("Mars/Base").jitter(Duration::from_micros(1));
        wrong.job.name = Some("one".to_owned());
        let error = client.schedules().save(wrong).await.unwrap_err().to_string();
        for mistake in ["key", "period 0s is shorter than 1s", "jitter", "a name, which not each of many jobs can have"] {
            assert!(error.contains(mistake), "{mistake}: {error}");
        }
        let both = vec![saved("a", "10s"), saved("a", "20s")];
        let error = client.schedules().replace_group("g", both).await.unwrap_err();
        assert!(matches!(error, ScheduleError::Taken { .. }), "{error}");
        let error = client.schedules().trigger("a").await.unwrap_err();
        assert_eq!(error.to_string(), "there is no schedule `a`");
        assert!(keys(&client).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_group_is_loaded_again_as_a_whole() {
    on_every_store(async |world| {
        let (work, mut runs) = script("work");
        let runtime = start(world, work).await;
        let client = runtime.client();
        client.schedules().replace_group("newsletters", vec![saved("a", "10s"), saved("b", "1h")]).await.unwrap();
        let run = run_of(world, &mut runs).await;
        run.succeed().over().await;
        let answers = client.schedules().replace_group("newsletters", vec![saved("b", "1h"), saved("c", "10s")]).await.unwrap();
        assert_eq!(answers, [ScheduleAnswer::Unchanged, ScheduleAnswer::Created]);
        assert_eq!(keys(client).await, ["b", "c"]);
        let run = run_of(world, &mut runs).await;
        let record = client.job(run.context.id()).await.unwrap().unwrap();
        assert_eq!(record.schedule.as_deref(), Some("c"));
        run.succeed().over().await;
        drop(runs);
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_schedule_of_code_is_paused_given_other_times_and_triggered() {
    on_every_store(async |world| {
        let (work, mut runs) = script("work");
        let runtime = start(world, work.every("10s")).await;
        let client = runtime.client();
        assert!(client.schedules().pause("work").await.unwrap());
        assert!(!client.schedules().pause("work").await.unwrap(), "it is paused");
        assert!(matches!(client.schedules().remove("work").await, Err(ScheduleError::Taken { .. })));
        // On request it runs all the same.
        let id = client.schedules().trigger("work").await.unwrap();
        let run = run_of(world, &mut runs).await;
        assert_eq!(run.context.id(), id);
        run.succeed().over().await;
        world.clock.advance(60 * SECOND);
        // Another build starts: what a person did stays.
        let (again, mut others) = script("work");
        let second = start(world, again.every("20s")).await;
        let view = client.schedules().get("work").await.unwrap().unwrap();
        assert!(view.record.paused_at.is_some() && view.next_ticks(1).is_empty());
        let hourly = Spec::hourly();
        assert!(client.schedules().give_times("work", &hourly, &Zone::utc()).await.unwrap());
        assert!(client.schedules().resume("work").await.unwrap());
        let view = client.schedules().get("work").await.unwrap().unwrap();
        assert_eq!((&*view.describe(), &*view.record.schedule.spec), ("every hour, UTC", "every 20s"));
        assert_eq!(view.next_ticks(1)[0].as_second() % 3_600, 0);
        assert!(client.schedules().drop_times("work").await.unwrap());
        let run = world
            .until("a tick", async || {
                let run = runs.begun().or_else(|| others.begun());
                if run.is_none() {
                    world.clock.advance(SECOND);
                }
                run
            })
            .await;
        assert_eq!(run.context.tick().unwrap().as_second() % 20, 0);
        run.succeed().over().await;
        let filter = TickFilter { schedule: "work".to_owned(), ..TickFilter::default() };
        let ticks = client.schedules().ticks(filter).await.unwrap();
        let paused = ticks.iter().find(|tick| tick.outcome == TickOutcome::Skipped(Skip::Paused));
        assert!(paused.is_some_and(|tick| tick.missed >= 1), "{ticks:?}");
        drop((runs, others));
        stop(runtime).await;
        stop(second).await;
    })
    .await;
}

/// A rolling deploy: the new build has the schedule no more, and the old one goes on until it has gone.
#[tokio::test]
async fn a_schedule_that_is_gone_from_code_ticks_until_its_last_build_has_gone() {
    on_every_store(async |world| {
        let (work, mut runs) = script("work");
        let store = world.store().await;
        let old = world.builder(&store).build("1").register(work.every("10s")).start().await.unwrap();
        let store = world.store().await;
        let without = closure("work", |_: JobContext| async {}).every("10s").key("other");
        let new = world.builder(&store).build("2").register(without).start().await.unwrap();
        assert_eq!(keys(new.client()).await, ["other", "work"]);
        world
            .pass("a tick of the old build", SECOND, async || {
                let ticked = finished(new.client()).await.iter().any(|job| job.schedule.as_deref() == Some("work"));
                if let Some(run) = runs.begun() {
                    run.succeed();
                }
                ticked.then_some(())
            })
            .await;
        drop(runs);
        stop(old).await;
        let retired = async || {
            let view = new.client().schedules().get("work").await.unwrap().unwrap();
            (view.record.retired_at.is_some() && view.next_ticks(1).is_empty()).then_some(())
        };
        world.pass("it is retired", SECOND, retired).await;
        stop(new).await;
    })
    .await;
}

#[tokio::test]
async fn a_run_on_deployment_is_made_once_for_each_build() {
    on_every_store(async |world| {
        let mut made = Vec::new();
        for build in ["1", "1", "2", "1", "2"] {
            let job = closure("work", |_: JobContext| async {}).run_on_deployment();
            let store = world.store().await;
            let before = finished(&world.client(&store)).await.len();
            let runtime = world.builder(&store).build(build).register(job).start().await.unwrap();
            world.counts("nothing left", runtime.client(), |counts| counts.live() == 0).await;
            made.push(finished(runtime.client()).await.len() - before);
            stop(runtime).await;
            world.clock.advance(SECOND);
        }
        assert_eq!(made, [1, 0, 1, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn a_delivery_that_is_made_again_makes_no_second_job() {
    on_every_store(async |world| {
        let (work, mut runs) = script("work");
        let store = world.store().await;
        let runtime = world.builder(&store).schedules(false).register(work).start().await.unwrap();
        let client = runtime.client();
        let deliver = async |id: &str| {
            let delivery = Delivery { job: NewJob::new("work", "{}"), schedule: "daily".to_owned(), id: id.to_owned() };
            client.deliver(delivery).await.unwrap()
        };
        let first = deliver("1").await;
        let again = deliver("1").await;
        assert_eq!((first.created, again.created, first.id == again.id), (true, false, true));
        let run = run_of(world, &mut runs).await;
        assert_eq!(run.context.id(), first.id);
        run.succeed().over().await;
        world.counts("its end", client, |counts| counts.completed == 1).await;
        assert!(!deliver("1").await.created, "nor when it has ended");
        assert!(deliver("2").await.created);
        let run = run_of(world, &mut runs).await;
        let record = client.job(run.context.id()).await.unwrap().unwrap();
        assert_eq!(record.metadata.as_deref(), Some(r#"{"delivery":{"id":"2","schedule":"daily"}}"#));
        run.succeed().over().await;
        drop(runs);
        stop(runtime).await;
    })
    .await;
}

/// Another program that knows the kind and not the schedule takes it for gone while its own program restarts, and nothing is lost by that.
#[tokio::test]
async fn a_schedule_outlives_the_restart_of_the_only_program_that_has_it() {
    on_every_store(async |world| {
        let store = world.store().await;
        let other = world.builder(&store).register(closure("work", |_: JobContext| async {})).start().await.unwrap();
        let (work, _) = script("work");
        let own = start(world, work.every("1h")).await;
        other.client().schedules().pause("work").await.unwrap();
        stop(own).await;
        let retired = async || {
            let view = other.client().schedules().get("work").await.unwrap().unwrap();
            view.record.retired_at.is_some().then_some(())
        };
        world.pass("it is retired", SECOND, retired).await;
        let (work, _) = script("work");
        let own = start(world, work.every("1h")).await;
        let view = other.client().schedules().get("work").await.unwrap().unwrap();
        assert!(view.record.retired_at.is_none() && view.record.paused_at.is_some(), "{view:?}");
        stop(own).await;
        stop(other).await;
    })
    .await;
}

/// A schedule whose job the store does not take, for it was written by hand, holds up no other.
#[tokio::test]
async fn a_schedule_that_the_store_refuses_holds_up_no_other() {
    on_every_store(async |world| {
        let (work, mut runs) = script("work");
        // Some stores take it, and then it runs.
        let other = closure("other", |_: JobContext| async {});
        let store = world.store().await;
        let runtime = world.builder(&store).register(work.every("10s")).register(other).start().await.unwrap();
        let mut job = NewJob::new("other", "{\0}");
        job.tenant = Some("a\0b".to_owned());
        let wrong = NewSchedule::new("wrong", job).unwrap().every("10s");
        let error = runtime.client().schedules().save(wrong.clone()).await.unwrap_err().to_string();
        assert!(error.contains("no JSON object") && error.contains("a zero byte"), "{error}");
        // Past the client and its checks.
        let now = Now { wall: world.now(), steady: Duration::ZERO };
        let change = ScheduleChange::Save { schedules: vec![wrong] };
        runtime.client().store().change_schedules(now, change).await.unwrap();
        for _ in 0..3 {
            let run = run_of(world, &mut runs).await;
            run.succeed().over().await;
        }
        drop(runs);
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn times_and_schedules_that_cannot_be_are_refused_all_at_once() {
    on_every_store(async |world| {
        let (work, _) = script("work");
        let runtime = start(world, work.every("1h")).await;
        let schedules = runtime.client().schedules();
        for (period, expected) in
            [(Duration::ZERO, "period 0s is shorter than 1s"), (Duration::from_secs(86_400 * 400), "longer than")]
        {
            let error = schedules.give_times("work", &Spec::Every(period), &Zone::utc()).await.unwrap_err().to_string();
            assert!(error.contains("`work`") && error.contains(expected), "{error}");
        }
        assert!(schedules.get("work").await.unwrap().unwrap().record.override_times.is_none());
        let mut group: Vec<_> = (0..30).map(|nth| saved(&format!("s{nth:02}"), "0s")).collect();
        group[0] = saved("fine", "1h");
        let error = schedules.replace_group("group", group).await.unwrap_err().to_string();
        assert!(
            error.starts_with("the schedule `s01` cannot be stored: ") && error.contains("the schedule `s21` cannot"),
            "{error}"
        );
        assert!(error.ends_with("and 8 more schedules of this call cannot be stored"), "{error}");
        stop(runtime).await;
    })
    .await;
}
