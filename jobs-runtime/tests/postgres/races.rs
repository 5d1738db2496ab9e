//! Races between a claim and the rescue of its worker, each brought about by a lock; and what a transaction that stays open may cost.

use std::sync::Arc;
use std::time::Duration;

use jobs_core::State;
use jobs_core::store::{CancelAnswer, ClaimRequest, Completion, CompletionAnswer, Decision, Held, JobStore, ManageStore, Now};
use jobs_runtime::store::postgres::PostgresStore;

use crate::place::{Place, commit, drain_at, in_a_schema, job, now, request, somebody_waits, transaction, waits_or, worker};

fn outcome(job: &jobs_core::record::ClaimedJob, decision: Decision) -> Completion {
    Completion { id: job.id, seq: job.seq, token: job.token, started_at: now().wall, decision, followers: Vec::new() }
}

/// A claim is held up when it has looked at its worker and before it has taken its job; meanwhile the worker is found dead. Afterwards
/// nothing may run under nobody. Says what is wrong.
async fn a_claim_overlaps_the_rescue_of_its_worker(place: &Place, store: PostgresStore) -> Result<(), String> {
    let (dead, judge) = (worker(&store).await, worker(&store).await);
    let id = store.enqueue(now(), vec![job("mail")]).await.expect("stored")[0].id;
    let (workers, jobs, hold) = (place.table("worker"), place.table("job"), place.table("hold"));
    place
        .run(&format!(
            "CREATE TABLE {hold} (); \
             CREATE FUNCTION {hold}() RETURNS trigger LANGUAGE plpgsql AS \
               'BEGIN LOCK TABLE {hold} IN ACCESS SHARE MODE; RETURN NEW; END'; \
             CREATE TRIGGER hold BEFORE UPDATE ON {jobs} FOR EACH ROW WHEN (NEW.state = 'running') EXECUTE FUNCTION {hold}()"
        ))
        .await;
    let holding = transaction(place).await;
    holding.batch_execute(&format!("LOCK TABLE {hold}")).await.expect("the lock");
    let claim = tokio::spawn({
        let store = store.clone();
        async move { store.claim(now(), request(dead, 1)).await }
    });
    somebody_waits(place, "state = ''running'', token").await;
    let seq = place.number(&format!("SELECT min(seq) FROM {workers}")).await;
    place.run(&format!("UPDATE {workers} SET expires_at = now() - interval '1 second' WHERE seq = {seq}")).await;
    let rescue = tokio::spawn({
        let store = store.clone();
        async move { store.rescue(now(), judge).await }
    });
    waits_or(place, "DELETE FROM", || rescue.is_finished()).await;
    commit(&holding).await;
    claim.await.expect("it ends").expect("an answer");
    rescue.await.expect("it ends").expect("a rescue");
    // Whoever comes next finds nothing that was left.
    store.rescue(now(), judge).await.expect("a rescue");
    let record = store.job(id).await.expect("a look").expect("the job");
    let seen = (record.state, record.crashes, record.token);
    if seen != (State::Available, 1, 1) {
        return Err(format!("its worker is gone, and the job is {seen:?}"));
    }
    if !store.claim(now(), request(dead, 1)).await.expect("an answer").lost {
        return Err("a dead worker claims".to_owned());
    }
    match place.number(&format!("SELECT count(*) FROM {}", place.table("dead_worker"))).await {
        0 => Ok(()),
        noted => Err(format!("{noted} workers are still noted as dead")),
    }
}

/// A claim begins while its worker's row is being removed. Says what is wrong.
async fn a_claim_begins_while_its_worker_is_being_removed(place: &Place, store: PostgresStore) -> Result<(), String> {
    let dead = worker(&store).await;
    store.enqueue(now(), vec![job("mail")]).await.expect("stored");
    // It knows where to begin, so that the claim is one statement.
    let first = store.claim(now(), request(dead, 1)).await.expect("a claim").jobs;
    store.enqueue(now(), vec![job("mail")]).await.expect("stored");
    let removal = transaction(place).await;
    removal.batch_execute(&format!("DELETE FROM {}", place.table("worker"))).await.expect("it is removed");
    let claim = tokio::spawn({
        let store = store.clone();
        async move { store.claim(now(), request(dead, 1)).await }
    });
    waits_or(place, "KEY SHARE", || claim.is_finished()).await;
    commit(&removal).await;
    let claim = claim.await.expect("it ends").expect("an answer");
    if !claim.jobs.is_empty() {
        return Err(format!("a worker that is gone got {:?}", claim.jobs));
    }
    if !store.claim(now(), request(dead, 1)).await.expect("an answer").lost {
        return Err("a worker that is gone claims".to_owned());
    }
    // The one before it belongs to nobody now; the next worker that starts sees to it.
    let next = worker(&store).await;
    assert_eq!(store.rescue(now(), next).await.expect("a rescue").freed, 1);
    let late = store.complete(now(), vec![outcome(&first[0], Decision::Complete { output: None, note: None })]).await;
    assert_eq!(late.expect("an answer"), [CompletionAnswer::Stale]);
    Ok(())
}

