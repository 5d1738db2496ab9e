//! Chains: the output of one job is the argument of the next, and each is stored with the completion of the one before.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jobs_core::chain::MAX_CHAIN;
use jobs_core::job::MAX_PAYLOAD;
use jobs_runtime::{Builder, Client, Enqueue, EnqueueError, IntoJob, Job, JobContext, JobId, JobRecord, State, job};
use serde::{Deserialize, Serialize};
use tests::{World, on_every_store, stop};

const MINUTE: Duration = Duration::from_secs(60);

/// What the jobs here saw, and whether the one in the middle fails.
#[derive(Debug, Default)]
struct Desk {
    seen: Mutex<Vec<String>>,
    fails: AtomicBool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    title: String,
    // Larger than a double can hold.
    pages: u64,
}

#[job(retries = 0)]
async fn write(title: String, length: usize) -> Result<Report, String> {
    Ok(Report { title: title.repeat(length), pages: u64::MAX })
}

#[job(queue = "desk", priority = -3, tags = ["review"], retries = 0)]
async fn review(desk: &Desk, ctx: &JobContext, report: Report) -> Result<Option<Report>, String> {
    if desk.fails.load(Ordering::SeqCst) {
        return Err("not good enough".to_owned());
    }
    let who = (ctx.tenant(), ctx.user(), ctx.queue());
    desk.seen.lock().unwrap().push(format!("{} of {} pages for {who:?}", report.title.len(), report.pages));
    Ok(Some(report))
}

#[job]
async fn announce(desk: &Desk, done: Option<Report>) {
    desk.seen.lock().unwrap().push(format!("announced: {}", done.is_some()));
}

#[job]
async fn tidy(desk: &Desk) {
    desk.seen.lock().unwrap().push("tidied".to_owned());
}

fn with_jobs(builder: Builder) -> Builder {
    let builder = builder.provide(Desk::default()).queue("desk", 4).queue("default", 4);
    [write::entry(), review::entry(), announce::entry(), tidy::entry()]
        .into_iter()
        .fold(builder, |builder, entry| builder.register(entry.clone()))
}

/// The one job that follows on another, in this state.
async fn follower(world: &World, client: &Client, id: JobId, state: State) -> JobRecord {
    world
        .until("the next job of the chain", async || {
            let mut found = client.followers(id).await.unwrap();
            assert!(found.len() < 2, "{found:#?}");
            found.pop().filter(|job| job.state == state)
        })
        .await
}

