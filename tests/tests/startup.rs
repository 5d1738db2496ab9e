//! The start of a runtime: every mistake at once, a report of what nobody serves, and who runs what.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::{JobContext, JobEntry, NewJob, State};
use jobs_runtime::settings::Sources;
use jobs_runtime::{BoxError, Client, Enqueue, Error, Job, Runtime, closure, job};
use tests::{Fault, Tap, World, bounded, enqueue, on_every_shared_store, on_every_store, script, stop};

struct Mailer;

#[job]
async fn send(_mailer: &Mailer, client: &Client, to: String) -> Result<(), BoxError> {
    let _ = (client, to);
    Ok(())
}

mod billing {
    pub(crate) mod invoices {
        #[jobs_runtime::job]
        pub(crate) async fn bill() {}
    }

    #[jobs_runtime::job]
    pub(crate) async fn remind() {}
}

fn nothing(name: &'static str) -> jobs_runtime::ClosureJob {
    closure(name, |_: JobContext| async {})
}

fn text(result: Result<(), Error>) -> String {
    result.expect_err("a mistake").to_string()
}

fn builder() -> jobs_runtime::Builder {
    Runtime::builder().sources(Sources::none()).without_linked().store("memory:")
}

#[test]
fn a_program_that_leaves_out_all_jobs_is_told_so() {
    // Jobs are linked into this test; `linking` has programs without any.
    let error = text(builder().check());
    assert!(error.contains("no jobs are registered: `without_linked` leaves out all that are linked"), "{error}");
}

#[test]
fn two_jobs_of_one_name_are_refused_with_both_places() {
    let (one, line) = (closure("work", |_: JobContext| async {}), line!());
    let error = text(builder().register(one).register(closure("work", |_: JobContext| async {})).check());
    assert!(error.contains(&format!("{}:{line}", file!())) && error.contains(&format!("{}:{}", file!(), line + 1)), "{error}");
}

#[test]
fn two_closures_of_one_name_and_place_are_refused_too() {
    let mut builder = builder();
    for _ in 0..2 {
        builder = builder.register(nothing("work"));
    }
    assert!(text(builder.check()).contains("two jobs are named `work`"));
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let mut entry = JobEntry::from(nothing("tagged"));
    entry.tags = Cow::Owned(vec![Cow::Borrowed("with space")]);
    let error = text(
        builder()
            .register(send::entry().clone())
            .register(entry)
            .register(nothing("ticking").cron("61 * * * *"))
            .register(nothing("zoned").cron("* * * * *").tz("Mars/Base"))
            .only(["send", "tagged", "ticking", "zoned", "sned"])
            .check(),
    );
    let place = send::entry().location.to_string();
    for part in [&*place, "Mailer", "`sned`", "did you mean `send`", "tag name has ' '", "`ticking`", "61", "Mars/Base"] {
        assert!(error.contains(part), "`{part}` is not in:\n{error}");
    }
    assert!(!error.contains("Client"), "the client is provided by the runtime itself:\n{error}");
}

#[test]
fn the_client_of_a_runtime_is_shared_and_none_of_a_run_alone() {
    #[job]
    async fn alone(client: &mut Client) {
        let _ = client;
    }
    let error = text(builder().register(alone::entry().clone()).check());
    assert!(error.contains("borrows `&mut jobs_runtime::client::Client`, which was not provided"), "{error}");
}

#[test]
fn bad_settings_are_reported_at_once() {
    let mut sources = Sources::none();
    sources.variables.insert("JOBS_CONCURRENCY".to_owned(), "none".to_owned());
    sources.variables.insert("JOBS_LAESE".to_owned(), "3s".to_owned());
    let error = text(builder().sources(sources).lease(Duration::from_secs(1)).register(nothing("work")).check());
    for part in ["JOBS_CONCURRENCY", "JOBS_LAESE", "lease"] {
        assert!(error.contains(part), "`{part}` is not in:\n{error}");
    }
}

