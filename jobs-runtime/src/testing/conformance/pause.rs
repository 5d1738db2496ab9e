//! Pause: a paused queue gives nothing to anybody, and everything again once it is resumed.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jobs_core::store::{Decision, PausedQueue};
use jobs_core::{JobId, NewJob, State, When};

use super::Subject;
use super::world::{KILLED, MAIL, Process, SECOND, Skills, Worker, World, done, ids, job, together};

const QUEUES: [&str; 2] = ["high", "low"];

async fn worker(world: &World<'_>) -> Worker {
    world.process().await.worker(&Skills::new(&[MAIL]).queues(&QUEUES)).await
}

fn of(queue: &'static str) -> NewJob {
    let mut new = job(MAIL);
    new.queue = queue.into();
    new
}

async fn pause(process: &Process, queues: &[&str]) -> Vec<bool> {
    let queues = queues.iter().map(|queue| (*queue).to_owned()).collect();
    process.store.pause(process.now(), queues).await.expect("the store pauses")
}

async fn resume(process: &Process, queues: &[&str]) -> Vec<bool> {
    let queues = queues.iter().map(|queue| (*queue).to_owned()).collect();
    process.store.resume(queues).await.expect("the store resumes")
}

async fn paused(process: &Process) -> Vec<PausedQueue> {
    process.store.paused().await.expect("the store tells what is paused")
}

/// Nothing of a paused queue is claimed, whoever asks; what was there and what comes meanwhile is claimed once it is resumed.
pub async fn a_paused_queue_gives_nothing_until_it_is_resumed(subject: &dyn Subject) {
    let world = World::new(subject);
    let (one, two) = (worker(&world).await, worker(&world).await);
    let first = one.put(of("low")).await;
    assert_eq!(one.claim(0).await.len(), 0);
    assert_eq!(pause(&one, &["low"]).await, [true]);
    let second = two.put(of("low")).await;
    for worker in [&one, &two, &worker(&world).await] {
        assert!(worker.claim_on_probation(10).await.is_empty());
    }
    assert_eq!([one.state(first).await, one.state(second).await], [State::Available; 2], "they wait");
    assert_eq!(resume(&two, &["low"]).await, [true]);
    assert_eq!(ids(&one.claim(10).await), [first, second]);
}

/// The other queues go on, also where all are asked for at once and the first job of all would be one that is paused.
pub async fn a_pause_holds_up_no_other_queue(subject: &dyn Subject) {
    let world = World::new(subject);
    let worker = worker(&world).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        worker.put(of("low")).await;
        open.push(worker.put(of("high")).await);
    }
    // What a claim has learned before must not stand in the way.
    assert_eq!(worker.claim(1).await.len(), 1);
    pause(&worker, &["low"]).await;
    assert_eq!(ids(&worker.claim(10).await), open);
    assert!(worker.claim(10).await.is_empty());
    let late = worker.put(of("high")).await;
    assert_eq!(ids(&worker.claim(10).await), [late]);
}

/// What runs goes on and ends as it would; what comes free, becomes due or waits on probation waits.
pub async fn what_runs_goes_on_while_its_queue_is_paused(subject: &dyn Subject) {
    let world = World::new(subject);
    let (doomed, alive) = (worker(&world).await, worker(&world).await);
    let all: Vec<JobId> =
        doomed.enqueue(vec![of("low"), of("low"), of("low")]).await.into_iter().map(|answer| answer.id).collect();
    let runs = doomed.claim(10).await;
    let mut later = of("low");
    later.when = When::After(SECOND);
    let later = alive.put(later).await;
    pause(&alive, &["low"]).await;
    doomed.settle(&runs[0], done()).await;
    doomed.settle(&runs[1], Decision::HandBack).await;
    assert_eq!(alive.state(all[0]).await, State::Completed);
    world.kill(doomed).await;
    world.pass(KILLED, &[&alive]).await;
    assert!(alive.claim_on_probation(10).await.is_empty(), "handed back, crashed or due: it waits");
    resume(&alive, &["low"]).await;
    let mut claimed = ids(&alive.claim_on_probation(10).await);
    let mut wanted = vec![all[1], all[2], later];
    claimed.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(claimed, wanted);
}