/// A claim that is under way while its worker is found dead: what it takes is freed.
#[tokio::test]
async fn a_claim_that_overlaps_the_rescue_of_its_worker_leaves_no_job_under_nobody() {
    in_a_schema(async |place| {
        let seen = a_claim_overlaps_the_rescue_of_its_worker(&place, place.open().await).await;
        assert_eq!(seen, Ok(()));
    })
    .await;
}

/// A claim that begins while its worker's row is being removed.
#[tokio::test]
async fn a_claim_of_a_worker_that_is_being_removed_takes_nothing() {
    in_a_schema(async |place| {
        let seen = a_claim_begins_while_its_worker_is_being_removed(&place, place.open().await).await;
        assert_eq!(seen, Ok(()));
    })
    .await;
}

/// The same races without what guards against them: each is noticed, so that the tests above can fail.
#[cfg(feature = "mutants")]
mod without_guards {
    use jobs_runtime::testing::guards::Guard;

    use super::*;

    #[tokio::test]
    async fn a_claim_that_does_not_lock_the_row_of_its_worker_is_noticed() {
        in_a_schema(async |place| {
            let store = place.open_without(Some(Guard::KeyShare)).await;
            let seen = a_claim_overlaps_the_rescue_of_its_worker(&place, store).await;
            assert!(seen.as_ref().is_err_and(|wrong| wrong.contains("Running")), "{seen:?}");
        })
        .await;
        in_a_schema(async |place| {
            let store = place.open_without(Some(Guard::KeyShare)).await;
            let seen = a_claim_begins_while_its_worker_is_being_removed(&place, store).await;
            assert!(seen.as_ref().is_err_and(|wrong| wrong.contains("got")), "{seen:?}");
        })
        .await;
    }

    #[tokio::test]
    async fn a_rescue_in_one_statement_is_noticed() {
        in_a_schema(async |place| {
            let store = place.open_without(Some(Guard::TwoStepRescue)).await;
            let seen = a_claim_overlaps_the_rescue_of_its_worker(&place, store).await;
            assert!(seen.as_ref().is_err_and(|wrong| wrong.contains("Running")), "{seen:?}");
        })
        .await;
    }

    /// What notices is the missing guard, and not how the store is opened.
    #[tokio::test]
    async fn with_every_guard_on_nothing_is_noticed() {
        in_a_schema(async |place| {
            let store = place.open_without(None).await;
            assert_eq!(a_claim_overlaps_the_rescue_of_its_worker(&place, store).await, Ok(()));
        })
        .await;
    }
}

/// A lost worker says that it lives while its rescuer is just freeing its job: it waits, and takes that crash back.
#[tokio::test]
async fn who_lives_takes_back_a_crash_that_is_just_being_counted() {
    in_a_schema(async |place| {
        let store = place.open().await;
        let lost = worker(&store).await;
        let id = store.enqueue(now(), vec![job("mail")]).await.expect("stored")[0].id;
        let held = store.claim(now(), request(lost, 1)).await.expect("a claim").jobs;
        place.run(&format!("DELETE FROM {}", place.table("worker"))).await;
        let freeing = transaction(&place).await;
        let free = "state = 'available', worker = NULL, crashes = crashes + 1, crash_tokens = crash_tokens || token";
        freeing.batch_execute(&format!("UPDATE {} SET {free}", place.table("job"))).await.expect("it is freed");
        let abandon = tokio::spawn({
            let (store, held) = (store.clone(), Held { id, token: held[0].token });
            async move { store.abandon(now(), vec![held]).await }
        });
        somebody_waits(&place, "unnest").await;
        commit(&freeing).await;
        assert_eq!(abandon.await.expect("it ends").expect("an answer"), 1);
        let record = store.job(id).await.expect("a look").expect("the job");
        assert_eq!((record.state, record.crashes), (State::Available, 0));
    })
    .await;
}

