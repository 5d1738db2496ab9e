//! Units of work: what a job writes by its transaction and its completion are one commit, whatever happens around it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jobs_runtime::{BoxError, Builder, Client, Ending, Job, JobContext, JobId, NewJob, Runtime, State, Statement, job};
use tests::{Caller, World, enqueue, on_every_shared_store, stop};
use tokio::sync::Notify;

/// A transaction of one run. Its drop closes the connection, which rolls it back.
struct Tx(Caller);

/// What goes wrong with the next commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    /// The commit takes place, and its answer is lost.
    AnswerLost,
    /// It never comes to the commit.
    RequestLost,
    /// The program forgets the statement.
    Forgotten,
    /// It forgets to commit.
    NotCommitted,
    /// The statement names an old token.
    Stale,
    /// It panics before the commit.
    Panics,
}

#[derive(Debug)]
struct Desk {
    trouble: Mutex<Trouble>,
    commits: AtomicU64,
    written: Notify,
    go_on: Notify,
}

#[job(retries = 1, backoff = "fixed 1h")]
async fn charge(tx: &mut Tx, amount: i64) -> Result<i64, BoxError> {
    tx.0.batch(&format!("INSERT INTO ledger VALUES ({amount})")).await?;
    Ok(amount)
}

#[job(retries = 0)]
async fn fails(tx: &mut Tx, panics: bool) -> Result<(), BoxError> {
    tx.0.batch("INSERT INTO ledger VALUES (1)").await?;
    assert!(!panics, "on purpose");
    Err("on purpose".into())
}

#[job(retries = 0)]
async fn lingers(desk: &Desk, tx: &mut Tx) -> Result<(), BoxError> {
    tx.0.batch("INSERT INTO ledger VALUES (1)").await?;
    desk.written.notify_one();
    desk.go_on.notified().await;
    Ok(())
}

#[job]
async fn after(output: i64) -> Result<i64, std::convert::Infallible> {
    Ok(output + 1)
}

struct Place {
    world: Arc<Where>,
    table: String,
}

/// How a run comes to the database.
enum Where {
    File(std::path::PathBuf),
    Server(String, String),
}

impl Place {
    async fn of(world: &World) -> Self {
        // The tables of the jobs come first, here: a file with others alone would be refused.
        drop(world.store().await);
        let mut caller = world.caller().await;
        let (world, schema) = match &caller {
            Caller::File(_) => (Where::File(world.file()), String::new()),
            Caller::Server(_, schema) => {
                (Where::Server(std::env::var("JOBS_TEST_PG").expect("a server"), schema.clone()), format!("{schema}."))
            }
        };
        let table = format!("{schema}ledger");
        caller.batch(&format!("CREATE TABLE {table} (amount BIGINT)")).await.expect("a table");
        Self { world: Arc::new(world), table }
    }

    fn builder(&self, builder: Builder) -> (Builder, Arc<Desk>) {
        let desk = Arc::new(Desk {
            trouble: Mutex::new(Trouble::None),
            commits: AtomicU64::new(0),
            written: Notify::new(),
            go_on: Notify::new(),
        });
        let (place, commits) = (Arc::clone(&self.world), Arc::clone(&desk));
        let begin = move |_| {
            let place = Arc::clone(&place);
            async move {
                let mut caller = match &*place {
                    Where::File(path) => Caller::of_file(path)?,
                    Where::Server(url, schema) => {
                        let mut caller = Caller::of_server(url, schema.clone()).await?;
                        caller.batch(&format!("SET search_path = {schema}")).await?;
                        caller
                    }
                };
                caller.begin().await?;
                Ok(Tx(caller))
            }
        };
        let commit = move |Tx(mut caller): Tx, completion: Statement| {
            let desk = Arc::clone(&commits);
            async move {
                let trouble = *desk.trouble.lock().expect("no panic under it");
                desk.commits.fetch_add(1, Ordering::SeqCst);
                match trouble {
                    Trouble::RequestLost => return Err("the connection was reset".into()),
                    Trouble::Panics => panic!("in the commit"),
                    Trouble::Forgotten => {}
                    Trouble::Stale => {
                        let old = completion.parameter().replace("\"token\":1", "\"token\":0");
                        caller.execute(completion.sql(), &old).await?;
                    }
                    Trouble::NotCommitted => {
                        caller.execute(completion.sql(), completion.parameter()).await?;
                        return Ok(());
                    }
                    Trouble::None | Trouble::AnswerLost => caller.execute(completion.sql(), completion.parameter()).await?,
                }
                caller.commit().await?;
                if trouble == Trouble::AnswerLost { Err("the connection was reset".into()) } else { Ok(()) }
            }
        };
        let builder = [charge::entry(), fails::entry(), lingers::entry(), after::entry()]
            .into_iter()
            .fold(builder, |builder, entry| builder.register(entry.clone()));
        (builder.provide_arc(Arc::clone(&desk)).provide_transaction(begin, commit), desk)
    }

