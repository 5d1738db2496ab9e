//! Leases: a worker that beats is never ended, one that does not is, and what it says afterwards is void.

use jobs_core::record::ClaimedJob;
use jobs_core::store::{BITE, Beat, CompletionAnswer, Decision, Held};
use jobs_core::{State, WorkerId};

use super::Subject;
use super::world::{FROZEN, LEASE, MAIL, SECOND, Skills, Worker, World, done, fail, held, ids, job, many};

/// A job that runs for ten times the lease runs once.
pub async fn a_job_may_run_for_ten_leases(subject: &dyn Subject) {
    let world = World::new(subject);
    let (busy, idle) = (world.worker(&[MAIL]).await, world.worker(&[MAIL]).await);
    let id = busy.put(job(MAIL)).await;
    let run = busy.claim_one().await;
    let rescued = world.pass(10 * LEASE, &[&busy, &idle]).await;
    assert_eq!((rescued.workers, rescued.freed), (0, 0), "nobody has died");
    assert!(idle.claim_on_probation(10).await.is_empty(), "it is not handed out a second time");
    busy.settle(&run, done()).await;
    let seen = busy.record(id).await;
    assert_eq!((seen.state, seen.token, seen.crashes), (State::Completed, 1, 0));
}

/// A worker is listed with what it is and how much it holds, from its registration until it leaves.
pub async fn a_worker_is_listed_until_it_leaves(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    let worker = process.worker(&Skills::new(&[MAIL]).queues(&["default", "low"])).await;
    let began = world.wall();
    worker.enqueue(many(MAIL, 3)).await;
    worker.claim(2).await;
    world.advance(5 * SECOND);
    worker.beat().await;
    let listed = process.store.workers().await.expect("a list of workers");
    assert_eq!(listed.len(), 1);
    let seen = &listed[0];
    assert_eq!((seen.id, &*seen.name, &*seen.build, seen.held), (worker.id, "host:1", "build-1", 2));
    assert_eq!(seen.queues, ["default", "low"]);
    assert_eq!((seen.started_at, seen.renewed_at), (began, began + 5 * SECOND));
    worker.leave().await;
    assert!(process.store.workers().await.expect("a list of workers").is_empty());
}

/// A worker that leaves gives everything back at once, and nothing counts as a crash.
pub async fn leaving_hands_everything_back_without_a_crash(subject: &dyn Subject) {
    let world = World::new(subject);
    let (worker, next) = (world.worker(&[MAIL]).await, world.worker(&[MAIL]).await);
    worker.enqueue(many(MAIL, 3)).await;
    let runs = worker.claim(10).await;
    worker.leave().await;
    let again = next.claim(10).await;
    assert_eq!(ids(&again), ids(&runs), "at once, in their old order, none on probation");
    assert!(again.iter().all(|run| (run.token, run.crashes, run.failures) == (2, 0, 0)));
    assert_eq!(next.end(&runs[0], done()).await, CompletionAnswer::Stale, "an answer after leaving is void");
    worker.leave().await;
    assert_eq!(next.counts().await.running, 3, "leaving twice does no harm");
}

/// The answer of a claim was lost: what the process does not know of goes back at once, and what it knows stays with it.
pub async fn what_a_worker_does_not_know_of_is_handed_back(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    let (worker, other) = (process.worker(&Skills::new(&[MAIL])).await, process.worker(&Skills::new(&[MAIL])).await);
    worker.enqueue(many(MAIL, 5)).await;
    let (runs, others) = (worker.claim(4).await, other.claim(1).await);
    let known = vec![held(&runs[1]), Held { id: runs[2].id, token: 9 }, held(&others[0])];
    let reconcile = async || worker.store.reconcile(worker.now(), worker.id, known.clone()).await.expect("an answer");
    assert_eq!((reconcile().await, reconcile().await), (3, 0), "all but the one it knows under its token");
    let seen = worker.record(runs[0].id).await;
    assert_eq!((seen.state, seen.token, seen.failures, seen.crashes), (State::Available, 1, 0, 0));
    assert_eq!(ids(&other.claim(10).await), [runs[0].id, runs[2].id, runs[3].id]);
    worker.settle(&runs[1], done()).await;
    other.settle(&others[0], done()).await;
}

/// Two workers, of which the first holds jobs and freezes until the second has ended it.
async fn frozen(world: &World<'_>, jobs: usize) -> (Worker, Vec<ClaimedJob>, Worker) {
    let (frozen, alive) = (world.worker(&[MAIL]).await, world.worker(&[MAIL]).await);
    frozen.enqueue(many(MAIL, jobs)).await;
    let runs = frozen.claim(jobs).await;
    let rescued = world.pass(FROZEN, &[&alive]).await;
    assert_eq!((rescued.workers, rescued.freed, rescued.quarantined), (1, jobs, 0));
    (frozen, runs, alive)
}

