//! Crashes: no job is lost with its worker, none is blamed for its neighbours, and one that kills its workers is stopped.

use jobs_core::record::ClaimedJob;
use jobs_core::store::{BITE, Decision, QUARANTINE};
use jobs_core::{JobId, State};

use super::Subject;
use super::world::{FROZEN, KILLED, MAIL, SECOND, World, done, ids, job, many, retry, together};

/// A worker is killed with a job in its hands: the job runs again.
pub async fn a_killed_workers_job_runs_again(subject: &dyn Subject) {
    let world = World::new(subject);
    let (doomed, alive) = (world.worker(&[MAIL]).await, world.worker(&[MAIL]).await);
    let id = doomed.put(job(MAIL)).await;
    doomed.claim_one().await;
    world.kill(doomed).await;
    let rescued = world.pass(KILLED, &[&alive]).await;
    assert_eq!((rescued.workers, rescued.freed, rescued.quarantined), (1, 1, 0));
    let seen = alive.record(id).await;
    assert_eq!((seen.state, seen.failures, seen.crashes), (State::Available, 0, 1), "a crash uses no attempt");
    let run = alive.claim_one().await;
    assert_eq!((run.id, run.token), (id, 2));
    alive.settle(&run, done()).await;
}

/// Whatever it had done last, each job that a killed worker had been answered for is there, and ends.
pub async fn killed_at_any_moment_no_job_is_lost(subject: &dyn Subject) {
    let world = World::new(subject);
    let alive = world.worker(&[MAIL]).await;
    let decisions = [
        done(),
        retry(SECOND),
        Decision::Snooze { after: SECOND },
        Decision::HandBack,
        Decision::Cancel { reason: "no".to_owned() },
    ];
    for steps in 0..=decisions.len() + 1 {
        let doomed = world.worker(&[MAIL]).await;
        let jobs: Vec<JobId> = doomed.enqueue(many(MAIL, 6)).await.into_iter().map(|answer| answer.id).collect();
        let claimed = if steps > 0 { doomed.claim(6).await } else { Vec::new() };
        for (run, decision) in claimed.iter().zip(decisions.iter().take(steps.saturating_sub(1))) {
            doomed.settle(run, decision.clone()).await;
        }
        world.kill(doomed).await;
        world.pass(KILLED, &[&alive]).await;
        for _ in 0..jobs.len() + 2 {
            for run in alive.claim_on_probation(10).await {
                alive.settle(&run, done()).await;
            }
        }
        for id in jobs {
            assert!(alive.state(id).await.is_finished(), "killed after {steps} steps");
        }
    }
}

/// More than a thousand jobs die with their worker: all are free, in bites, and none is quarantined.
pub async fn a_first_crash_quarantines_nobody(subject: &dyn Subject) {
    let world = World::new(subject);
    let (doomed, alive) = (world.worker(&[MAIL]).await, world.worker(&[MAIL]).await);
    let count = BITE + 200;
    doomed.enqueue(many(MAIL, count)).await;
    assert_eq!(doomed.claim(count).await.len(), count);
    world.kill(doomed).await;
    let mut freed = 0;
    for _ in 0..4 {
        world.advance(5 * SECOND);
        if !alive.beat().await.rescue {
            continue;
        }
        loop {
            let bite = alive.store.rescue(alive.now(), alive.id).await.expect("a rescue");
            freed += bite.freed;
            assert_eq!(bite.quarantined, 0, "nothing tells which of them it was");
            assert!(bite.freed <= BITE, "a bite is {BITE}, not {}", bite.freed);
            assert_eq!(bite.more, freed < count, "after {freed}");
            if !bite.more {
                break;
            }
        }
    }
    assert_eq!((freed, alive.counts().await.available), (count, count as u64));
    let page = alive.store.jobs(jobs_core::store::JobFilter::default()).await.expect("a page");
    assert!(page.jobs.iter().all(|job| (job.crashes, job.failures, job.token) == (1, 0, 1)));
}

