//! What a limit of the server refuses is the fault of one row, and holds up no other.

use jobs_core::job::TickId;
use jobs_core::store::{Completion, CompletionAnswer, Decision, JobStore, ManageStore};
use jobs_core::{NewJob, State, StoreError};

use crate::place::{drain, in_a_schema, job, now, request, worker};

/// A text that no index of the server takes: it is too long, and chance is not made shorter by compression.
fn too_long() -> String {
    let mut chance = fastrand::Rng::with_seed(1);
    std::iter::repeat_with(|| chance.alphanumeric()).take(8_000).collect()
}

/// A job whose entry in an index is too large; it shares a statement with others.
fn too_large() -> NewJob {
    let mut job = job("mail");
    job.tick = Some(TickId { schedule: too_long(), instant: now().wall });
    job
}

#[tokio::test]
async fn an_enqueue_that_the_server_refuses_spoils_none_that_came_with_it() {
    in_a_schema(async |place| {
        let store = place.open().await;
        let mut calls = tokio::task::JoinSet::new();
        for nth in 0..50 {
            let store = store.clone();
            let new = if nth == 25 { too_large() } else { job("mail") };
            calls.spawn(async move { store.enqueue(now(), vec![new]).await });
        }
        let refused: Vec<StoreError> = calls.join_all().await.into_iter().filter_map(Result::err).collect();
        assert!(
            matches!(&refused[..], [StoreError::Refused { message, .. }] if message.contains("index row")),
            "{}",
            refused.len()
        );
        assert_eq!(store.counts().await.expect("counts").available, 49);
    })
    .await;
}

#[tokio::test]
async fn an_outcome_that_the_server_refuses_spoils_none_that_came_with_it() {
    let complete = || Decision::Complete { output: None, note: None };
    let mut named = job("mail");
    named.name = Some(too_long());
    for (decision, followers) in [
        (complete(), vec![named]),
        (complete(), vec![job("mail"), too_large()]),
        (Decision::Park { error: "no number".to_owned(), shape: too_long() }, Vec::new()),
    ] {
        in_a_schema(async |place| {
            let store = place.open().await;
            store.enqueue(now(), (0..5).map(|_| job("mail")).collect()).await.expect("stored");
            let worker = worker(&store).await;
            let claim = store.claim(now(), request(worker, 5)).await.expect("claimed");
            let completion = |nth: usize| Completion {
                id: claim.jobs[nth].id,
                seq: claim.jobs[nth].seq,
                token: claim.jobs[nth].token,
                started_at: now().wall,
                decision: complete(),
                followers: Vec::new(),
            };
            let mut outcomes: Vec<Completion> = (0..5).map(completion).collect();
            (outcomes[2].decision, outcomes[2].followers) = (decision, followers);
            let mut answers = store.complete(now(), outcomes).await.expect("answers");
            let refused = answers.remove(2);
            assert!(matches!(&refused, CompletionAnswer::Refused(why) if why.contains("index row")), "{refused:?}");
            assert_eq!(answers, [const { CompletionAnswer::Applied }; 4]);
            // Nothing of it was written: it is held as before, and ends in another way.
            let held = store.job(claim.jobs[2].id).await.expect("an answer").expect("it is there");
            assert_eq!((held.state, held.token), (State::Running, claim.jobs[2].token));
            let fail = Completion { decision: Decision::Fail { error: "refused".to_owned() }, ..completion(2) };
            assert_eq!(store.complete(now(), vec![fail]).await.expect("answers"), [CompletionAnswer::Applied]);
            assert_eq!(drain(&store, worker).await, 0);
        })
        .await;
    }
}

/// It would stop everybody who wants to make it available together with others.
#[tokio::test]
async fn a_job_that_no_index_would_take_once_it_is_available_is_refused_before() {
    in_a_schema(async |place| {
        let store = place.open().await;
        for (kind, queue) in [("mail", &*too_long()), (&*too_long(), "default")] {
            for state in ["scheduled", "retryable", "running", "parked"] {
                let insert = format!(
                    "INSERT INTO {} (id, kind, queue, priority, state, run_at, created_at, payload, worker, parked_by) \
                     VALUES (md5(random()::text)::uuid, '{kind}', '{queue}', 0, '{state}', now(), now(), '{{}}', 4711, '{{}}')",
                    place.table("job")
                );
                let refused = place.admin.batch_execute(&insert).await.expect_err("refused");
                assert_eq!(refused.as_db_error().and_then(|error| error.constraint()), Some("job_names"), "{state}");
            }
        }
        place.run(&format!("INSERT INTO {} (seq) VALUES (4711)", place.table("dead_worker"))).await;
        store.enqueue(now(), vec![job("mail")]).await.expect("stored");
        let worker = worker(&store).await;
        assert_eq!(drain(&store, worker).await, 1);
        store.rescue(now(), worker).await.expect("rescued");
    })
    .await;
}