#[test]
fn a_schedule_in_the_settings_of_a_job_with_arguments_is_refused() {
    let error = text(builder().provide(Mailer).register(send::entry().clone()).option("jobs.send.every", "1h").check());
    let place = send::entry().location;
    let expected = format!(
        "builder: jobs.send: a job that needs the argument `to` has a schedule only in its code ({place}), with `args(to = ..)`"
    );
    assert_eq!(error, expected);
}

#[test]
fn a_zone_in_the_settings_of_an_interval_is_refused() {
    for (path, job) in
        [("jobs.work", nothing("work").every("1h")), ("schedule.hourly", nothing("work").every("1h").key("hourly"))]
    {
        let error = text(builder().register(job).option(&format!("{path}.tz"), "Asia/Tokyo").check());
        assert_eq!(error, format!("builder: {path}.tz has no effect: `every 1h` knows no time zone"));
    }
}

#[test]
fn keys_and_names_that_are_there_twice_are_told_at_once() {
    let program = builder().register(nothing("a").every("1h").key("k")).register(nothing("b").every("1h").key("k"));
    let error = text(program.register(nothing("c").every("1h")).register(nothing("c").every("1h")).check());
    assert!(error.contains("two schedules have the key `k`") && error.contains("`c`"), "{error}");
    assert!(!error.contains("the key `c`"), "{error}");
}

#[test]
fn names_in_settings_that_this_program_does_not_have_are_refused() {
    let greet = || nothing("greet").cron("@daily").key("morning").also().cron("@daily").key("evening");
    let program = || builder().register(greet()).register(nothing("work").every("1h"));
    for (path, text_of, expected) in [
        ("jobs.wrok.enabled", "false", "builder: jobs.wrok names no job of this program; did you mean `work`?"),
        ("jobs.xylophone.every", "1h", "builder: jobs.xylophone names no job of this program; its jobs are `"),
        (
            "jobs.morning.cron",
            "@daily",
            "jobs.morning names no job of this program; it is the key of a schedule: write schedule.morning",
        ),
        (
            "schedule.mornin.tz",
            "UTC",
            "builder: schedule.mornin names no schedule with a key in this program; did you mean `morning`?",
        ),
        ("schedule.xylophone.tz", "UTC", "its keys of schedules are `evening`, `morning`"),
        ("schedule.work.every", "2h", "it is a job: write jobs.work for its schedule without a key"),
        (
            "jobs.greet.every",
            "2h",
            "does not tell which of its schedules is meant: write schedule.<key>; its keys are `evening`, `morning`",
        ),
    ] {
        let error = text(program().option(path, text_of).check());
        assert!(error.contains(expected), "{path}: {error}");
    }
    let error = text(builder().register(nothing("idle")).option("jobs.idle.tz", "UTC").check());
    assert!(error.contains("jobs.idle.tz has no effect: the job has no schedule"), "{error}");
    // What this process leaves out is known all the same.
    let some = || program().only(["work"]).option("jobs.work.every", "2h");
    some().option("jobs.greet.enabled", "false").option("schedule.evening.enabled", "false").check().unwrap();
    let mut sources = Sources::none();
    sources.variables.insert("JOBS_SCHEDULE_MIDNIGHT_ENABLED".to_owned(), "false".to_owned());
    let error = text(program().sources(sources).check());
    assert!(error.starts_with("JOBS_SCHEDULE_MIDNIGHT_ENABLED: schedule.midnight names no schedule"), "{error}");
}

#[test]
fn many_known_names_are_listed_in_part() {
    let program =
        (0..30).fold(builder(), |builder, number| builder.register(closure(format!("j{number:02}"), |_: JobContext| async {})));
    let error = text(program.option("jobs.xylophone.enabled", "false").check());
    assert!(error.contains(" more") && error.len() < 400, "{error}");
}

#[test]
fn nothing_is_wrong_with_a_program_that_is_right() {
    builder().provide(Mailer).register(send::entry().clone()).register(nothing("work").every("1h")).check().unwrap();
}

#[test]
fn outside_of_a_tokio_runtime_the_start_says_what_to_do() {
    let start = Box::pin(builder().register(nothing("work")).start());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(result) = std::pin::pin!(start).poll(&mut context) else { panic!("it waits") };
    assert!(result.unwrap_err().to_string().contains("#[tokio::main]"));
}