/// Of two jobs that a claim has chosen, somebody holds one.
#[tokio::test]
async fn a_claim_that_gets_only_a_part_of_what_it_chose_is_made_again_at_once() {
    in_a_schema(async |place| {
        let store = place.open().await;
        let worker = worker(&store).await;
        let stored = store.enqueue(now(), vec![job("mail"), job("note")]).await.expect("stored");
        let kinds = Arc::new(["mail".to_owned(), "note".to_owned()].into());
        let both = || ClaimRequest { kinds: Arc::clone(&kinds), ..request(worker, 10) };
        let holding = transaction(&place).await;
        let row = uuid::Uuid::from_bytes(*stored[0].id.as_bytes());
        let held = format!("SELECT seq FROM {} WHERE id = '{row}' FOR UPDATE", place.table("job"));
        holding.batch_execute(&held).await.expect("the row is held");
        let at = now();
        let claim = store.claim(at, both()).await.expect("a claim");
        assert_eq!(claim.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [stored[1].id]);
        assert!(claim.next_due.is_some_and(|due| due <= at.wall), "{:?}", claim.next_due);
        commit(&holding).await;
        let claim = store.claim(now(), both()).await.expect("a claim");
        assert_eq!(claim.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [stored[0].id]);
    })
    .await;
}

/// Somebody asks a job to stop while its end is being written.
#[tokio::test]
async fn a_job_that_is_asked_to_stop_while_its_retry_is_written_does_not_run_again() {
    in_a_schema(async |place| {
        let store = place.open().await;
        let worker = worker(&store).await;
        for nth in 0..20 {
            let id = store.enqueue(now(), vec![job("mail")]).await.expect("stored")[0].id;
            let claimed = store.claim(now(), request(worker, 1)).await.expect("a claim").jobs;
            let retry = Decision::Retry { error: "again".to_owned(), after: Duration::from_secs(3_600) };
            let (ended, asked) = tokio::join!(
                store.complete(now(), vec![outcome(&claimed[0], retry)]),
                store.cancel(now(), vec![id], "enough".to_owned())
            );
            assert_eq!(ended.expect("an answer"), [CompletionAnswer::Applied], "round {nth}");
            assert!(matches!(asked.expect("an answer")[0], CancelAnswer::Requested | CancelAnswer::Cancelled), "round {nth}");
            assert_eq!(store.job(id).await.expect("a look").expect("the job").state, State::Cancelled, "round {nth}");
        }
    })
    .await;
}

/// Several processes drain one table with small claims: no two statements wait for each other for ever, and no job is taken twice.
#[tokio::test]
async fn many_that_claim_and_complete_at_once_take_each_job_once() {
    in_a_schema(async |place| {
        const JOBS: usize = 2_000;
        let store = place.open().await;
        store.enqueue(now(), (0..JOBS).map(|_| job("mail")).collect()).await.expect("stored");
        let mut draining = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let place = Arc::clone(&place);
            draining.spawn(async move {
                let store = place.open().await;
                let worker = worker(&store).await;
                let mut done = 0;
                loop {
                    let jobs = store.claim(now(), request(worker, 20)).await.expect("a claim").jobs;
                    if jobs.is_empty() {
                        return done;
                    }
                    let outcomes = jobs.iter().map(|job| outcome(job, Decision::Complete { output: None, note: None })).collect();
                    let answers = store.complete(now(), outcomes).await.expect("answers");
                    assert!(answers.iter().all(|answer| *answer == CompletionAnswer::Applied), "{answers:?}");
                    done += answers.len();
                }
            });
        }
        assert_eq!(draining.join_all().await.into_iter().sum::<usize>(), JOBS);
    })
    .await;
}

/// Lesson L21: row versions that nobody may remove gather at the head of the ready index, and are not walked over by each claim.
#[tokio::test]
async fn a_transaction_that_stays_open_elsewhere_does_not_slow_claims_down() {
    in_a_schema(async |place| {
        const JOBS: i64 = 20_000;
        let store = place.open().await;
        let worker = worker(&store).await;
        let pinning = transaction(&place).await;
        let pin = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT txid_current()";
        pinning.batch_execute(pin).await.expect("a snapshot is kept");
        store.enqueue(now(), (0..JOBS).map(|_| job("mail")).collect()).await.expect("stored");
        // At one moment: so no claim looks from the head again because time has passed.
        let at: Now = now();
        assert_eq!(i64::try_from(drain_at(&store, worker, at).await), Ok(JOBS));
        let read = read_of_ready(&place, store).await;
        assert!(read < 4 * JOBS, "{read} entries of the index were read for {JOBS} jobs");
        commit(&pinning).await;
    })
    .await;
}

/// How many entries of the ready index were read, once the connections of the store have told the server.
async fn read_of_ready(place: &Place, store: PostgresStore) -> i64 {
    store.close().await.expect("closed");
    let of = |what: &str, table: &str| {
        format!(
            "SELECT coalesce(sum({what}), 0)::bigint FROM {table} WHERE schemaname = '{}' AND relname = 'job'",
            place.options.schema
        )
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while place.number(&of("n_tup_del", "pg_stat_user_tables")).await < 20_000 {
        assert!(std::time::Instant::now() < deadline, "the server counts too few jobs");
    }
    place.number(&(of("idx_tup_read", "pg_stat_user_indexes") + " AND indexrelname = 'job_ready'")).await
}