/// Jobs on probation are handed out one with each claim that has room, and stand in nobody's way.
pub async fn jobs_on_probation_are_claimed_one_at_a_time(subject: &dyn Subject) {
    let world = World::new(subject);
    let (doomed, alive) = (world.worker(&[MAIL]).await, world.worker(&[MAIL]).await);
    doomed.enqueue(many(MAIL, 3)).await;
    let suspects = ids(&doomed.claim(10).await);
    world.kill(doomed).await;
    world.pass(KILLED, &[&alive]).await;
    alive.enqueue(many(MAIL, 4)).await;

    let innocent = alive.claim(2).await;
    assert_eq!(innocent.len(), 2, "those on probation are not in the way");
    assert!(innocent.iter().all(|run| run.crashes == 0 && !suspects.contains(&run.id)));
    let mixed = alive.claim_on_probation(10).await;
    let on_probation: Vec<JobId> = mixed.iter().filter(|run| run.crashes > 0).map(|run| run.id).collect();
    assert_eq!((mixed.len(), &*on_probation), (3, &suspects[..1]), "one of them beside all others");
    for suspect in &suspects[1..] {
        assert!(alive.claim(10).await.is_empty(), "none without room");
        assert_eq!(ids(&alive.claim_on_probation(10).await), [*suspect]);
    }
}

/// A job on probation is claimed in its turn: a more urgent one goes first, a less urgent one after it.
pub async fn a_job_on_probation_waits_its_turn(subject: &dyn Subject) {
    let world = World::new(subject);
    let (doomed, alive) = (world.worker(&[MAIL]).await, world.worker(&[MAIL]).await);
    let suspect = doomed.put(job(MAIL)).await;
    doomed.claim_one().await;
    world.kill(doomed).await;
    world.pass(KILLED, &[&alive]).await;
    let mut order = Vec::new();
    for priority in [1, -1] {
        let mut innocent = job(MAIL);
        innocent.priority = priority;
        order.push(alive.put(innocent).await);
    }
    order.insert(1, suspect);
    order.reverse();
    for expected in order {
        assert_eq!(ids(&alive.claim_on_probation(1).await), [expected]);
    }
}

/// Claims the one job there is in a process of its own, and kills that process.
async fn crash(world: &World<'_>, judge: &super::world::Worker) -> (ClaimedJob, jobs_core::store::Rescue) {
    let doomed = world.worker(&[MAIL]).await;
    let run = doomed.claim_one().await;
    world.kill(doomed).await;
    (run, world.pass(KILLED, &[judge]).await)
}

/// A job that kills whoever runs it: the first crash puts it on probation, and so many more end it.
pub async fn crashes_on_probation_end_a_job_as_failed(subject: &dyn Subject) {
    let world = World::new(subject);
    let judge = world.worker(&["other"]).await;
    let id = judge.put(job(MAIL)).await;
    for crashes in 1..=QUARANTINE {
        let (run, rescued) = crash(&world, &judge).await;
        assert_eq!((run.token, run.crashes), (i64::from(crashes), crashes - 1));
        assert_eq!((rescued.freed, rescued.quarantined), (1, 0), "crash {crashes}");
        let seen = judge.record(id).await;
        assert_eq!((seen.crashes, seen.failures), (crashes, 0));
    }
    let (_, rescued) = crash(&world, &judge).await;
    assert_eq!((rescued.freed, rescued.quarantined), (0, 1));
    let seen = judge.record(id).await;
    assert_eq!((seen.state, seen.crashes, seen.failures), (State::Failed, QUARANTINE + 1, 0));
    let error = seen.error.unwrap_or_default();
    assert!(error.contains("quarantine"), "the error says why: {error:?}");
    assert!(world.worker(&[MAIL]).await.claim_on_probation(10).await.is_empty(), "it runs no more");
    assert!(judge.requeue(id).await, "a person may let it try again");
    assert_eq!(judge.record(id).await.crashes, 0);
}