/// Its jobs are free again for those who live.
pub async fn a_frozen_worker_is_ended_by_one_that_lives(subject: &dyn Subject) {
    let world = World::new(subject);
    let (_, runs, alive) = frozen(&world, 3).await;
    assert_eq!(alive.counts().await.available, 3);
    for run in runs {
        let seen = alive.record(run.id).await;
        assert_eq!((seen.state, seen.crashes, seen.failures, seen.token), (State::Available, 1, 0, 1));
    }
    let listed = alive.store.workers().await.expect("a list of workers");
    assert_eq!(listed.iter().map(|worker| worker.id).collect::<Vec<WorkerId>>(), [alive.id]);
}

/// A worker that wakes after its end hears so at every door, and a new identity lets it in again.
pub async fn a_lost_worker_is_told_so(subject: &dyn Subject) {
    let world = World::new(subject);
    let (lost, runs, alive) = frozen(&world, 1).await;
    for _ in 0..2 {
        assert!(!lost.beat().await.alive, "a lease that has run out is not renewed");
        let claim = lost.try_claim(lost.request(10)).await;
        assert!(claim.lost && claim.jobs.is_empty());
    }
    assert_eq!(lost.end(&runs[0], done()).await, CompletionAnswer::Stale);
    assert!(lost.cancellations().await.is_empty());
    let again = lost.worker(&Skills::new(&[MAIL])).await;
    assert!(again.beat().await.alive && alive.beat().await.alive);
    assert_eq!(again.claim_one().await.id, runs[0].id);
}

