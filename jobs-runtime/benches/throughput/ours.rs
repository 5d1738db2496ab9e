//! The runtime as shipped: no option is set but the store.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jobs_runtime::{Client, Enqueue, Runtime, job};

use crate::place::Kind;
use crate::report::Report;
use crate::tokio;

pub static RAN: AtomicU64 = AtomicU64::new(0);
static STARTED: Mutex<Vec<(u64, Instant)>> = Mutex::new(Vec::new());

#[job]
pub async fn noop(id: u64, email: String) {
    std::hint::black_box((id, email));
    RAN.fetch_add(1, Ordering::Relaxed);
}

#[job]
async fn stamp(number: u64) {
    STARTED.lock().expect("no stamp panics").push((number, Instant::now()));
}

pub fn email(number: u64) -> String {
    format!("somebody.{number:08}@example.com")
}

pub async fn start(store: &str) -> Runtime {
    Runtime::builder().store(store).start().await.expect("the runtime starts")
}

/// Measures every rate once, on one store.
pub fn measure(store: &str, kind: Kind, jobs: usize, report: &mut Report) {
    let system = kind.name();
    tokio().block_on(async {
        let client = match kind {
            Kind::Memory => None,
            _ => Some(Client::connect_to(store).await.expect("the store opens")),
        };
        // A memory store lives in its runtime, which then must not run anything before the drain.
        let memory = jobs_runtime::store::memory::MemoryStore::new();
        let env = jobs_runtime::env::Env::system(tokio::runtime::Handle::current(), tokio::runtime::Handle::current());
        let client = client.unwrap_or_else(|| Client::new(Arc::new(memory.clone()), env));
        enqueue(&client, system, jobs, report).await;
        let waiting = client.counts().await.expect("the store counts").available;
        let builder = if kind == Kind::Memory {
            Runtime::builder().store_opened(Arc::new(memory))
        } else {
            client.store().close().await.expect("the store closes");
            Runtime::builder().store(store)
        };
        RAN.store(0, Ordering::Relaxed);
        let began = Instant::now();
        let runtime = builder.start().await.expect("the runtime starts");
        wait_for(&runtime, waiting).await;
        report.rate("drain, history kept", system, waiting as f64 / began.elapsed().as_secs_f64());
        both(&runtime, system, jobs / 2, report).await;
        runtime.shutdown().await;
    });
}

