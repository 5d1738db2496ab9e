//! A server behind a network that fails: what was acknowledged is done, nothing is done twice, and all comes back by itself.
//!
//! `JOBS_TEST_PG` names the database; `tests/run` brings one. Without it these tests are left out.

use std::time::Duration;

use jobs_core::{EnqueueError, NewJob, State, StoreError};
use jobs_runtime::health::{Health, PartStatus};
use jobs_runtime::{Client, Runtime};
use serde_json::json;
use tests::{Database, Ledger, Proxy, Step, Way, bounded, bounded_by, enqueue, enqueue_surely, script, stop, until};

const SECOND: Duration = Duration::from_secs(1);

/// Waits until all is well, and answers how it is then.
async fn well(runtime: &Runtime) -> Health {
    until("all to be well", async || Some(runtime.health()).filter(Health::is_well)).await
}

/// Waits until so many jobs have ended well.
async fn completed(client: &Client, number: u64) {
    until("the jobs to end", async || client.counts().await.ok().filter(|counts| counts.completed == number)).await;
}

fn with_payload(client: &Client, payload: &str) -> NewJob {
    let mut job = NewJob::new("work", format!("{{\"is\":\"{payload}\"}}"));
    job.id = Some(client.new_id());
    job
}

#[tokio::test]
async fn cut_connections_lose_no_job_and_run_none_twice() {
    let Some(database) = Database::of_tests() else { return };
    let proxy = Proxy::before(database.url()).await;
    let ledger = Ledger::default();
    let runtime = database.builder(proxy.url()).lease(30 * SECOND).register(ledger.job("work")).start().await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.extend(enqueue_surely(runtime.client(), "work", 50).await);
        proxy.cut();
    }
    completed(&database.client(database.url()).await, 1_000).await;
    assert_eq!(ledger.wrong(&ids), []);
    assert_eq!(well(&runtime).await.totals.leases_lost, 0);
    stop(runtime).await;
    database.clean_up().await;
}

#[tokio::test]
async fn a_slow_network_loses_no_job_and_runs_none_twice() {
    let Some(database) = Database::of_tests() else { return };
    let proxy = Proxy::before(database.url()).await;
    let ledger = Ledger::default();
    let builder = database.builder(proxy.url()).lease(6 * SECOND);
    let runtime = builder.register(ledger.job("work")).start().await.unwrap();
    // A heartbeat on a new connection then takes longer than the silence that it bears.
    proxy.set(Way::Slow(Duration::from_millis(100)));
    proxy.cut();
    let ids = enqueue_surely(runtime.client(), "work", 500).await;
    completed(&database.client(database.url()).await, 500).await;
    assert_eq!(ledger.wrong(&ids), []);
    assert_eq!(well(&runtime).await.totals.leases_lost, 0);
    stop(runtime).await;
    database.clean_up().await;
}

#[tokio::test]
async fn an_enqueue_whose_answer_was_lost_can_be_repeated_and_runs_once() {
    let Some(database) = Database::of_tests() else { return };
    let proxy = Proxy::before(database.url()).await;
    let ledger = Ledger::default();
    let runtime = database.builder(database.url()).register(ledger.job("work")).start().await.unwrap();
    let client = database.client(proxy.url()).await;
    let job = with_payload(&client, "an enqueue without answer");
    let id = job.id.unwrap();
    // Its transaction commits, and nobody here hears of it.
    proxy.lose_answer_after(&["an enqueue without answer", "COMMIT"]);
    let error = client.enqueue_jobs(vec![job.clone()]).await.expect_err("the answer is lost");
    assert!(matches!(error, EnqueueError::Store(StoreError::Unavailable { .. })), "{error}");
    proxy.lost(1).await;
    completed(runtime.client(), 1).await;
    // After it has run, and while it may run.
    let again = client.enqueue_jobs(vec![job]).await.unwrap();
    assert_eq!((again[0].id, again[0].created), (id, false));
    let last = enqueue(&client, "work").await;
    completed(runtime.client(), 2).await;
    assert_eq!(ledger.wrong(&[id, last]), []);
    stop(runtime).await;
    database.clean_up().await;
}

#[tokio::test]
async fn a_claim_whose_answer_was_cut_half_way_strands_no_job() {
    let Some(database) = Database::of_tests() else { return };
    let proxy = Proxy::before(database.url()).await;
    let ledger = Ledger::default();
    // Nobody would free the job before the end of the lease.
    let builder = database.builder(proxy.url()).lease(600 * SECOND);
    let runtime = builder.register(ledger.job("work")).start().await.unwrap();
    let client = database.client(database.url()).await;
    proxy.lose_answer_with("a claim without answer");
    let job = with_payload(&client, "a claim without answer");
    let id = job.id.unwrap();
    client.enqueue_jobs(vec![job]).await.unwrap();
    proxy.lost(1).await;
    completed(&client, 1).await;
    let job = client.job(id).await.unwrap().unwrap();
    assert_eq!((job.token, job.crashes, ledger.runs(id)), (2, 0, 1));
    assert_eq!(well(&runtime).await.totals.leases_lost, 0);
    stop(runtime).await;
    database.clean_up().await;
}