/// The successor's result stands, whatever the lost worker says before, during and after.
pub async fn late_answer_of_a_lost_worker_changes_nothing(subject: &dyn Subject) {
    let world = World::new(subject);
    let (lost, runs, alive) = frozen(&world, 1).await;
    let late = &runs[0];
    let output = Decision::Complete { output: Some(r#""second""#.to_owned()), note: None };
    assert_eq!(lost.end(late, fail()).await, CompletionAnswer::Stale, "while it waits");
    let run = alive.claim_one().await;
    assert_eq!((run.id, run.token), (late.id, 2));
    assert_eq!(lost.end(late, fail()).await, CompletionAnswer::Stale, "while its successor runs");
    alive.settle(&run, output).await;
    let before = alive.record(late.id).await;
    assert_eq!(lost.end(late, fail()).await, CompletionAnswer::Stale, "after its successor ended");
    assert_eq!(alive.record(late.id).await, before);
    assert_eq!((before.state, before.output.as_deref()), (State::Completed, Some(r#""second""#)));
}

/// It was not a crash after all: its jobs are no longer on probation.
pub async fn a_lost_worker_that_lives_takes_its_crashes_back(subject: &dyn Subject) {
    let world = World::new(subject);
    let (lost, runs, alive) = frozen(&world, 3).await;
    assert!(alive.claim(10).await.is_empty(), "all are on probation");
    let mut told: Vec<Held> = runs.iter().map(held).collect();
    told.push(Held { id: runs[0].id, token: 9 });
    told.push(Held { id: alive.new_id(), token: 1 });
    let abandon = async |held: Vec<Held>| lost.store.abandon(lost.now(), held).await.expect("the store takes crashes back");
    assert_eq!(abandon(told.clone()).await, 3);
    assert_eq!(abandon(told).await, 0, "only once");
    let again = alive.claim(10).await;
    assert_eq!(ids(&again), ids(&runs));
    assert!(again.iter().all(|run| run.crashes == 0));
}

/// Each worker takes back the crash that its own end was counted as, also where another came after it.
pub async fn every_crash_is_taken_back_once_in_any_order(subject: &dyn Subject) {
    let world = World::new(subject);
    let (first, runs, alive) = frozen(&world, 1).await;
    let mut held_by = vec![held(&runs[0])];
    for crashes in 2..=3 {
        let next = world.worker(&[MAIL]).await;
        held_by.push(held(&next.claim_one().await));
        world.pass(FROZEN, &[&alive]).await;
        assert_eq!(alive.record(runs[0].id).await.crashes, crashes);
    }
    let abandon = async |held| first.store.abandon(first.now(), vec![held]).await.expect("the store takes crashes back");
    for (nth, crashes) in [(1, 2), (0, 1), (2, 0)] {
        assert_eq!(abandon(held_by[nth]).await, 1, "the crash of token {}", held_by[nth].token);
        assert_eq!(alive.record(runs[0].id).await.crashes, crashes);
        assert_eq!(abandon(held_by[nth]).await, 0, "only once");
        assert_eq!(alive.record(runs[0].id).await.crashes, crashes);
    }
    let run = alive.claim_one().await;
    assert_eq!((run.id, run.token, run.crashes), (runs[0].id, 4, 0));
}

/// A crash may be taken back while the successor runs; the run goes on.
pub async fn a_crash_is_taken_back_though_the_job_runs_again(subject: &dyn Subject) {
    let world = World::new(subject);
    let (lost, runs, alive) = frozen(&world, 1).await;
    let run = alive.claim_one().await;
    assert_eq!(lost.store.abandon(lost.now(), vec![held(&runs[0])]).await.expect("an answer"), 1);
    let seen = alive.record(run.id).await;
    assert_eq!((seen.state, seen.crashes, seen.token), (State::Running, 0, 2));
    alive.settle(&run, done()).await;
}

/// Two workers, of which the first holds more than a rescue frees at once, and freezes until the second has freed a bite.
pub(super) async fn half_freed(world: &World<'_>) -> (Worker, Vec<ClaimedJob>, Worker) {
    let (frozen, alive) = (world.worker(&[MAIL]).await, world.worker(&[MAIL]).await);
    frozen.enqueue(many(MAIL, BITE + 20)).await;
    let runs = frozen.claim(BITE + 20).await;
    for _ in 0..FROZEN.as_secs() / 5 {
        world.advance(5 * SECOND);
        if alive.beat().await.rescue {
            alive.store.rescue(alive.now(), alive.id).await.expect("a rescue");
            assert!(alive.counts().await.running >= 20, "a bite is {BITE}");
            return (frozen, runs, alive);
        }
    }
    panic!("a frozen worker is never found dead");
}

/// Its end had begun when it woke: what nobody has freed yet goes back, and no crash is counted afterwards.
pub async fn a_lost_worker_that_lives_hands_back_what_nobody_has_freed_yet(subject: &dyn Subject) {
    let world = World::new(subject);
    let (lost, runs, alive) = half_freed(&world).await;
    let freed = runs.len() as u64 - alive.counts().await.running;
    lost.leave().await;
    let left = alive.counts().await.running;
    let told: Vec<Held> = runs.iter().map(held).collect();
    let abandon = async || lost.store.abandon(lost.now(), told.clone()).await.expect("the store takes crashes back");
    assert_eq!((abandon().await, abandon().await), (freed + left, 0), "once");
    let counts = alive.counts().await;
    assert_eq!((counts.running, counts.available), (0, runs.len() as u64));
    alive.rescue().await;
    let again = alive.claim(runs.len()).await;
    assert_eq!(ids(&again), ids(&runs), "in their old order, none on probation");
    assert!(again.iter().all(|run| (run.token, run.crashes, run.failures) == (2, 0, 0)));
}

/// A job is handed back by the token under which its worker held it alone, and never from a worker that is known.
pub async fn only_what_nobody_holds_is_handed_back_by_a_lost_worker(subject: &dyn Subject) {
    let world = World::new(subject);
    let (lost, runs, alive) = half_freed(&world).await;
    let left = alive.counts().await.running;
    let abandon = async |held: Vec<Held>| lost.store.abandon(lost.now(), held).await.expect("the store takes crashes back");
    for token in [0, 2] {
        assert_eq!(abandon(runs.iter().map(|run| Held { id: run.id, token }).collect()).await, 0);
    }
    assert_eq!(alive.counts().await.running, left);
    let id = alive.put(job(MAIL)).await;
    let kept = alive.claim(1).await;
    assert_eq!(ids(&kept), [id]);
    assert_eq!(abandon(vec![held(&kept[0])]).await, 0, "its worker lives");
    assert_eq!(alive.state(id).await, State::Running);
    alive.settle(&kept[0], done()).await;
}

/// A beat under an id that nobody knows.
pub async fn an_unknown_worker_is_not_alive(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    let unknown = WorkerId::from_parts(1, [9; 10]);
    let beat = process.store.heartbeat(process.now(), unknown).await.expect("an answer");
    assert!(!beat.alive, "{beat:?}");
    process.store.leave(process.now(), unknown).await.expect("leaving is no error");
    assert_eq!(process.store.cancellations(unknown).await.expect("an answer"), []);
}

/// Two workers share a handle, one of them freezes: only that one is ended.
pub async fn workers_of_one_process_are_judged_apart(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    let (frozen, awake) = (process.worker(&Skills::new(&[MAIL])).await, process.worker(&Skills::new(&[MAIL])).await);
    let judge = world.worker(&[MAIL]).await;
    process.enqueue(many(MAIL, 2)).await;
    let (lost, kept) = (frozen.claim(1).await, awake.claim(1).await);
    let rescued = world.pass(FROZEN, &[&awake, &judge]).await;
    assert_eq!((rescued.workers, rescued.freed), (1, 1));
    assert_eq!((judge.state(lost[0].id).await, judge.state(kept[0].id).await), (State::Available, State::Running));
    awake.settle(&kept[0], done()).await;
}

/// When everybody is well a beat asks for nothing.
pub async fn healthy_workers_have_nothing_to_rescue(subject: &dyn Subject) {
    let world = World::new(subject);
    let workers = [world.worker(&[MAIL]).await, world.worker(&[MAIL]).await];
    for _ in 0..20 {
        world.advance(5 * SECOND);
        for worker in &workers {
            let Beat { alive, rescue, .. } = worker.beat().await;
            assert!(alive && !rescue);
        }
    }
    assert_eq!(workers[0].rescue().await.workers, 0, "and a rescue that nobody asked for finds nobody");
}
