//! What must hold whatever the driver.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::record::ClaimedJob;
use jobs_core::store::{ClaimRequest, NewKind, NewWorker, Now, QueueDemand};
use jobs_runtime::env::{Clock, SystemClock};
use jobs_runtime::{Counts, Enqueued, Job, NewJob, State, WorkerId};

use crate::process::{self, Deed};
use crate::stage::Stage;
use crate::{Application, Place, Result, ear};

const NOBODY: [String; 0] = [];

fn commit() -> Result {
    Ok(())
}

fn find_that_it_must_not() -> Result {
    Err("no room for another guest".into())
}

pub async fn what_is_committed_is_stored_and_runs<P: Place, A: Application>(stage: &Stage<P, A>) -> Result {
    let mut running = stage.run().await?;
    let jobs = stage.client.prepare([A::charge("ann")])?;
    let enqueued = stage.application.sign_up("ann", &jobs, commit).await?;
    assert_eq!(enqueued, [Enqueued { id: jobs.ids()[0], created: true }]);
    running.client().wake();
    running.charge().await?.answer(true)?;
    stage.job_in(enqueued[0].id, State::Completed).await?;
    assert_eq!((stage.guests().await?, stage.charges().await?), (vec!["ann".to_owned()], vec!["ann".to_owned()]));
    running.stop().await;
    Ok(())
}

pub async fn what_is_rolled_back_was_never_there<P: Place, A: Application>(stage: &Stage<P, A>) -> Result {
    let jobs = stage.client.prepare([A::charge("ann")])?;
    let refused = stage.application.sign_up("ann", &jobs, find_that_it_must_not).await;
    assert_eq!(refused.expect_err("the application has refused").to_string(), "no room for another guest");
    assert_eq!(stage.all().await?, (vec![], vec![], Counts::default()));
    // Nothing is left of it that would be in the way.
    let again = stage.application.sign_up("ann", &jobs, commit).await?;
    assert_eq!(again, [Enqueued { id: jobs.ids()[0], created: true }]);
    Ok(())
}

pub async fn a_duplicate_is_answered_and_the_transaction_goes_on<P: Place, A: Application>(stage: &Stage<P, A>) -> Result {
    let id = stage.client.new_id();
    // Two of one name, and two of one id.
    let twice = |guest: &str| -> Result<Vec<NewJob>> {
        let mut jobs = vec![A::charge(guest)?, A::charge(guest)?, A::charge(guest)?, A::charge(guest)?];
        for job in &mut jobs[..2] {
            job.name = Some("today".to_owned());
        }
        for job in &mut jobs[2..] {
            job.id = Some(id);
        }
        Ok(jobs)
    };
    let jobs = stage.client.prepare(twice("ann")?)?;
    let enqueued = stage.application.sign_up("ann", &jobs, commit).await?;
    let bearer = jobs.ids()[0];
    let answers =
        |created| [(bearer, created), (bearer, false), (id, created), (id, false)].map(|(id, created)| Enqueued { id, created });
    assert_eq!(enqueued, answers(true));
    // What another transaction has committed is answered for alike.
    let jobs = stage.client.prepare(twice("bob")?)?;
    assert_eq!(stage.application.sign_up("bob", &jobs, commit).await?, answers(false));
    assert_eq!(stage.guests().await?, ["ann", "bob"]);
    assert_eq!(stage.client.counts().await?.available, 2);
    Ok(())
}

pub async fn the_writes_of_a_job_and_its_completion_are_one_commit<P: Place, A: Application>(stage: &Stage<P, A>) -> Result {
    let mut running = stage.run().await?;
    let id = stage.enqueue("ann").await?;
    let charge = running.charge().await?;
    // The job has written, and nobody sees it.
    assert_eq!(charge.guest(), "ann");
    assert_eq!((stage.charges().await?, stage.job(id).await?.state), (vec![], State::Running));
    charge.answer(true)?;
    let job = stage.job_in(id, State::Completed).await?;
    assert_eq!((stage.charges().await?, job.token, job.failures), (vec!["ann".to_owned()], 1, 0));
    running.stop().await;
    assert!(!ear::has_heard(), "the commit has not completed the job");
    Ok(())
}