/// An outcome that shows a job alive ends its probation.
pub async fn a_retry_or_a_snooze_clears_the_crashes(subject: &dyn Subject) {
    let world = World::new(subject);
    let judge = world.worker(&[MAIL]).await;
    for decision in [retry(SECOND), Decision::Snooze { after: SECOND }] {
        let id = judge.put(job(MAIL)).await;
        crash(&world, &judge).await;
        judge.settle(&judge.claim_one().await, decision).await;
        assert_eq!(judge.record(id).await.crashes, 0);
        world.advance(SECOND);
        let run = judge.claim(10).await;
        assert_eq!(ids(&run), [id], "it is no longer on probation");
        judge.settle(&run[0], done()).await;
    }
}

/// A hand-back shows nothing: the job stays on probation.
pub async fn a_hand_back_keeps_the_crashes(subject: &dyn Subject) {
    let world = World::new(subject);
    let judge = world.worker(&[MAIL]).await;
    let id = judge.put(job(MAIL)).await;
    crash(&world, &judge).await;
    judge.settle(&judge.claim_one().await, Decision::HandBack).await;
    assert_eq!(judge.record(id).await.crashes, 1);
    assert!(judge.claim(10).await.is_empty());
    assert_eq!(judge.claim_one().await.id, id);
}

/// Two judges rescue the same worker at the same time: each job is freed once and has one crash.
pub async fn racing_rescues_free_each_job_once(subject: &dyn Subject) {
    let world = World::new(subject);
    let (doomed, one, two) = (world.worker(&[MAIL]).await, world.worker(&[MAIL]).await, world.worker(&[MAIL]).await);
    doomed.enqueue(many(MAIL, 50)).await;
    let runs = doomed.claim(50).await;
    world.kill(doomed).await;
    for _ in 0..4 {
        world.advance(5 * SECOND);
        assert!(one.beat().await.alive && two.beat().await.alive);
    }
    let rescued = together([one, two].map(|judge| async move { (judge.rescue().await, judge) })).await;
    assert_eq!(rescued.iter().map(|(rescue, _)| rescue.freed).sum::<usize>(), 50);
    for run in runs {
        let seen = rescued[0].1.record(run.id).await;
        assert_eq!((seen.state, seen.crashes), (State::Available, 1));
    }
}

/// Lets other tasks go first, so many times.
async fn give_way(times: u8) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

/// A frozen worker's last claim arrives while it is being ended: afterwards nothing runs under nobody.
pub async fn a_claim_that_overlaps_a_rescue_leaves_nothing_under_nobody(subject: &dyn Subject) {
    let world = World::new(subject);
    let judge = world.worker(&[MAIL]).await;
    for seed in 0..40_u64 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let frozen = world.worker(&[MAIL]).await;
        frozen.enqueue(many(MAIL, 3)).await;
        frozen.claim(1).await;
        let sent = frozen.now();
        for _ in 0..FROZEN.as_secs() / 5 {
            world.advance(5 * SECOND);
            assert!(judge.beat().await.alive);
        }
        let (claims, rescues) = (rng.u8(..4), rng.u8(..4));
        let (dying, request) = (frozen.store.clone(), frozen.request(10));
        let claim = async move {
            give_way(claims).await;
            dying.claim(sent, request).await.expect("an answer").jobs.len()
        };
        let (store, id, now) = (judge.store.clone(), judge.id, judge.now());
        let rescue = async move {
            give_way(rescues).await;
            store.rescue(now, id).await.expect("a rescue").workers
        };
        // The first two go one after the other, so that both orders are seen; the others race.
        match seed {
            0 => assert!((claim.await, rescue.await).1 == 1, "it was frozen for two leases"),
            1 => assert_eq!((rescue.await, claim.await), (1, 0), "the worker is gone"),
            _ => {
                let (claim, rescue) = (tokio::spawn(claim), tokio::spawn(rescue));
                claim.await.expect("no panic");
                rescue.await.expect("no panic");
            }
        }
        judge.rescue().await;
        let held: u64 = judge.store.workers().await.expect("a list").iter().map(|worker| worker.held).sum();
        let counts = judge.counts().await;
        assert_eq!((counts.running, held), (0, 0), "seed {seed}: jobs run under nobody");
        assert_eq!(counts.available, 3, "seed {seed}");
        for job in judge.all(jobs_core::store::JobFilter::default()).await {
            judge.cancel(job.id).await;
        }
    }
}