#[tokio::test]
async fn kinds_are_chosen_by_name_and_by_module() {
    on_every_store(async |world| {
        let store = world.store().await;
        let kinds = async |only: &[&'static str], except: &[&'static str]| {
            let builder = world.builder(&store).register(billing::invoices::bill::entry().clone());
            let builder = builder.register(billing::remind::entry().clone()).register(nothing("work"));
            let runtime = builder.only(only.iter().copied()).except(except.iter().copied()).start().await.unwrap();
            let kinds: Vec<String> = runtime.manifest().jobs.iter().map(|job| job.name.clone()).collect();
            stop(runtime).await;
            kinds
        };
        assert_eq!(kinds(&[], &[]).await, ["bill", "remind", "work"]);
        assert_eq!(kinds(&["billing"], &[]).await, ["bill", "remind"]);
        assert_eq!(kinds(&["billing::invoices", "work"], &[]).await, ["bill", "work"]);
        assert_eq!(kinds(&[], &["billing::invoices"]).await, ["remind", "work"]);
    })
    .await;
}

#[tokio::test]
async fn what_nobody_serves_is_reported() {
    on_every_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        enqueue(&client, "strange").await;
        let mut job = NewJob::new("work", "{}");
        job.queue = "forgotten".into();
        client.enqueue_one(job).await.unwrap();
        let runtime = world.builder(&store).register(nothing("work")).start().await.unwrap();
        let warnings = runtime.manifest().warnings.join("\n");
        for part in ["`strange`", "no live worker knows the kind", "`forgotten`", "which no live worker serves"] {
            assert!(warnings.contains(part), "`{part}` is not in:\n{warnings}");
        }
        stop(runtime).await;
        let runtime = world.builder(&store).only_queues(["forgotten"]).register(nothing("work")).start().await.unwrap();
        let warnings = runtime.manifest().warnings.join("\n");
        assert!(warnings.contains("waits in the queue `default`, which this process does not serve"), "{warnings}");
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn what_somebody_wrote_in_the_place_of_a_name_is_reported_shortly_and_plainly() {
    on_every_shared_store(async |world| {
        let store = world.store().await;
        enqueue(&world.client(&store), "strange").await;
        // As long as each table takes it.
        let kind = |length| format!("\u{1b}[2J\n{}", "x".repeat(length));
        if world.is_in_file() {
            let file = rusqlite::Connection::open(world.file()).unwrap();
            file.execute("UPDATE jobs_job SET kind = ?1, queue = ?1", [kind(100_000)]).unwrap();
        } else {
            let (server, schema) = world.somebody().await;
            server.execute(&format!("UPDATE {schema}.job SET kind = $1, queue = 'a\tb'"), &[&kind(900)]).await.unwrap();
        }
        let runtime = world.builder(&store).register(nothing("work")).start().await.unwrap();
        let warnings = runtime.manifest().warnings.clone();
        assert!(!warnings.is_empty());
        for warning in warnings {
            assert!(warning.len() < 500 && !warning.contains(char::is_control), "{warning:?}");
        }
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_client_alone_runs_nothing() {
    on_every_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let id = enqueue(&client, "work").await;
        assert!(client.store().workers().await.unwrap().is_empty());
        let (work, mut runs) = script("work");
        let runtime = world.builder(&store).register(work).start().await.unwrap();
        runs.next().await.succeed();
        world.job_in(&client, id, State::Completed).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn two_runtimes_of_one_process_share_a_store_and_each_runs_its_own() {
    on_every_store(async |world| {
        let store = world.store().await;
        let (mails, mut mail_runs) = script("mail");
        let (pictures, mut picture_runs) = script("picture");
        let one = world.builder(&store).register(mails).start().await.unwrap();
        let two = world.builder(&store).register(pictures).start().await.unwrap();
        let ids = [enqueue(one.client(), "picture").await, enqueue(two.client(), "mail").await];
        picture_runs.next().await.succeed();
        mail_runs.next().await.succeed();
        for id in ids {
            world.job_in(one.client(), id, State::Completed).await;
        }
        assert_eq!(store.calls("register"), 2);
        stop(one).await;
        // The other goes on.
        let id = enqueue(two.client(), "picture").await;
        picture_runs.next().await.succeed();
        world.job_in(two.client(), id, State::Completed).await;
        stop(two).await;
    })
    .await;
}

#[tokio::test]
async fn a_job_enqueues_by_the_client_that_it_borrows() {
    on_every_store(async |world| {
        #[job(name = "parent")]
        async fn parent(client: &Client) -> Result<(), BoxError> {
            client.enqueue_one(NewJob::new("child", "{}")).await?;
            Ok(())
        }
        let store = world.store().await;
        let (child, mut runs) = script("child");
        let runtime = world.builder(&store).register(parent::entry().clone()).register(child).start().await.unwrap();
        enqueue(runtime.client(), "parent").await;
        runs.next().await.succeed();
        world.counts("both to end", runtime.client(), |counts| counts.completed == 2).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_start_that_fails_leaves_nothing_behind() {
    on_every_store(async |world| {
        for call in ["register", "rescue", "change_schedules"] {
            let store = world.store().await;
            store.fail(call, Fault::Error, 1);
            let error = world.builder(&store).register(nothing("work").every("1h")).start().await.expect_err(call);
            assert!(error.to_string().contains("did not answer"), "{call}: {error}");
            let runtime = world.builder(&store).register(nothing("work")).start().await.unwrap();
            let id = enqueue(runtime.client(), "work").await;
            world.job_in(runtime.client(), id, State::Completed).await;
            let workers = runtime.client().store().workers().await.unwrap();
            assert_eq!(workers.len(), 1, "{call}: {workers:?}");
            stop(runtime).await;
        }
    })
    .await;
}

/// Starts while the clock goes on.
async fn start_in_passing_time(world: &World, store: &Arc<Tap>) -> Result<Runtime, Error> {
    let mut start = Box::pin(world.builder(store).register(nothing("work").every("1h")).start());
    bounded("the start to end", async {
        loop {
            tokio::select! {
                biased;
                result = &mut start => return result,
                () = tokio::time::sleep(Duration::from_millis(2)) => world.clock.advance(Duration::from_secs(10)),
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_start_goes_on_without_the_report_of_what_waits() {
    on_every_store(async |world| {
        for fault in [Fault::Error, Fault::Hang] {
            let store = world.store().await;
            store.fail("unserved", fault, 1);
            let runtime = start_in_passing_time(world, &store).await.expect("it starts");
            stop(runtime).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_start_on_a_store_that_does_not_answer_ends() {
    on_every_store(async |world| {
        let store = world.store().await;
        for call in ["register", "rescue", "change_schedules"] {
            store.fail(call, Fault::Hang, 1);
            let result = start_in_passing_time(world, &store).await;
            assert!(result.unwrap_err().to_string().contains("no answer within"), "{call}");
        }
    })
    .await;
}

#[tokio::test]
async fn many_starts_at_once_on_one_file_all_succeed() {
    on_every_store(async |world| {
        let counted = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let store = world.store().await;
            let runs = Arc::clone(&counted);
            let job = closure("work", move |_: JobContext| {
                runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                async {}
            });
            let builder = world.builder(&store).register(job);
            starts.spawn(async move { builder.start().await.unwrap() });
        }
        let runtimes = bounded("all starts", starts.join_all()).await;
        tests::enqueue_many(runtimes[0].client(), "work", 400).await;
        world.counts("all jobs to end", runtimes[0].client(), |counts| counts.completed == 400).await;
        assert_eq!(counted.load(std::sync::atomic::Ordering::SeqCst), 400);
        for runtime in runtimes {
            stop(runtime).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_store_that_the_settings_name_is_closed_with_the_runtime() {
    let world = World::in_file();
    let url = format!("sqlite://{}", world.file().display());
    let runtime = builder().store(url.clone()).register(nothing("work")).start().await.unwrap();
    let client = runtime.client().clone();
    stop(runtime).await;
    assert!(client.counts().await.is_err(), "it is still open");
    let runtime = builder().store(url).register(nothing("work")).start().await.unwrap();
    stop(runtime).await;
}
