//! The contract in SQL: what somebody else's transaction stores and completes is as if the client had done it, or is not there at all.

use std::time::Duration;

use jobs_core::store::{Enqueued, JobFilter};
use jobs_runtime::{
    Client, EnqueueError, IntoJob, Job, JobContext, JobId, JobRecord, NewJob, Prepared, Runtime, State, closure, job,
};
use tests::{Caller, Refusal, World, enqueue, on_every_shared_store, stop};

const HOUR: Duration = Duration::from_secs(3_600);

#[job(queue = "critical", priority = -5, tags = ["mail", "billing"], retries = 3)]
async fn welcome(name: String) {
    let _ = name;
}

#[job]
async fn thank(name: String) {
    let _ = name;
}

async fn run(caller: &mut Caller, jobs: &Prepared) -> Result<Vec<Enqueued>, Box<dyn std::error::Error>> {
    let answer = caller.text(jobs.sql(), jobs.parameter()).await?;
    Ok(jobs.answer(&answer)?)
}

async fn found(client: &Client, id: JobId) -> JobRecord {
    client.job(id).await.expect("the store answers").expect("the job is there")
}

async fn live(client: &Client) -> u64 {
    client.counts().await.expect("the store answers").live()
}

/// All of a job that does not tell it from another of the same contents.
fn contents(mut job: JobRecord) -> JobRecord {
    job.id = JobId::from_parts(0, [0; 10]);
    job
}

#[tokio::test]
async fn a_prepared_job_is_as_the_client_would_have_stored_it() {
    on_every_shared_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let parent = enqueue(&client, "thank").await;
        let make = |name: &str| {
            let mut job = welcome::job("A\u{0}nn \"\u{1F600}\\".into())
                .queue("low")
                .priority(-32_768)
                .delay(HOUR)
                .retries(7)
                .timeout(Duration::from_millis(1_500))
                .name(name)
                .tag("one")
                .metadata("key", &["a\u{0}b", "c"])
                .tenant("tenant ü")
                .user("user")
                .into_job()
                .expect("a job");
            job.parent = Some(parent);
            job
        };
        let chained = |name: &str| welcome::job(name.into()).then::<tidy>().delay(HOUR).into_new_job().expect("a chain");
        let at = || welcome::job("at".into()).at(world.now() - Duration::from_micros(1));
        let whole = |job: NewJob| {
            [job, at().into_job().expect("a job"), NewJob::new("unknown", " {\"n\": 1e400,\"n\":  12345678901234567890} ")]
        };
        let mut usual = whole(make("usual"));
        if !world.is_in_file() {
            // PostgreSQL keeps no NUL outside of JSON; there it is written as an escape anyway.
            assert!(usual[0].payload.contains("\\u0000"));
        }
        let ids: Vec<JobId> =
            jobs_runtime::Enqueue::enqueue_all(&client, usual.clone().into_iter().chain([chained("c")])).await.expect("stored");
        usual[0].name = Some("prepared".to_owned());
        let prepared = client.prepare(usual.into_iter().chain([chained("c")])).expect("prepared");
        let mut caller = world.caller().await;
        caller.begin().await.expect("begun");
        let answers = run(&mut caller, &prepared).await.expect("the statement is run");
        caller.commit().await.expect("committed");
        assert_eq!(answers.iter().map(|answer| answer.id).collect::<Vec<_>>(), prepared.ids());
        assert!(answers.iter().all(|answer| answer.created));
        for (usual, prepared) in ids.iter().zip(prepared.ids()) {
            let (mut usual, prepared) = (contents(found(&client, *usual).await), contents(found(&client, *prepared).await));
            usual.name.clone_from(&prepared.name);
            assert_eq!(usual, prepared);
        }
    })
    .await;
}

#[job]
async fn tidy() {}

