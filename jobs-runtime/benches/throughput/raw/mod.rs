//! The ceilings: the same tables and statements as ours, called as fast as they go, with nothing else around them.

#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sqlite;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::report::Report;

/// How many jobs a claim takes.
const CLAIM: usize = 500;

/// How many calls share a transaction.
const GROUP: usize = 1_000;

#[derive(Deserialize)]
struct Payload {
    id: u64,
    email: String,
}

/// A job that was claimed.
pub struct Job {
    seq: i64,
    id: [u8; 16],
    token: i64,
    payload: String,
}

/// What a store can do at best.
pub trait Ceiling: Clone + Send + Sync + 'static {
    /// Stores a job; answers when it is durable.
    fn insert(&self, number: u64) -> impl Future<Output = ()> + Send;
    /// Stores many in one call.
    fn insert_many(&self, first: u64, count: usize) -> impl Future<Output = ()> + Send;
    /// From now on jobs are claimed.
    fn drain(&self) -> UnboundedReceiver<Vec<Job>>;
    /// A job has run. Durable later.
    fn done(&self, job: Job);
}

fn id(number: u64) -> [u8; 16] {
    let mut chance = [0; 10];
    chance[2..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    *jobs_runtime::JobId::from_parts(1_700_000_000_000 + number / 50, chance).as_bytes()
}

fn payload(number: u64) -> String {
    format!("{{\"id\":{number},\"email\":\"somebody.{number:08}@example.com\"}}")
}

/// Measures every rate once.
pub async fn measure(ceiling: impl Ceiling, system: &'static str, jobs: usize, report: &mut Report) {
    let next = Arc::new(AtomicUsize::new(0));
    for (what, callers, each) in [("enqueue, 1 caller", 1, 3_000), ("enqueue, 16 callers", 16, 1_500)] {
        report.rate(what, system, callers_rate(&ceiling, &next, callers, each).await);
    }
    let began = Instant::now();
    for _ in 0..jobs / 500 {
        let first = next.fetch_add(500, Ordering::Relaxed) as u64;
        ceiling.insert_many(first, 500).await;
    }
    report.rate("enqueue, bulk of 500", system, jobs as f64 / began.elapsed().as_secs_f64());
    let ran = Arc::new(AtomicUsize::new(0));
    let waiting = next.load(Ordering::Relaxed);
    let began = Instant::now();
    tokio::spawn(run(ceiling.clone(), Arc::clone(&ran)));
    wait_for(&ran, waiting).await;
    report.rate("drain, history kept", system, waiting as f64 / began.elapsed().as_secs_f64());
    let (callers, each) = (64, u32::try_from(jobs / 2).unwrap_or(50_000) / 64);
    let began = Instant::now();
    callers_rate(&ceiling, &next, callers, each).await;
    wait_for(&ran, next.load(Ordering::Relaxed)).await;
    report.rate("enqueue by 64 callers and drain at once", system, f64::from(callers * each) / began.elapsed().as_secs_f64());
}

async fn wait_for(ran: &AtomicUsize, jobs: usize) {
    while ran.load(Ordering::Relaxed) < jobs {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

async fn callers_rate(ceiling: &impl Ceiling, next: &Arc<AtomicUsize>, callers: u32, each: u32) -> f64 {
    let began = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (ceiling, next) = (ceiling.clone(), Arc::clone(next));
            tokio::spawn(async move {
                for _ in 0..each {
                    ceiling.insert(next.fetch_add(1, Ordering::Relaxed) as u64).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a caller ends well");
    }
    f64::from(callers * each) / began.elapsed().as_secs_f64()
}

/// A task for each job, 64 at once, each acknowledged by itself.
async fn run(ceiling: impl Ceiling, ran: Arc<AtomicUsize>) {
    let mut to_run = ceiling.drain();
    let slots = Arc::new(Semaphore::new(64));
    while let Some(jobs) = to_run.recv().await {
        for job in jobs {
            let slot = Arc::clone(&slots).acquire_owned().await.expect("the semaphore stays open");
            let (ceiling, ran) = (ceiling.clone(), Arc::clone(&ran));
            tokio::spawn(async move {
                let decoded: Payload = serde_json::from_str(&job.payload).expect("the payload decodes");
                std::hint::black_box((decoded.id, decoded.email));
                ceiling.done(job);
                ran.fetch_add(1, Ordering::Relaxed);
                drop(slot);
            });
        }
    }
}