pub async fn the_writes_of_a_job_that_fails_are_gone<P: Place, A: Application>(stage: &Stage<P, A>) -> Result {
    let mut running = stage.run().await?;
    let id = stage.enqueue("ann").await?;
    running.charge().await?.answer(false)?;
    let job = stage.job_in(id, State::Retryable).await?;
    assert_eq!((job.failures, job.error.as_deref()), (1, Some("ann has no money")));
    assert_eq!(stage.charges().await?, NOBODY);
    // Nor does whoever has the connection next commit them.
    let jobs = stage.client.prepare([A::charge("bob")])?;
    let enqueued = stage.application.sign_up("bob", &jobs, commit).await?;
    running.charge().await?.answer(true)?;
    stage.job_in(enqueued[0].id, State::Completed).await?;
    assert_eq!((stage.guests().await?, stage.charges().await?), (vec!["bob".to_owned()], vec!["bob".to_owned()]));
    running.stop().await;
    Ok(())
}

pub async fn the_writes_that_complete_under_an_old_token_are_gone<P: Place, A: Application>(stage: &Stage<P, A>) -> Result {
    let id = stage.enqueue("ann").await?;
    let outcome = |token| format!(r#"[{{"id":"{id}","token":{token}}}]"#);
    let worker = work(stage).await?;
    let first = claim(stage, worker).await?;
    // The worker has lost sight of the job, so it goes back, and is claimed anew.
    stage.client.store().reconcile(now(), worker, vec![]).await?;
    let second = claim(stage, worker).await?;
    assert_eq!((first.id, second.id, first.token + 1), (id, id, second.token));
    let stale = stage.application.complete("ann", P::COMPLETE, &outcome(first.token)).await;
    assert!(stale.is_err(), "an old token completes nothing");
    assert_eq!((stage.charges().await?, stage.job(id).await?.state), (vec![], State::Running));
    stage.application.complete("ann", P::COMPLETE, &outcome(second.token)).await?;
    assert_eq!((stage.charges().await?, stage.job(id).await?.state), (vec!["ann".to_owned()], State::Completed));
    Ok(())
}

pub async fn a_process_killed_before_its_commit_leaves_nothing<P: Place, A: Application>(stage: &Stage<P, A>) -> Result {
    process::kill_before_commit(stage.program, Deed::SignUp, stage.place.url()).await?;
    assert_eq!(stage.all().await?, (vec![], vec![], Counts::default()));
    // Nor does it hold a lock any more.
    let jobs = stage.client.prepare([A::charge("bob")])?;
    stage.application.sign_up("bob", &jobs, commit).await?;
    assert_eq!(stage.guests().await?, ["bob"]);
    Ok(())
}

pub async fn a_job_killed_before_its_commit_has_its_effect_once<P: Place, A: Application>(stage: &Stage<P, A>) -> Result {
    let id = stage.enqueue("ann").await?;
    process::kill_before_commit(stage.program, Deed::Charge, stage.place.url()).await?;
    assert_eq!((stage.charges().await?, stage.job(id).await?.state), (vec![], State::Running));
    let mut running = stage.run().await?;
    running.charge().await?.answer(true)?;
    let job = stage.job_in(id, State::Completed).await?;
    assert_eq!((stage.charges().await?, job.token, job.crashes), (vec!["ann".to_owned()], 2, 1));
    running.stop().await;
    Ok(())
}

fn now() -> Now {
    SystemClock::default().now()
}

/// Makes a worker known that can charge.
async fn work<P: Place, A: Application>(stage: &Stage<P, A>) -> Result<WorkerId> {
    let id = WorkerId::from_bytes(*stage.client.new_id().as_bytes());
    let worker = NewWorker {
        id,
        name: "by hand".to_owned(),
        build: "1".to_owned(),
        kinds: Arc::new([NewKind::of(A::Charge::NAME, A::Charge::entry(), "1")]),
        queues: vec!["default".to_owned()],
        schedules: vec![],
        lease: Duration::from_secs(600),
        up_for: Duration::ZERO,
    };
    stage.client.store().register(now(), worker).await?;
    Ok(id)
}

/// Claims the one job that there is.
async fn claim<P: Place, A: Application>(stage: &Stage<P, A>, worker: WorkerId) -> Result<ClaimedJob> {
    let request = ClaimRequest {
        worker,
        kinds: Arc::new(BTreeSet::from([A::Charge::NAME.to_owned()])),
        queues: vec![QueueDemand { queue: "default".into(), limit: 1 }],
        limit: 1,
        probation: true,
    };
    let mut jobs = stage.client.store().claim(now(), request).await?.jobs;
    jobs.pop().ok_or_else(|| "the job is not to be had".into())
}