/// Each call says of each queue whether it changed anything, in order, and the list shows what is paused since when.
pub async fn pausing_and_resuming_are_answered_and_listed(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    assert!(paused(&process).await.is_empty());
    assert_eq!(pause(&process, &["low", "high", "low"]).await, [true, true, false]);
    let since = world.wall();
    world.advance(Duration::from_secs(5));
    assert_eq!(pause(&process, &["high", "later"]).await, [false, true], "a queue that nobody uses yet can be paused");
    let listed = |queue: &str, since| PausedQueue { queue: queue.to_owned(), since };
    let wanted = [listed("high", since), listed("later", world.wall()), listed("low", since)];
    assert_eq!(paused(&world.process().await).await, wanted, "by name, and since the first time");
    assert_eq!(resume(&process, &["low", "unknown", "high", "high"]).await, [true, false, true, false]);
    assert_eq!(paused(&process).await, [listed("later", world.wall())]);
    assert!(pause(&process, &[]).await.is_empty() && resume(&process, &[]).await.is_empty());
}

/// A pause and a resume wake those who wait for commands, a resume also those who wait for jobs; and whoever is woken finds it.
pub async fn who_hears_of_a_pause_sees_it(subject: &dyn Subject) {
    let world = World::new(subject);
    let process = world.process().await;
    for _ in 0..20 {
        for pausing in [true, false] {
            let mut changes = process.store.signal().listen();
            let before = *changes.borrow_and_update();
            let hears = async {
                while changes.borrow_and_update().commands == before.commands {
                    changes.changed().await.expect("the store is open");
                }
                paused(&process).await.len()
            };
            let asks = async {
                let answers = if pausing { pause(&process, &["low"]).await } else { resume(&process, &["low"]).await };
                assert_eq!(answers, [true]);
            };
            let both = async { tokio::join!(hears, asks).0 };
            let found = tokio::time::timeout(30 * SECOND, both).await.expect("nobody heard of it");
            assert_eq!(found, usize::from(pausing));
            assert!(pausing || process.store.signal().listen().borrow().jobs > before.jobs, "a resume brings jobs");
        }
    }
}

/// Claims race with a pause: those that begin after its answer get nothing.
pub async fn a_claim_after_the_answer_to_a_pause_gets_nothing(subject: &dyn Subject) {
    let world = World::new(subject);
    let pausing = world.process().await;
    for _ in 0..5 {
        pausing.enqueue((0..400).map(|_| of("low")).collect()).await;
        let is_paused = Arc::new(AtomicBool::new(false));
        let mut tasks: Vec<Pin<Box<dyn Future<Output = ()> + Send>>> = Vec::new();
        for _ in 0..3 {
            let (worker, is_paused) = (worker(&world).await, Arc::clone(&is_paused));
            tasks.push(Box::pin(async move {
                loop {
                    let must_be_empty = is_paused.load(Ordering::SeqCst);
                    let claimed = worker.claim(2).await;
                    assert!(claimed.is_empty() || !must_be_empty, "claimed after the pause");
                    if must_be_empty {
                        return;
                    }
                    for run in claimed {
                        worker.settle(&run, done()).await;
                    }
                }
            }));
        }
        let (process, told) = (pausing.clone(), Arc::clone(&is_paused));
        tasks.push(Box::pin(async move {
            assert_eq!(pause(&process, &["low"]).await, [true]);
            told.store(true, Ordering::SeqCst);
        }));
        together(tasks).await;
        assert_eq!(resume(&pausing, &["low"]).await, [true]);
        let last = worker(&world).await;
        let left = last.claim(400).await;
        last.complete(left.iter().map(|run| last.outcome(run, done())).collect()).await;
    }
}