#[tokio::test]
async fn an_outcome_whose_answer_was_lost_counts_once_and_its_job_runs_once() {
    let Some(database) = Database::of_tests() else { return };
    let proxy = Proxy::before(database.url()).await;
    let (work, mut runs) = script("work");
    let runtime = database.builder(proxy.url()).lease(600 * SECOND).register(work).start().await.unwrap();
    let client = database.client(database.url()).await;
    let id = enqueue(&client, "work").await;
    let run = runs.next().await;
    proxy.lose_answer_after(&["an outcome without answer"]);
    run.play(Step::Succeed(json!("an outcome without answer")));
    proxy.lost(1).await;
    let health = until("the outcome to be taken", async || {
        Some(runtime.health()).filter(|health| health.is_well() && health.totals.completed > 0)
    })
    .await;
    let job = client.job(id).await.unwrap().unwrap();
    assert_eq!((job.state, job.token, health.totals.completed, health.totals.stale), (State::Completed, 1, 1, 0));
    assert!(runs.begun().is_none());
    stop(runtime).await;
    database.clean_up().await;
}

#[tokio::test]
async fn connections_that_fall_silent_cost_no_lease_and_are_replaced() {
    let Some(database) = Database::of_tests() else { return };
    let proxy = Proxy::before(database.url()).await;
    let (work, mut runs) = script("work");
    let builder = database.builder(proxy.url()).option("postgres.deadline", "9s");
    let runtime = builder.register(work).start().await.unwrap();
    let client = database.client(database.url()).await;
    // Every connection that a running process needs is there.
    enqueue(&client, "work").await;
    runs.next().await.succeed();
    completed(&client, 1).await;
    let id = enqueue(&client, "work").await;
    let run = runs.next().await;
    proxy.silence();
    let renewed = async || client.store().workers().await.unwrap().first().map(|worker| worker.renewed_at);
    let before = renewed().await.unwrap();
    // Longer than the lease.
    until("the lease to be renewed", async || {
        renewed().await.filter(|now| now.duration_since(before) > (4 * SECOND).try_into().unwrap())
    })
    .await;
    run.succeed();
    // It bears silence for a third of the deadline.
    bounded_by(7 * SECOND, "the outcome", completed(&client, 2)).await;
    enqueue(&client, "work").await;
    runs.next().await.succeed();
    completed(&client, 3).await;
    // Seven are used here; those that were given up are closed.
    until("the silent connections to end", async || (proxy.open() <= 8).then_some(())).await;
    let job = client.job(id).await.unwrap().unwrap();
    assert_eq!((job.token, well(&runtime).await.totals.leases_lost), (1, 0));
    stop(runtime).await;
    database.clean_up().await;
}

#[tokio::test]
async fn health_says_that_the_server_is_silent_and_when_it_is_not_any_more() {
    let Some(database) = Database::of_tests() else { return };
    let proxy = Proxy::before(database.url()).await;
    let (work, mut runs) = script("work");
    let runtime = database.builder(proxy.url()).lease(60 * SECOND).register(work).start().await.unwrap();
    let client = database.client(database.url()).await;
    let id = enqueue(&client, "work").await;
    let run = runs.next().await;
    well(&runtime).await;
    proxy.set(Way::Swallow);
    run.succeed();
    until("the silence to be told", async || runtime.health().store_is_silent.then_some(())).await;
    assert!(!runtime.health().is_well());
    let part = until("the heartbeat to fail", async || {
        Some(runtime.health().parts["heartbeat"].clone()).filter(|part| part.status == PartStatus::Failing)
    })
    .await;
    let error = part.error.unwrap();
    assert!(error.contains("127.0.0.1") && error.contains("in time"), "{error}");
    proxy.set(Way::Open);
    assert_eq!(well(&runtime).await.totals.leases_lost, 0);
    completed(&client, 1).await;
    assert_eq!(client.job(id).await.unwrap().unwrap().token, 1);
    stop(runtime).await;
    database.clean_up().await;
}