#[tokio::test]
async fn the_output_of_one_job_is_the_argument_of_the_next() {
    on_every_store(async |world| {
        let store = world.store().await;
        let desk = std::sync::Arc::new(Desk::default());
        let runtime = with_jobs(world.builder(&store)).provide_arc(std::sync::Arc::clone(&desk)).start().await.unwrap();
        let client = runtime.client();
        let chain = write::job("ab".into(), 2).tenant("acme").user("ann").then::<review>().then::<announce>();
        let chain = chain.queue("default").delay(MINUTE).retries(7).tag("news").metadata("issue", &3).then::<tidy>();
        let first = chain.enqueue(client).await.unwrap();
        let written = world.job_in(client, first, State::Completed).await;
        let links: Vec<&str> = written.chain.iter().map(|link| &*link.kind).collect();
        assert_eq!((links, written.parent), (vec!["review", "announce", "tidy"], None));

        let reviewed = follower(world, client, first, State::Completed).await;
        assert_eq!(
            (&*reviewed.kind, &*reviewed.queue, reviewed.priority, &*reviewed.tags),
            ("review", "desk", -3, &["review".to_owned()][..])
        );
        assert_eq!(reviewed.payload, r#"{"report":{"title":"abab","pages":18446744073709551615}}"#);
        let announced = follower(world, client, reviewed.id, State::Scheduled).await;
        assert_eq!((&*announced.queue, announced.retries, &*announced.tags), ("default", Some(7), &["news".to_owned()][..]));
        assert_eq!((announced.metadata.as_deref(), announced.run_at), (Some(r#"{"issue":3}"#), world.now() + MINUTE));
        world.clock.advance(MINUTE);
        let announced = follower(world, client, reviewed.id, State::Completed).await;
        let tidied = follower(world, client, announced.id, State::Completed).await;
        assert_eq!((&*tidied.payload, tidied.chain.len()), ("{}", 0));
        assert_eq!((tidied.tenant.as_deref(), tidied.user.as_deref()), (Some("acme"), Some("ann")), "handed on to the end");
        assert!(client.followers(tidied.id).await.unwrap().is_empty());
        let seen = desk.seen.lock().unwrap().clone();
        let reviewed = r#"4 of 18446744073709551615 pages for (Some("acme"), Some("ann"), "desk")"#;
        assert_eq!(seen, [reviewed, "announced: true", "tidied"]);
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_link_that_fails_holds_the_chain_until_it_is_requeued() {
    on_every_store(async |world| {
        let store = world.store().await;
        let desk = std::sync::Arc::new(Desk::default());
        desk.fails.store(true, Ordering::SeqCst);
        let runtime = with_jobs(world.builder(&store)).provide_arc(std::sync::Arc::clone(&desk)).start().await.unwrap();
        let client = runtime.client();
        let first = write::job("a".into(), 1).then::<review>().then::<tidy>().enqueue(client).await.unwrap();
        let failed = follower(world, client, first, State::Failed).await;
        assert!(client.followers(failed.id).await.unwrap().is_empty());
        desk.fails.store(false, Ordering::SeqCst);
        assert_eq!(client.requeue(vec![failed.id]).await.unwrap(), [true]);
        follower(world, client, failed.id, State::Completed).await;

        // Whoever runs a job again gets what follows on it again.
        assert_eq!(client.requeue(vec![failed.id]).await.unwrap(), [true]);
        let twice = world
            .until("the second follower", async || {
                let found = client.followers(failed.id).await.unwrap();
                (found.len() == 2 && found.iter().all(|job| job.state == State::Completed)).then_some(found)
            })
            .await;
        assert_ne!(twice[0].id, twice[1].id);
        assert_eq!(desk.seen.lock().unwrap().iter().filter(|line| *line == "tidied").count(), 2);
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_link_ends_the_chain() {
    on_every_store(async |world| {
        let store = world.store().await;
        let runtime = with_jobs(world.builder(&store)).start().await.unwrap();
        let client = runtime.client();
        let first = write::job("a".into(), 1).then::<announce_late>().delay(MINUTE).then::<tidy>().enqueue(client).await.unwrap();
        let waiting = follower(world, client, first, State::Scheduled).await;
        client.cancel(waiting.id).await.unwrap();
        let cancelled = follower(world, client, first, State::Cancelled).await;
        world.clock.advance(2 * MINUTE);
        // A job enqueued after it has run: so would what follows, had it been stored.
        let after = tidy::job().enqueue(client).await.unwrap();
        world.job_in(client, after, State::Completed).await;
        assert!(client.followers(cancelled.id).await.unwrap().is_empty());
        stop(runtime).await;
    })
    .await;
}

#[job]
async fn announce_late(report: Report) {
    drop(report);
}

#[tokio::test]
async fn an_output_too_large_to_keep_still_travels_and_one_too_large_to_travel_fails_its_job() {
    on_every_store(async |world| {
        let store = world.store().await;
        let desk = std::sync::Arc::new(Desk::default());
        let runtime = with_jobs(world.builder(&store)).option("output_limit", "1KiB").provide_arc(std::sync::Arc::clone(&desk));
        let runtime = runtime.start().await.unwrap();
        let client = runtime.client();
        let first = write::job("a".into(), 2_000).then::<review>().enqueue(client).await.unwrap();
        follower(world, client, first, State::Completed).await;
        assert_eq!(client.job(first).await.unwrap().unwrap().output, None);
        assert!(desk.seen.lock().unwrap()[0].starts_with("2000 of "));

        let first = write::job("a".into(), MAX_PAYLOAD).then::<review>().enqueue(client).await.unwrap();
        let failed = world.job_in(client, first, State::Failed).await;
        let error = failed.error.unwrap();
        assert!(
            error.starts_with("the work was done, but the next job of its chain cannot be made: the arguments take"),
            "{error}"
        );
        assert!(client.followers(first).await.unwrap().is_empty());
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_chain_that_cannot_be_read_parks_its_job_before_it_runs() {
    let world = World::in_file();
    let store = world.store().await;
    let client = world.client(&store);
    let first = write::job("a".into(), 1).then::<review>().enqueue(&client).await.unwrap();
    let file = rusqlite::Connection::open(world.file()).unwrap();
    file.execute("UPDATE jobs_job SET chain = '[{\"kind\":7}]'", []).unwrap();
    let runtime = with_jobs(world.builder(&store)).start().await.unwrap();
    let parked = world.job_in(&client, first, State::Parked).await;
    let error = parked.error.unwrap();
    assert!(error.starts_with("the chain of the job cannot be read: invalid type: integer `7`"), "{error}");
    assert_eq!((parked.failures, parked.output), (0, None));
    stop(runtime).await;
}

#[tokio::test]
async fn chains_are_enqueued_beside_other_jobs_and_checked_whole() {
    on_every_store(async |world| {
        let client = world.client(&world.store().await);
        let chain = write::job("a".into(), 1).then::<review>().into_job();
        let ids = client.enqueue_all([chain, tidy::job().into_job()]).await.unwrap();
        let stored = client.job(ids[0]).await.unwrap().unwrap();
        assert_eq!(stored.chain.iter().map(|link| link.argument.as_deref()).collect::<Vec<_>>(), [Some("report")]);

        let named = |queue: &'static str| write::job("a".into(), 1).then::<review>().queue(queue).then::<tidy>();
        let error = named("a\nb").enqueue(&client).await.unwrap_err();
        assert!(matches!(&error, EnqueueError::Name(_)), "{error}");
        let mut long = named("b").into_new_job().unwrap();
        long.chain = vec![long.chain[1].clone(); MAX_CHAIN + 1];
        let error = client.enqueue_one(long).await.unwrap_err().to_string();
        assert!(error.starts_with("101 jobs in one chain are more than the 100 there may be"), "{error}");
        assert_eq!(client.counts().await.unwrap().live(), 2);
    })
    .await;
}

#[job]
async fn linger(ctx: &JobContext) -> Result<u32, String> {
    ctx.cancelled().await;
    Ok(7)
}

#[job(aliases = ["jot_down"])]
async fn note(desk: &Desk, number: u32) {
    desk.seen.lock().unwrap().push(format!("noted {number}"));
}

/// Asks a running job to stop, and waits until it has ended well.
async fn stop_running(world: &World, client: &Client, id: JobId) {
    client.cancel(id).await.unwrap();
    world
        .until("the job to hear of it", async || {
            world.clock.advance(Duration::from_millis(100));
            client.job(id).await.unwrap().filter(|job| job.state == State::Completed)
        })
        .await;
}

#[tokio::test]
async fn a_job_that_was_asked_to_stop_and_ends_well_is_followed() {
    on_every_store(async |world| {
        let store = world.store().await;
        let builder = with_jobs(world.builder(&store)).register(linger::entry().clone()).register(note::entry().clone());
        let runtime = builder.start().await.unwrap();
        let client = runtime.client();
        let first = linger::job().then::<note>().enqueue(client).await.unwrap();
        world.job_in(client, first, State::Running).await;
        stop_running(world, client, first).await;
        follower(world, client, first, State::Completed).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_stores_what_follows_on_the_jobs_that_end_in_it() {
    on_every_store(async |world| {
        let store = world.store().await;
        let builder = with_jobs(world.builder(&store)).register(linger::entry().clone()).option("shutdown.drain", "0s");
        let runtime = builder.start().await.unwrap();
        let client = world.client(&world.store().await);
        let first = linger::job().then::<note>().enqueue(&client).await.unwrap();
        world.job_in(&client, first, State::Running).await;
        stop(runtime).await;
        assert_eq!(client.job(first).await.unwrap().unwrap().state, State::Completed);
        let waiting = follower(world, &client, first, State::Available).await;
        assert_eq!(waiting.payload, r#"{"number":7}"#);
    })
    .await;
}

#[tokio::test]
async fn a_link_that_nobody_knows_waits_for_a_build_that_does_also_by_its_old_name() {
    on_every_store(async |world| {
        let store = world.store().await;
        let runtime = with_jobs(world.builder(&store)).register(linger::entry().clone()).start().await.unwrap();
        let client = runtime.client();
        let mut chain = linger::job().then::<note>().into_job().unwrap();
        chain.chain[0].kind = "jot_down".into();
        let first = client.enqueue_one(chain).await.unwrap();
        world.job_in(client, first, State::Running).await;
        stop_running(world, client, first).await;
        let kept = client.followers(first).await.unwrap();
        assert!(matches!(kept[0].state, State::Available | State::Parked), "{kept:#?}");
        let newer = with_jobs(world.builder(&world.store().await)).register(note::entry().clone()).start().await.unwrap();
        let ran = follower(world, client, first, State::Completed).await;
        assert_eq!((ran.id, &*ran.kind, ran.failures), (kept[0].id, "jot_down", 0));
        stop(newer).await;
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_link_that_fails_and_then_does_not_goes_on() {
    on_every_store(async |world| {
        let store = world.store().await;
        let desk = std::sync::Arc::new(Desk::default());
        desk.fails.store(true, Ordering::SeqCst);
        let runtime = with_jobs(world.builder(&store)).provide_arc(std::sync::Arc::clone(&desk)).start().await.unwrap();
        let client = runtime.client();
        let first = write::job("a".into(), 1).then::<review>().retries(1).then::<tidy>().enqueue(client).await.unwrap();
        let waiting = follower(world, client, first, State::Retryable).await;
        desk.fails.store(false, Ordering::SeqCst);
        world.clock.advance(waiting.run_at.duration_since(world.now()).try_into().unwrap());
        let reviewed = follower(world, client, first, State::Completed).await;
        assert_eq!((reviewed.id, reviewed.failures), (waiting.id, 1));
        follower(world, client, reviewed.id, State::Completed).await;
        stop(runtime).await;
    })
    .await;
}