#[tokio::test]
async fn rows_that_are_written_by_hand_have_the_defaults_of_their_kind() {
    on_every_shared_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let mut caller = world.caller().await;
        let before = caller.enqueue(r#"{"kind":"welcome"}"#).await.expect("stored");
        let start = async |build: &str, queue: &'static str| {
            let mut entry = welcome::entry().clone();
            entry.queue = queue.into();
            entry.aliases = vec!["greet".into()].into();
            // It knows the kind, and takes nothing.
            let builder = world.builder(&store).register(entry).build(build).only_queues(["other"]).option("schedules", "false");
            builder.start().await.expect("it starts")
        };
        let old = start("1", "critical").await;
        let hand = caller
            .enqueue(r#"[{"kind":"welcome","payload":{"name":"Ann"}},{"kind":"greet","tags":[],"priority":4,"queue":"low"}]"#);
        let hand = hand.await.expect("stored");
        let typed = client.prepare([welcome::job("Ann".into())]).expect("prepared");
        run(&mut caller, &typed).await.expect("stored");
        let record = async |id: &str| contents(found(&client, id.parse().expect("an id")).await);
        let (mut by_hand, typed) = (record(&hand[0].0).await, record(&typed.ids()[0].to_string()).await);
        assert_eq!((&*by_hand.queue, by_hand.priority, &*by_hand.tags.concat()), ("critical", -5, "mailbilling"));
        // By hand nobody gives the time.
        (by_hand.created_at, by_hand.run_at) = (typed.created_at, typed.run_at);
        by_hand.state = typed.state;
        assert_eq!(by_hand, typed);
        let alias = record(&hand[1].0).await;
        assert_eq!((&*alias.queue, alias.priority, alias.tags.len()), ("low", 4, 0));
        // Who started last is right, while he is there and after.
        world.clock.advance(Duration::from_secs(1));
        let new = start("2", "mail").await;
        let second = caller.enqueue(r#"{"kind":"greet"}"#).await.expect("stored");
        assert_eq!(record(&second[0].0).await.queue, "mail");
        stop(old).await;
        stop(new).await;
        let third = caller.enqueue(r#"{"kind":"welcome"}"#).await.expect("stored");
        assert_eq!(record(&third[0].0).await.queue, "mail");
        // Before any worker said anything.
        assert_eq!((&*record(&before[0].0).await.queue, record(&before[0].0).await.tags.len()), ("default", 0));
    })
    .await;
}

#[tokio::test]
async fn what_is_rolled_back_was_never_there() {
    on_every_shared_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let mut caller = world.caller().await;
        let jobs = client.prepare([welcome::job("Ann".into()).name("ann"), welcome::job("Bob".into())]).expect("prepared");
        caller.begin().await.expect("begun");
        assert_eq!(run(&mut caller, &jobs).await.expect("run").len(), 2);
        caller.rollback().await.expect("rolled back");
        assert_eq!(live(&client).await, 0);
        // The same statement again, and again after its commit: each job is stored once.
        for created in [true, false] {
            caller.begin().await.expect("begun");
            let answers = run(&mut caller, &jobs).await.expect("run");
            assert_eq!(
                answers.iter().map(|answer| (answer.id, answer.created)).collect::<Vec<_>>(),
                [(jobs.ids()[0], created), (jobs.ids()[1], created)]
            );
            caller.commit().await.expect("committed");
        }
        assert_eq!(live(&client).await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_conflict_is_answered_with_what_stands_there() {
    on_every_shared_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let named = client.prepare([thank::job("Ann".into()).name("ann")]).expect("prepared").ids()[0];
        let mut caller = world.caller().await;
        let ann =
            jobs_runtime::Enqueue::enqueue_one(&client, thank::job("Ann".into()).name("ann").into_job().unwrap()).await.unwrap();
        let done = enqueue(&client, "thank").await;
        client.cancel(done).await.expect("cancelled");
        let jobs = [
            thank::job("again".into()).name("ann"),
            thank::job("again".into()).id(ann),
            thank::job("again".into()).id(done),
            thank::job("new".into()).name("bob"),
            thank::job("new".into()).name("bob"),
            thank::job("twice".into()).id(named),
            thank::job("twice".into()).id(named),
            thank::job("a new name, an old id".into()).id(done).name("carl"),
            thank::job("the name is free".into()).name("carl"),
        ];
        let jobs = client.prepare(jobs).expect("prepared");
        caller.begin().await.expect("begun");
        let answers = run(&mut caller, &jobs).await.expect("run");
        caller.commit().await.expect("committed");
        let bob = jobs.ids()[3];
        let expected = [
            (ann, false),
            (ann, false),
            (done, false),
            (bob, true),
            (bob, false),
            (named, true),
            (named, false),
            (done, false),
            (jobs.ids()[8], true),
        ];
        assert_eq!(answers.iter().map(|answer| (answer.id, answer.created)).collect::<Vec<_>>(), expected);
        assert_eq!(live(&client).await, 4);
        assert_eq!(found(&client, done).await.state, State::Cancelled);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_stored_of_a_call_with_a_mistake() {
    let mistakes = [
        ("", "json", "a job is a JSON object"),
        ("7", "a job is a JSON object", "a job is a JSON object"),
        ("[{\"kind\":\"a\"},7]", "job 2: is number, and must be an object", "each of a list of jobs must be an object"),
        ("{}", "job 1: has no `kind`", "a job has no `kind`"),
        (r#"{"kind":"a b"}"#, "`kind` is no name", "the `kind` of a job is no name"),
        (r#"{"kind":"-a"}"#, "`kind` is no name", "the `kind` of a job is no name"),
        (r#"{"kind":""}"#, "`kind` is no name", "the `kind` of a job is no name"),
        (r#"{"kind":"a","queue":"ü"}"#, "`queue` is no name", "the `queue` of a job is no name"),
        (r#"{"kind":"a","name":"a\n"}"#, "`name` is no name", "the `name` of a job is no name"),
        (r#"{"kind":"a","args":{}}"#, "`args` is no key of a job", "a job has an unknown key"),
        (r#"{"kind":"a","payload":[]}"#, "`payload` is no object", "the `payload` of a job is no JSON object"),
        (r#"{"kind":"a","payload":"7"}"#, "`payload` is no object", "the `payload` of a job is no JSON object"),
        (r#"{"kind":"a","payload":"{"}"#, "json", "the `payload` of a job is no JSON object"),
        (r#"{"kind":"a","metadata":[]}"#, "`metadata` is no object", "the `metadata` of a job is no JSON object"),
        (r#"{"kind":"a","tags":"a"}"#, "json", "the `tags` of a job are no list of names"),
        (r#"{"kind":"a","tags":[7]}"#, "`tags` is no list of names", "the `tags` of a job are no list of names"),
        (r#"{"kind":"a","tags":["a b"]}"#, "`tags` is no list of names", "the `tags` of a job are no list of names"),
        (r#"{"kind":"a","id":"1"}"#, "`id` is no UUID", "the `id` of a job is no UUID"),
        (r#"{"kind":"a","priority":32768}"#, "`priority` is no whole number", "the `priority` of a job is no whole number"),
        (r#"{"kind":"a","priority":1.5}"#, "`priority` is no whole number", "the `priority` of a job is no whole number"),
        (r#"{"kind":"a","retries":-1}"#, "`retries` is no whole number", "the `retries` of a job are no whole number"),
        (r#"{"kind":"a","timeout":0}"#, "`timeout` is no whole number", "the `timeout` of a job is no whole number"),
        (r#"{"kind":"a","delay":-1}"#, "`delay` is no whole number", "the `delay` of a job is no whole number"),
        (r#"{"kind":"a","delay":1,"run_at":1}"#, "exclude each other", "exclude each other"),
        (r#"{"kind":"a","run_at":"tomorrow"}"#, "`run_at` is neither", "the `run_at` of a job is neither"),
        (r#"{"kind":"a","run_at":"infinity"}"#, "`run_at` is neither", "the `run_at` of a job is neither"),
        (r#"{"kind":"a","run_at":"2026-05-01T12:00:00"}"#, "`run_at` is neither", "the `run_at` of a job is neither"),
        (r#"{"kind":"a","run_at":"2026-13-01T12:00:00Z"}"#, "out of range", "the `run_at` of a job is neither"),
        (r#"{"kind":"a","run_at":999999999999999999}"#, "not between the years 1 and 9999", "not between the years 1 and 9999"),
    ];
    on_every_shared_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let mut caller = world.caller().await;
        let in_file = world.is_in_file();
        for (jobs, on_server, in_a_file) in mistakes {
            caller.begin().await.expect("begun");
            let refusal = caller.enqueue(jobs).await.expect_err(jobs);
            let expected = if in_file { in_a_file } else { on_server };
            assert!(refusal.0.contains(expected), "{jobs}: {refusal}");
            // A caller may go on where his database lets him.
            caller.rollback().await.expect("rolled back");
        }
        let mut large = format!(r#"{{"kind":"a","payload":{{"a":"{}"}}}}"#, "x".repeat(1 << 20));
        assert!(caller.enqueue(&large).await.expect_err("too large").0.contains("1048576 bytes"));
        large = format!("[{}]", vec![r#"{"kind":"a"}"#; 100_001].join(","));
        assert!(caller.enqueue(&large).await.expect_err("too many").0.contains("100000"));
        assert_eq!(live(&client).await, 0);
        if !in_file {
            // All at once, each with its place.
            let several = caller.enqueue(r#"[{"kind":"a b","delay":-1},{"kind":"a"},{"tags":7,"foo":1}]"#).await.expect_err("wrong");
            let all = "jobs: job 1: `delay` is no whole number of milliseconds; job 1: `kind` is no name; job 3: `foo` is no key of a job; \
                       job 3: `tags` is no list of names; job 3: has no `kind`";
            assert_eq!(several, Refusal(all.to_owned()));
        }
        // What stops at the end of a text in C does not end it here, and no day is another.
        for (jobs, why) in [
            (r#"{"kind":"a\u0000 b"}"#, ["NUL", "NUL"]),
            (r#"{"kind":"a","name":"a\u0000 b"}"#, ["NUL", "NUL"]),
            (r#"{"kind":"a","payload":"{}\u0000 b"}"#, ["NUL", "NUL"]),
            (r#"{"kind":"a","run_at":"2026-02-30T12:00:00Z"}"#, ["out of range", "the `run_at` of a job is neither"]),
            (r#"{"kind":7}"#, ["`kind` cannot be number", "has no `kind`, which is a text"]),
            (r#"{"kind":"a","priority":"5"}"#, ["`priority` cannot be string", "no whole number"]),
            (r#"{"kind":"a","tenant":{"a":1}}"#, ["`tenant` cannot be object", "are texts"]),
        ] {
            let refusal = caller.enqueue(jobs).await.expect_err(jobs).0;
            let nul = !in_file && refusal.contains("Unicode escape");
            assert!(nul || refusal.contains(why[usize::from(in_file)]), "{jobs}: {refusal}");
        }
        assert_eq!(live(&client).await, 0);
        // Nothing at all is no mistake.
        assert_eq!(caller.enqueue("[]").await, Ok(Vec::new()));
    })
    .await;
}

#[tokio::test]
async fn times_are_understood_as_they_are_written() {
    on_every_shared_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let mut caller = world.caller().await;
        for (written, meant) in [
            (r#""2030-05-01T12:00:00Z""#, "2030-05-01T12:00:00Z"),
            (r#""2030-05-01 12:00:00.250+02:00""#, "2030-05-01T10:00:00.25Z"),
            (r#""2030-05-01t12:00z""#, "2030-05-01T12:00:00Z"),
            ("1893456000000001", "2030-01-01T00:00:00.000001Z"),
        ] {
            let stored = caller.enqueue(&format!(r#"{{"kind":"a","run_at":{written}}}"#)).await.expect(written);
            let job = found(&client, stored[0].0.parse().unwrap()).await;
            assert_eq!((job.run_at, job.state), (meant.parse().unwrap(), State::Scheduled), "{written}");
        }
        let delayed = caller.enqueue(r#"{"kind":"a","delay":90000}"#).await.expect("stored");
        let job = found(&client, delayed[0].0.parse().unwrap()).await;
        assert_eq!(job.run_at.duration_since(job.created_at), jiff::SignedDuration::from_secs(90));
        for far in [r#"{"kind":"a","delay":99999999999999}"#, r#"{"kind":"a","run_at":"9999-12-31T23:59:59Z"}"#] {
            let stored = caller.enqueue(far).await.expect(far);
            assert_eq!(found(&client, stored[0].0.parse().unwrap()).await.state, State::Scheduled);
        }
    })
    .await;
}

#[tokio::test]
async fn ids_that_the_database_makes_are_of_version_seven_and_differ() {
    on_every_shared_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let mut caller = world.caller().await;
        let jobs = format!("[{}]", vec![r#"{"kind":"a"}"#; 2_000].join(","));
        let stored = caller.enqueue(&jobs).await.expect("stored");
        let ids: std::collections::BTreeSet<JobId> = stored.iter().map(|(id, _)| id.parse().expect("a UUID")).collect();
        assert_eq!(ids.len(), 2_000);
        for id in ids {
            assert_eq!((id.as_uuid().get_version_num(), id.as_bytes()[8] >> 6), (7, 0b10), "{id}");
        }
        let page = client.jobs(JobFilter { limit: 5, ..JobFilter::default() }).await.expect("the store answers");
        assert_eq!(page.jobs.len(), 5);
    })
    .await;
}

#[tokio::test]
async fn a_job_is_completed_under_its_token_alone() {
    on_every_shared_store(async |world| {
        let store = world.store().await;
        let client = world.client(&store);
        let (tell, mut runs) = tokio::sync::mpsc::unbounded_channel();
        let (release, released) = tokio::sync::watch::channel(false);
        let entry = closure("held", move |_: JobContext| {
            let (tell, mut released) = (tell.clone(), released.clone());
            async move {
                let _ = tell.send(());
                let _ = released.wait_for(|released| *released).await;
            }
        });
        let runtime: Runtime = world.builder(&store).register(entry).start().await.expect("it starts");
        let id = enqueue(&client, "held").await;
        runs.recv().await.expect("it runs");
        let token = world
            .until("the claim", async || Some(found(&client, id).await).filter(|job| job.state == State::Running))
            .await
            .token;
        let mut caller = world.caller().await;
        caller.batch("CREATE TEMP TABLE effect (job TEXT)").await.expect("a table");
        let attempt = async |caller: &mut Caller, outcome: &str| {
            caller.begin().await?;
            caller.execute("INSERT INTO effect VALUES ($1)", outcome).await?;
            caller.complete(outcome).await?;
            caller.commit().await
        };
        for stale in [token - 1, token + 1] {
            let refusal = attempt(&mut caller, &format!(r#"{{"id":"{id}","token":{stale}}}"#)).await.expect_err("a stale token");
            assert!(refusal.0.contains("under their token") || refusal.0.contains("under its token"), "{refusal}");
            // Whoever goes on all the same commits nothing.
            let _ = caller.commit().await;
            assert_eq!(caller.number("SELECT count(*) FROM effect").await, Ok(0));
        }
        let wrong = attempt(&mut caller, r#"{"id":"x","outcome":1}"#).await.expect_err("no outcome");
        assert!(wrong.0.contains("is no key of an outcome") || wrong.0.contains("has an unknown key"), "{wrong}");
        let _ = caller.rollback().await;
        let outcome = format!(
            r#"{{"id":"{id}","token":{token},"output":"[7]","note":"so","followers":[{{"kind":"next","parent":"{id}"}}]}}"#
        );
        attempt(&mut caller, &outcome).await.expect("completed");
        let job = found(&client, id).await;
        assert_eq!(
            (job.state, job.output.as_deref(), job.error.as_deref(), job.token),
            (State::Completed, Some("[7]"), Some("so"), token)
        );
        assert_eq!(client.followers(id).await.expect("the store answers").len(), 1);
        assert_eq!(caller.number("SELECT count(*) FROM effect").await, Ok(1));
        assert!(attempt(&mut caller, &outcome).await.is_err(), "twice");
        let _ = caller.rollback().await;
        let counts = client.counts().await.expect("the store answers");
        assert_eq!((counts.completed, counts.live()), (1, 1));
        // What the worker itself says now is late.
        release.send_replace(true);
        stop(runtime).await;
        assert_eq!(found(&client, id).await.output.as_deref(), Some("[7]"));
    })
    .await;
}

#[tokio::test]
async fn workers_hear_of_a_commit_at_once_and_of_nothing_before_it() {
    on_every_shared_store(async |world| {
        let store = world.store().await;
        let client = World::client_in_real_time(&store);
        let (ran, mut runs) = tokio::sync::mpsc::unbounded_channel();
        let entry = closure("heard", move |ctx: JobContext| {
            let _ = ran.send(ctx.id());
            async {}
        });
        // Without news it would look again after three minutes.
        let builder = World::builder_in_real_time(&store).lease(Duration::from_secs(600)).heartbeat(Duration::from_secs(180));
        let runtime = builder.register(entry).start().await.expect("it starts");
        let mut caller = world.caller().await;
        for by_hand in [true, false] {
            world.counts("the job before it to end", &client, |counts| counts.live() == 0).await;
            caller.begin().await.expect("begun");
            if by_hand {
                caller.enqueue(r#"{"kind":"heard"}"#).await.expect("stored");
            } else {
                run(&mut caller, &client.prepare([NewJob::new("heard", "{}")]).expect("prepared")).await.expect("stored");
            }
            assert_eq!(live(&client).await, 0, "before the commit");
            caller.commit().await.expect("committed");
            tests::bounded("a job that a transaction stored", runs.recv()).await.expect("it ran");
        }
        if let Caller::Server(..) = caller {
            // Who asks for silence gets it: the job waits for somebody to look.
            caller.begin().await.expect("begun");
            caller.batch("SET LOCAL jobs.notify = off").await.expect("set");
            caller.enqueue(r#"{"kind":"heard"}"#).await.expect("stored");
            caller.commit().await.expect("committed");
            assert!(tokio::time::timeout(Duration::from_millis(300), runs.recv()).await.is_err());
        }
        client.wake();
        if let Caller::Server(..) = caller {
            tests::bounded("a job after a call to look", runs.recv()).await.expect("it ran");
        }
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn an_id_of_ones_own_is_stored_only_where_its_end_can_be_seen() {
    let Some(world) = World::in_postgres() else { return };
    let store = world.store().await;
    let client = world.client(&store);
    let mut caller = world.caller().await;
    let old = client.new_id();
    let own = client.prepare([thank::job("Ann".into()).id(old)]).expect("prepared");
    let fresh = client.prepare([thank::job("Ann".into())]).expect("prepared");
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        caller.batch(&format!("BEGIN ISOLATION LEVEL {level}")).await.expect("begun");
        let refusal = run(&mut caller, &own).await.expect_err("it cannot be seen").to_string();
        assert!(refusal.contains("cannot be stored by a transaction of the isolation level"), "{refusal}");
        caller.rollback().await.expect("rolled back");
    }
    caller.batch("BEGIN ISOLATION LEVEL SERIALIZABLE").await.expect("begun");
    assert!(run(&mut caller, &fresh).await.expect("stored")[0].created);
    caller.commit().await.expect("committed");
    // Its bearer came after this transaction began, so it cannot be named.
    caller.batch("BEGIN ISOLATION LEVEL REPEATABLE READ").await.expect("begun");
    caller.number("SELECT count(*) FROM pg_class").await.expect("a snapshot");
    let mut other = world.caller().await;
    other.enqueue(r#"{"kind":"thank","name":"ann"}"#).await.expect("stored");
    let refusal = caller.enqueue(r#"{"kind":"thank","name":"ann"}"#).await.expect_err("a conflict");
    assert!(refusal.0.contains("could not serialize") || refusal.0.contains("has just stored or ended"), "{refusal}");
    caller.rollback().await.expect("rolled back");
    world.clean_up().await;
}

/// The one who stands in the way may go at any moment: then the job is stored, or another one stands there; an answer has an id.
#[tokio::test]
async fn who_bears_a_name_may_come_and_go() {
    let Some(world) = World::in_postgres() else { return };
    let _store = world.store().await;
    let (mut caller, mut other) = (world.caller().await, world.caller().await);
    let Caller::Server(_, schema) = &other else { return };
    let comes_and_goes = format!(
        "DO $$ BEGIN FOR i IN 1..1500 LOOP INSERT INTO {schema}.job (id, kind, queue, priority, state, run_at, created_at, payload, name) \
         VALUES (md5(random()::text)::uuid, 'k', 'q', 0, 'available', now(), now(), '{{}}', 'n') ON CONFLICT DO NOTHING; COMMIT; \
         PERFORM pg_sleep(0.0002); DELETE FROM {schema}.job WHERE name = 'n'; COMMIT; END LOOP; END $$"
    );
    let coming = tokio::spawn(async move { other.batch(&comes_and_goes).await });
    let (mut stored, mut found) = (0, 0);
    while !coming.is_finished() {
        match caller.enqueue(r#"{"kind":"k","name":"n"}"#).await {
            Ok(answer) if answer[0].1 => stored += 1,
            Ok(_) => found += 1,
            // Ten times in a row somebody came between.
            Err(refusal) => assert!(refusal.0.contains("has just stored or ended"), "{refusal}"),
        }
    }
    coming.await.expect("no panic").expect("it came and went");
    assert!(stored > 0 && found > 0, "{stored} stored, {found} found");
    world.clean_up().await;
}

#[tokio::test]
async fn a_role_that_may_only_enqueue_can_do_that_and_no_more() {
    let Some(world) = World::in_postgres() else { return };
    let store = world.store().await;
    let client = world.client(&store);
    let mut caller = world.caller().await;
    let Caller::Server(_, schema) = &caller else { return };
    let (schema, role) = (schema.clone(), format!("clerk_{}", std::process::id()));
    let grants = format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT, INSERT, DELETE ON {schema}.job TO {role}; \
         GRANT SELECT ON {schema}.history, {schema}.kind, {schema}.migration TO {role}; SET ROLE {role}"
    );
    caller.batch(&grants).await.expect("granted");
    let stored = caller.enqueue(r#"[{"kind":"thank","name":"a"},{"kind":"thank","name":"a"}]"#).await.expect("stored");
    assert_eq!((stored[0].1, stored[1].1), (true, false));
    let id = &stored[0].0;
    let refusal = caller.complete(&format!(r#"{{"id":"{id}","token":0}}"#)).await.expect_err("it may not");
    assert!(refusal.0.contains("permission denied"), "{refusal}");
    assert_eq!(found(&client, id.parse().unwrap()).await.state, State::Available);
    caller.batch(&format!("RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}")).await.expect("gone");
    world.clean_up().await;
}

#[tokio::test]
async fn the_store_in_memory_says_that_it_takes_part_in_no_transaction() {
    let world = World::in_memory();
    let store = world.store().await;
    let refusal = world.client(&store).prepare([thank::job("Ann".into())]).expect_err("it has no SQL");
    assert!(matches!(&refusal, EnqueueError::NoContract(store) if store.starts_with("memory")), "{refusal}");
}

#[tokio::test]
async fn what_cannot_be_enqueued_cannot_be_prepared() {
    let world = World::in_file();
    let store = world.store().await;
    let client = world.client(&store);
    let wrong = client.prepare([NewJob::new("a b", "{}")]).expect_err("no name");
    assert!(matches!(wrong, EnqueueError::Name(_)), "{wrong}");
    let many = client.prepare((0..100_001).map(|_| NewJob::new("a", "{}"))).expect_err("too many");
    assert!(matches!(many, EnqueueError::TooMany { .. }), "{many}");
}