#[tokio::test]
async fn a_server_that_refuses_for_a_while_costs_no_job_and_health_says_so() {
    let Some(database) = Database::of_tests() else { return };
    let proxy = Proxy::before(database.url()).await;
    let (work, mut runs) = script("work");
    let runtime = database.builder(proxy.url()).lease(30 * SECOND).register(work).start().await.unwrap();
    let client = database.client(database.url()).await;
    let id = enqueue(&client, "work").await;
    let run = runs.next().await;
    proxy.set(Way::Refuse);
    proxy.cut();
    run.succeed();
    let parts = until("two parts to fail", async || {
        let parts = runtime.health().parts;
        (parts["heartbeat"].status == PartStatus::Failing && parts["completer"].status == PartStatus::Failing).then_some(parts)
    })
    .await;
    for part in ["heartbeat", "completer"] {
        let error = parts[part].error.as_deref().unwrap_or_default();
        assert!(error.contains("error connecting to server: Connection refused"), "{part}: {error}");
    }
    assert!(runtime.client().counts().await.is_err());
    proxy.set(Way::Open);
    assert_eq!(well(&runtime).await.totals.leases_lost, 0);
    completed(&client, 1).await;
    assert_eq!(client.job(id).await.unwrap().unwrap().token, 1);
    stop(runtime).await;
    database.clean_up().await;
}

#[tokio::test]
async fn a_runtime_that_starts_while_the_server_is_away_says_so() {
    let Some(database) = Database::of_tests() else { return };
    let proxy = Proxy::before(database.url()).await;
    for (way, expected) in
        [(Way::Refuse, "error connecting to server: Connection refused"), (Way::Swallow, "no connection in time")]
    {
        proxy.set(way);
        // The port is taken and let go of by another task.
        let error = until("the start to fail", async || {
            let builder = database.builder(proxy.url()).option("postgres.deadline", "1s");
            builder.register(Ledger::default().job("work")).start().await.err().map(|error| error.to_string())
        })
        .await;
        assert!(error.contains(proxy.url()) && error.contains(expected), "{error}");
    }
    proxy.set(Way::Open);
    let runtime =
        until("the start", async || database.builder(proxy.url()).register(Ledger::default().job("work")).start().await.ok())
            .await;
    stop(runtime).await;
    database.clean_up().await;
}

#[tokio::test]
async fn another_host_of_the_url_is_used_while_the_first_is_silent() {
    let Some(database) = Database::of_tests() else { return };
    let proxies = [Proxy::before(database.url()).await, Proxy::before(database.url()).await];
    let host = |proxy: &Proxy| proxy.url().split(['@', '/']).nth(3).unwrap().to_owned();
    let both = database.url().replace(database.url().split(['@', '/']).nth(3).unwrap(), &proxies.each_ref().map(host).join(","));
    let ledger = Ledger::default();
    let runtime = database.builder(&both).lease(30 * SECOND).register(ledger.job("work")).start().await.unwrap();
    assert_eq!(proxies[1].open(), 0);
    proxies[0].set(Way::Swallow);
    let ids = enqueue_surely(runtime.client(), "work", 10).await;
    completed(&database.client(database.url()).await, 10).await;
    let health = bounded_by(15 * SECOND, "all to be well", well(&runtime)).await;
    assert_eq!((ledger.wrong(&ids), health.totals.leases_lost), (vec![], 0));
    // A process that starts then, too.
    let second = database.builder(&both).register(ledger.job("work")).start().await.unwrap();
    stop(second).await;
    stop(runtime).await;
    database.clean_up().await;
}

#[tokio::test]
async fn a_cancellation_of_another_process_comes_with_its_wake_up() {
    let Some(database) = Database::of_tests() else { return };
    let (work, mut runs) = script("work");
    // Without a wake-up it would look for itself in a minute, when no test waits any more.
    let builder = database.builder(database.url()).lease(600 * SECOND).heartbeat(60 * SECOND);
    let runtime = builder.register(work).start().await.unwrap();
    let client = database.client(database.url()).await;
    let somebody = database.somebody().await;
    let listening =
        format!("SELECT 1 FROM pg_stat_activity WHERE query = 'LISTEN \"jobs.{}\"'", database.table("").trim_end_matches('.'));
    // The runtime and the client.
    until("both to listen", async || (somebody.query(&listening, &[]).await.unwrap().len() == 2).then_some(())).await;
    // The first may be found by a look that comes from the start, those after it only by their own wake-ups.
    for _ in 0..3 {
        let id = enqueue(&client, "work").await;
        let run = runs.next().await;
        client.cancel(id).await.unwrap();
        bounded("the job to be asked to stop", run.context.cancelled()).await;
        run.play(Step::FailWhenStopped);
        until("the job to end", async || client.job(id).await.unwrap().filter(|job| job.state == State::Cancelled)).await;
    }
    stop(runtime).await;
    database.clean_up().await;
}