    async fn rows(&self, world: &World) -> i64 {
        world.caller().await.number(&format!("SELECT count(*) FROM {}", self.table)).await.expect("the table is there")
    }
}

async fn started(world: &World, place: &Place) -> (Client, Runtime, Arc<Desk>) {
    let store = world.store().await;
    let (builder, desk) = place.builder(world.builder(&store));
    let runtime = builder.start().await.expect("it starts");
    (world.client(&store), runtime, desk)
}

async fn charged(client: &Client, amount: i64) -> JobId {
    jobs_runtime::Enqueue::enqueue_one(client, charge::job(amount).into_job().expect("a job")).await.expect("stored")
}

#[tokio::test]
async fn writes_and_completion_are_one_commit() {
    on_every_shared_store(async |world| {
        let place = Place::of(world).await;
        let (client, runtime, desk) = started(world, &place).await;
        let chain = charge::job(41).tenant("t").then::<after>();
        let id = chain.enqueue(&client).await.expect("stored");
        let job = world.job_in(&client, id, State::Completed).await;
        assert_eq!((job.output.as_deref(), job.failures, place.rows(world).await), (Some("41"), 0, 1));
        // What follows on it came with the same commit, and runs.
        world.counts("both to end", &client, |counts| counts.completed == 2).await;
        let next = client.followers(id).await.expect("the store answers");
        assert_eq!((next.len(), next[0].output.as_deref(), next[0].tenant.as_deref()), (1, Some("42"), Some("t")));
        assert_eq!(desk.commits.load(Ordering::SeqCst), 1);
        stop(runtime).await;
        let counts = client.counts().await.expect("the store answers");
        assert_eq!((counts.completed, counts.live()), (2, 0));
    })
    .await;
}