pub async fn wait_for(runtime: &Runtime, jobs: u64) {
    while RAN.load(Ordering::Relaxed) < jobs {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while runtime.client().counts().await.expect("the store counts").live() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn enqueue(client: &Client, system: &'static str, jobs: usize, report: &mut Report) {
    for (what, callers, each) in [("enqueue, 1 caller", 1, 3_000), ("enqueue, 16 callers", 16, 1_500)] {
        let rate = callers_rate(client, callers, each).await;
        report.rate(what, system, rate);
    }
    let began = Instant::now();
    fill(client, jobs).await;
    report.rate("enqueue, bulk of 500", system, jobs as f64 / began.elapsed().as_secs_f64());
}

/// Enqueues so many jobs, 500 a call.
pub async fn fill(client: &Client, jobs: usize) {
    for batch in 0..jobs as u64 / 500 {
        let jobs = (0..500).map(|number| batch * 500 + number).map(|number| noop::job(number, email(number)));
        client.enqueue_all(jobs).await.expect("the jobs are stored");
    }
}

pub async fn callers_rate(client: &Client, callers: u32, each: u32) -> f64 {
    let began = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for number in 0..u64::from(each) {
                    noop::job(number, email(number)).enqueue(&client).await.expect("the job is stored");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a caller ends well");
    }
    f64::from(callers * each) / began.elapsed().as_secs_f64()
}

async fn both(runtime: &Runtime, system: &'static str, jobs: usize, report: &mut Report) {
    RAN.store(0, Ordering::Relaxed);
    let callers = 64;
    let each = u32::try_from(jobs).unwrap_or(50_000) / callers;
    let began = Instant::now();
    callers_rate(runtime.client(), callers, each).await;
    wait_for(runtime, u64::from(callers * each)).await;
    report.rate("enqueue by 64 callers and drain at once", system, f64::from(callers * each) / began.elapsed().as_secs_f64());
}

/// From the call of enqueue to the start of the job, at 200 a second.
pub fn latency(store: &str, kind: Kind, report: &mut Report) {
    const JOBS: u64 = 2_000;
    let system = kind.name();
    tokio().block_on(async {
        let runtime = start(store).await;
        STARTED.lock().expect("no stamp panics").clear();
        let mut called = Vec::new();
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        for number in 0..JOBS {
            ticks.tick().await;
            called.push(Instant::now());
            stamp::job(number).enqueue(runtime.client()).await.expect("the job is stored");
        }
        while (STARTED.lock().expect("no stamp panics").len() as u64) < JOBS {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let started = STARTED.lock().expect("no stamp panics").clone();
        let latencies = started.iter().map(|(number, at)| at.duration_since(called[usize::try_from(*number).unwrap_or(0)]));
        report.note(format!("{system}: enqueue to start at 200/s: {}", percentiles(latencies.collect())));
        runtime.shutdown().await;
    });
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    format!("p50 {:.2} ms, p99 {:.2} ms, worst {:.1} ms", at(0.5), at(0.99), at(1.0))
}

/// How long another process waits for its enqueues while this one drains without a pause.
pub fn starvation(path: &Path, jobs: usize, report: &mut Report) {
    let store = format!("sqlite://{}", path.display());
    tokio().block_on(async {
        let client = Client::connect_to(&store).await.expect("the store opens");
        fill(&client, 3 * jobs).await;
        let program = std::env::current_exe().expect("this program has a file");
        let mut other = Command::new(program)
            .args(["--other-process", &store])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the other process starts");
        let mut lines = BufReader::new(other.stdout.take().expect("its output is piped")).lines();
        lines.next().expect("it says that it is ready").expect("it writes text");
        RAN.store(0, Ordering::Relaxed);
        let began = Instant::now();
        let runtime = start(&store).await;
        while RAN.load(Ordering::Relaxed) < 2 * jobs as u64 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let rate = RAN.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
        drop(other.stdin.take());
        let said = lines.next().expect("it says what it measured").expect("it writes text");
        other.wait().expect("it ends");
        report.note(format!("sqlite: enqueue by another process while this one drains {rate:.0}/s: {said}"));
        runtime.shutdown().await;
    });
}

/// Enqueues, one job after the other, until its input ends.
pub fn other_process(store: &str) {
    let ended = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (watch, store) = (Arc::clone(&ended), store.to_owned());
    let work = std::thread::spawn(move || {
        tokio().block_on(async {
            let client = Client::connect_to(store).await.expect("the store opens");
            println!("ready");
            let mut times = Vec::new();
            while !watch.load(Ordering::Relaxed) || times.is_empty() {
                let began = Instant::now();
                noop::job(0, email(0)).enqueue(&client).await.expect("the job is stored");
                times.push(began.elapsed());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            println!("{} ({} jobs)", percentiles(times.clone()), times.len());
        });
    });
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    ended.store(true, Ordering::Relaxed);
    work.join().expect("the work ends well");
}

/// Runs jobs until its input ends, and says when it is ready.
pub fn worker_process(store: &str) {
    tokio().block_on(async {
        let runtime = start(store).await;
        println!("ready");
        let ended = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        let _ = ended.await;
        runtime.shutdown().await;
    });
}

/// What a runtime does while there is nothing to do.
pub fn idle(path: &Path, time: Duration, report: &mut Report) {
    tokio().block_on(async {
        let runtime = start(&format!("sqlite://{}", path.display())).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let look = rusqlite::Connection::open(path).expect("the file opens");
        // Each commit of another connection moves this number by one.
        let version = || look.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).expect("a number");
        let cpu = processor();
        let began = Instant::now();
        let mut commits = 0;
        let mut last = version();
        while began.elapsed() < time {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = version();
            commits += i64::from(now != last);
            last = now;
        }
        let busy = processor().saturating_sub(cpu);
        report.note(format!(
            "sqlite, idle for {time:?}: {:.0} transactions a minute, processor {:.3} %",
            commits as f64 * 60.0 / time.as_secs_f64(),
            100.0 * busy.as_secs_f64() / time.as_secs_f64()
        ));
        runtime.shutdown().await;
    });
}

/// Processor time of the runtime's own threads so far (proc(5)); nothing where the system has no such files.
pub fn processor() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = threads.filter_map(|thread| {
        let name = std::fs::read_to_string(thread.path().join("comm")).ok()?;
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        if name.starts_with("jobs-") { text.split(' ').next()?.parse::<u64>().ok() } else { None }
    });
    Duration::from_nanos(nanos.sum())
}