#[tokio::test]
async fn what_fails_leaves_nothing() {
    on_every_shared_store(async |world| {
        let place = Place::of(world).await;
        let (client, runtime, desk) = started(world, &place).await;
        for panics in [false, true] {
            let id = jobs_runtime::Enqueue::enqueue_one(&client, fails::job(panics).into_job().unwrap()).await.expect("stored");
            let job = world.job_in(&client, id, State::Failed).await;
            assert!(job.error.is_some_and(|error| error.contains("on purpose")));
            assert_eq!(place.rows(world).await, 0);
        }
        // One that does not stop in time is dropped, and its transaction with it.
        let mut job = NewJob::new("lingers", "{}");
        job.timeout = Some(Duration::from_secs(60));
        let id = jobs_runtime::Enqueue::enqueue_one(&client, job).await.expect("stored");
        desk.written.notified().await;
        let look = async || client.job(id).await.expect("the store answers").filter(|job| job.state == State::Failed);
        let job = world.pass("the job to be dropped", Duration::from_secs(5), look).await;
        assert!(job.error.is_some_and(|error| error.contains("timed out after 1m")));
        assert_eq!((place.rows(world).await, desk.commits.load(Ordering::SeqCst)), (0, 0));
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_to_the_commit_is_no_failure_and_no_second_run() {
    on_every_shared_store(async |world| {
        let place = Place::of(world).await;
        let (client, runtime, desk) = started(world, &place).await;
        *desk.trouble.lock().unwrap() = Trouble::AnswerLost;
        let id = charged(&client, 7).await;
        let job = world.job_in(&client, id, State::Completed).await;
        world.until("the worker to know", async || (runtime.health().totals.completed == 1).then_some(())).await;
        assert_eq!((job.output.as_deref(), job.failures, place.rows(world).await), (Some("7"), 0, 1));
        let totals = runtime.health().totals;
        assert_eq!((totals.retried, totals.failed, totals.stale), (0, 0, 0));
        stop(runtime).await;
        assert_eq!(desk.commits.load(Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_did_not_take_place_is_a_failure_that_is_tried_again() {
    on_every_shared_store(async |world| {
        let place = Place::of(world).await;
        let (client, runtime, desk) = started(world, &place).await;
        for (nth, trouble) in (1_i64..).zip([Trouble::RequestLost, Trouble::Stale, Trouble::Panics]) {
            *desk.trouble.lock().unwrap() = trouble;
            let id = charged(&client, 7).await;
            let job = world.job_in(&client, id, State::Retryable).await;
            assert_eq!((job.failures, place.rows(world).await), (1, nth - 1), "{trouble:?}");
            let words = match trouble {
                Trouble::RequestLost => "the transaction could not be committed: the connection was reset",
                Trouble::Stale => "under its token any more",
                _ => "panicked: in the commit",
            };
            let error = job.error.expect("an error").replace("under their token", "under its token");
            assert!(error.contains(words), "{error}");
            *desk.trouble.lock().unwrap() = Trouble::None;
            let look = async || client.job(id).await.expect("the store answers").filter(|job| job.state == State::Completed);
            let job = world.pass("the second attempt", Duration::from_secs(30), look).await;
            assert_eq!((job.failures, place.rows(world).await), (1, nth));
        }
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_program_that_forgets_the_statement_or_the_commit_has_a_job_that_fails() {
    on_every_shared_store(async |world| {
        let place = Place::of(world).await;
        let (client, runtime, desk) = started(world, &place).await;
        for (trouble, rows) in [(Trouble::Forgotten, 1), (Trouble::NotCommitted, 1)] {
            *desk.trouble.lock().unwrap() = trouble;
            let id = charged(&client, 7).await;
            // Retries would not help.
            let job = world.job_in(&client, id, State::Failed).await;
            assert!(job.error.is_some_and(|error| error.contains("did not complete it")), "{trouble:?}");
            assert_eq!(place.rows(world).await, rows, "{trouble:?}");
        }
        stop(runtime).await;
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_keeps_others_from_writing_ends_before_the_lease() {
    let world = World::in_file();
    let place = Place::of(&world).await;
    let (client, runtime, desk) = started(&world, &place).await;
    let id = enqueue(&client, "lingers").await;
    desk.written.notified().await;
    // A third of the lease of ten minutes. Nothing can be written meanwhile.
    let look = async || client.job(id).await.expect("the store answers").filter(|job| job.state == State::Failed);
    let job = world.pass("the transaction to be given up", Duration::from_secs(30), look).await;
    assert!(job.error.as_deref().is_some_and(|error| error.contains("its transaction was open for 3m20s")), "{:?}", job.error);
    assert_eq!((place.rows(&world).await, desk.commits.load(Ordering::SeqCst)), (0, 0));
    stop(runtime).await;
}

#[tokio::test]
async fn services_of_a_run_end_with_it() {
    #[derive(Debug, Default)]
    struct Log(Mutex<Vec<String>>);
    struct Tenant(String);

    #[job(retries = 0)]
    async fn greet(tenant: &mut Tenant, ctx: &JobContext, fails: bool) -> Result<String, String> {
        tenant.0.push('!');
        if fails { Err(format!("{} is away, attempt {}", tenant.0, ctx.attempt())) } else { Ok(tenant.0.clone()) }
    }

    let world = World::in_memory();
    let store = world.store().await;
    let client = world.client(&store);
    let log = Arc::new(Log::default());
    let ended = Arc::clone(&log);
    let runtime = world
        .builder(&store)
        .register(greet::entry().clone())
        .provide_scoped_with(
            |scope| async move { Ok(Tenant(scope.context().tenant().ok_or("a job without a tenant")?.to_owned())) },
            move |tenant: Tenant, ending: Ending| {
                let log = Arc::clone(&ended);
                async move {
                    log.0.lock().unwrap().push(format!("{} {ending:?}", tenant.0));
                    if tenant.0 == "broken!" { Err("it does not close".into()) } else { Ok(()) }
                }
            },
        )
        .start()
        .await
        .expect("it starts");
    let run = async |fails: bool, tenant: Option<&str>| {
        let mut job: NewJob = greet::job(fails).into_job().unwrap();
        job.tenant = tenant.map(str::to_owned);
        let id = jobs_runtime::Enqueue::enqueue_one(&client, job).await.expect("stored");
        let over = async || client.job(id).await.expect("the store answers").filter(|job| job.state.is_finished());
        let job = world.until("the job to end", over).await;
        job.output.or(job.error).expect("one of both")
    };
    assert_eq!(run(false, Some("Ann")).await, "\"Ann!\"");
    assert_eq!(run(true, Some("Bob")).await, "Bob! is away, attempt 1");
    assert!(run(false, None).await.contains("could not be made for this run: a job without a tenant"));
    assert!(run(false, Some("broken")).await.contains("it does not close"));
    assert_eq!(*log.0.lock().unwrap(), ["Ann! Completed", "Bob! Failed", "broken! Completed"]);
    stop(runtime).await;
}

#[tokio::test]
async fn what_cannot_be_lent_is_told_at_start() {
    struct Other;

    #[job]
    async fn two(_one: &mut Tx, _other: &mut Other) {}

    let world = World::in_memory();
    let store = world.store().await;
    let missing =
        world.builder(&store).register(two::entry().clone()).start().await.expect_err("nothing is provided").to_string();
    assert!(
        missing.contains("job `two`") && missing.contains("borrows `&mut") && missing.contains("provide_scoped(..)"),
        "{missing}"
    );
    let both = world
        .builder(&store)
        .register(two::entry().clone())
        .provide_transaction(|_| async { Err::<Tx, _>("no".into()) }, |_, _| async { Ok(()) })
        .provide_transaction(|_| async { Ok(Other) }, |_, _| async { Ok(()) });
    let both = both.start().await.expect_err("two transactions").to_string();
    assert!(both.contains("has 2 transactions") && both.contains("only one can complete it"), "{both}");
    let alone = world
        .builder(&store)
        .register(charge::entry().clone())
        .provide_transaction(|_| async { Err::<Tx, _>("no".into()) }, |_, _| async { Ok(()) });
    let alone = alone.start().await.expect_err("there is no database").to_string();
    assert!(alone.contains("job `charge`") && alone.contains("in which this store (memory) cannot take part"), "{alone}");
}
