//! The play: starts the processes of a plan, lets happen what it says, sets everything right again, and waits until all jobs have
//! ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Once};
use std::time::Duration;

use jobs_core::chain::Link;
use jobs_core::registry::{Handler, Location};
use jobs_core::store::{Now, Retention};
use jobs_core::{JobEntry, JobId, JobRecord, NewJob, State, When};
use tokio::time::Instant;

use super::executor::Executor;
use super::life::Life;
use super::pauses::HEALTHY;
use super::plan::{Build, Order, Pause, Plan, QUEUES, TROUBLED};
use super::process::Process;
use super::referee::Violation;
use super::server::{Server, job_text};
use super::stage::{CALL, SCRIPTED, Stage};
use super::steps::{self, Restore};
use super::unit::{Commits, UNIT};
use super::wire::{Fates, Weather, Wire};

/// How long the end of all jobs may take, once nothing goes wrong any more.
const PATIENCE: Duration = Duration::from_secs(40 * 60);

/// How long every process has at least to find out that nothing goes wrong any more: its schedules look again in half a minute.
const SETTLED: Duration = Duration::from_secs(60);

/// How long the stop of a process may take.
const STOP: Duration = Duration::from_secs(60);

/// What came of a plan.
#[derive(Clone, Debug)]
pub struct Report {
    /// The first rule that was broken, if one was.
    pub violation: Option<Violation>,
    /// What happened, line by line.
    pub history: Vec<String>,
    /// What went wrong for processes, and how often.
    pub troubles: BTreeMap<&'static str, u64>,
    /// What went wrong with calls.
    pub fates: Fates,
    /// What became of transactions of jobs' own.
    pub commits: Commits,
    /// How many effects of such jobs there are.
    pub effects: u64,
    /// How many jobs were stored.
    pub jobs: u64,
    /// How many runs of jobs began.
    pub runs: u64,
}

/// Plays a plan to its end, or until a rule is broken.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    quiet_panics();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    runtime.block_on(async {
        let stage = Play::new(plan);
        let executor = stage.executor.clone();
        executor.run(stage.perform()).await
    })
}

/// Panics of the play shall not be printed.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref::<String>().is_none_or(|text| text != SCRIPTED) {
                before(info);
            }
        }));
        // Warnings of a start go to standard error where nobody listens.
        let _ = tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::new());
    });
}

struct Play<'a> {
    plan: &'a Plan,
    origin: Instant,
    executor: Executor,
    server: Arc<Server>,
    processes: Vec<Arc<Process>>,
}

impl<'a> Play<'a> {
    fn new(plan: &'a Plan) -> Self {
        let origin = Instant::now();
        let executor = Executor::default();
        if plan.shuffled {
            executor.shuffle(plan.seed);
        }
        let server = Arc::new(Server::new(&Life::new("store", origin, &executor), plan.server_clock));
        Self { plan, origin, executor, server, processes: Vec::new() }
    }

    async fn perform(mut self) -> Report {
        let processes =
            (0..self.plan.workers).map(|nth| Arc::new(Process::new(self.plan, self.origin, &self.executor, &self.server, nth)));
        self.processes = processes.collect();
        for process in &self.processes {
            self.executor.spawn(Arc::clone(process).supervise());
        }
        for trouble in &self.plan.troubles {
            if let Some(process) = self.processes.get(trouble.worker) {
                self.executor.spawn(Arc::clone(process).suffer(*trouble));
            }
        }
        if let Some(restore) = self.plan.restore {
            self.executor.spawn(put_back(Arc::clone(&self.server), self.processes.clone(), self.origin, restore));
        }
        let stage = self.client();
        let open = self.take_orders(&stage);
        self.watch(self.origin + TROUBLED, || false).await;
        for process in &self.processes {
            process.set_right();
        }
        self.server.note("", "everything is set right");
        // Somebody is left who knows the newer arguments.
        let first = &self.processes[0];
        first.slot().next = (Duration::ZERO, Build::New);
        if first.slot().build == Build::Old {
            first.stop();
        }
        let (patience, settled) = (Instant::now() + PATIENCE, Instant::now() + SETTLED);
        // What rests now does so until all processes must have heard of it, and schedules go on until they must be on time.
        let heard = settled.max(self.origin + TROUBLED + HEALTHY + SETTLED / 2);
        let rests = || {
            Instant::now() >= (if self.plan.has_schedules() || self.server.book().referee.any_paused() { heard } else { settled })
                && Arc::strong_count(&open) == 1
                && self.restless().is_empty()
        };
        if self.watch(patience, rests).await && self.resume(&stage).await {
            self.close().await;
        }
        for process in &self.processes {
            process.slot().life.kill();
        }
        self.report()
    }

    /// Waits until something is so, and says whether it came to be in time. A broken rule ends every wait.
    async fn watch(&self, until: Instant, so: impl Fn() -> bool) -> bool {
        let wanted = Instant::now() < until;
        while Instant::now() < until {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = self.server.own_now();
            let mut book = self.server.book();
            book.referee.look_at_runs(now);
            book.referee.look_at_pauses(now);
            book.referee.look_at_schedules(now);
            book.look_at_effects();
            if book.referee.first().is_some() {
                return false;
            }
            drop(book);
            if so() {
                return true;
            }
        }
        if wanted && until > self.origin + TROUBLED {
            let left: Vec<String> = self.restless().iter().map(|job| format!("{} {job:?}", job_text(job.id))).collect();
            self.server.book().referee.violation("every job ends", left.join("\n"));
        }
        false
    }

    /// The jobs that have not come to rest, although somebody could run them.
    fn restless(&self) -> Vec<JobRecord> {
        let new_ones = self.server.time().saturating_sub(Duration::from_secs(60));
        let known = |job: &JobRecord| match &*job.kind {
            "stranger" => false,
            "old" => self.processes.iter().any(|process| process.slot().build == Build::Old),
            _ => true,
        };
        let book = self.server.book();
        let may_run = |job: &JobRecord| known(job) && !book.referee.is_paused(&job.queue);
        let unfinished = book.referee.records().filter(|job| !job.state.is_finished());
        unfinished
            .filter(|job| may_run(job) || job.state == State::Running)
            .filter(|job| job.schedule.is_none() || super::life::DAWN + new_ones > job.created_at)
            .cloned()
            .collect()
    }

    /// Stops all processes, and looks whether everything is in its place.
    async fn close(&self) {
        let now = self.server.own_now();
        for process in &self.processes {
            // Nobody lives there any more in this play.
            process.slot().next.0 = Duration::from_secs(24 * 3_600);
        }
        let lives: Vec<Life> = self.processes.iter().map(|process| process.stop()).collect();
        for life in lives {
            if tokio::time::timeout(STOP, life.gone()).await.is_err() {
                self.server.book().referee.violation("a stop comes to its end", life.name());
            }
        }
        let running = self.server.book().referee.records().find(|job| job.state == State::Running).map(|job| job.id);
        if let Some(id) = running {
            self.server.book().referee.violation("a stop hands back what it holds", job_text(id));
        }
        let acknowledged = self.server.book().referee.acknowledged();
        for id in acknowledged {
            if self.server.record(id).is_none() {
                self.server.book().referee.violation("a job that enqueue answered for is kept", job_text(id));
            }
        }
        self.forget(now);
    }

    /// Prunes what has ended, as time goes by, until nothing of it is left.
    fn forget(&self, now: Now) {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        let retention = Retention { completed: hours(2), cancelled: hours(30), failed: hours(50) };
        for passed in [1, 3, 23, 26, 40, 60] {
            let wall = now.wall.saturating_add(hours(passed)).unwrap_or(now.wall);
            let pruned = self.server.prune_at("", Now { wall, ..now }, retention);
            if let Err(error) = pruned {
                self.server.book().referee.violation("a job that is stored stays", error.to_string());
            }
        }
        let left = self.server.book().referee.records().find(|job| job.state.is_finished()).map(|job| job.id);
        if let Some(id) = left {
            self.server.book().referee.violation("finished jobs go when their retention is over", job_text(id));
        }
    }

    /// Resumes the queues that are still paused, and waits until the rest of the jobs have ended.
    async fn resume(&self, stage: &Stage) -> bool {
        for queue in QUEUES {
            if self.server.book().referee.is_paused(queue) {
                let (stage, done) = (stage.clone(), Arc::new(()));
                let open = Arc::clone(&done);
                self.executor.spawn(async move {
                    stage.resume(queue).await;
                    drop(open);
                });
                if !self.watch(Instant::now() + PATIENCE, || Arc::strong_count(&done) == 1).await {
                    return false;
                }
            }
        }
        self.watch(Instant::now() + PATIENCE, || self.restless().is_empty()).await
    }

    /// A program that only asks for jobs.
    fn client(&self) -> Stage {
        let life = Life::new("client", self.origin, &self.executor);
        let wire = Wire::new(&self.server, &life, self.plan.seed.wrapping_add(77));
        wire.set_weather(Weather::Rough);
        Stage::new(&self.server, &life, &wire, self.plan.seed)
    }

    /// Begins all orders and pauses. Each holds a clone of the answer until it is through.
    fn take_orders(&self, stage: &Stage) -> Arc<()> {
        let open = Arc::new(());
        for order in &self.plan.orders {
            let (stage, order, origin, seed) = (stage.clone(), order.clone(), self.origin, self.plan.seed);
            let open = Arc::clone(&open);
            self.executor.spawn(async move {
                place(&stage, &order, origin, seed).await;
                drop(open);
            });
        }
        for step in &self.plan.steps {
            let (stage, step, origin, open) = (stage.clone(), *step, self.origin, Arc::clone(&open));
            self.executor.spawn(async move {
                steps::take(&stage, &step, origin).await;
                drop(open);
            });
        }
        for (nth, pause) in self.plan.pauses.iter().enumerate() {
            let (stage, pause, origin, seed) = (stage.clone(), pause.clone(), self.origin, self.plan.seed);
            let open = Arc::clone(&open);
            self.executor.spawn(async move {
                rest(&stage, &pause, nth as u64, origin, seed).await;
                drop(open);
            });
        }
        open
    }

    fn report(&self) -> Report {
        let counts = self.server.counts().clone();
        let mut book = self.server.book();
        let violation = book.referee.first().cloned();
        let (jobs, runs) = (book.referee.stored(), book.referee.runs());
        Report {
            violation,
            history: std::mem::take(&mut book.lines),
            troubles: counts.troubles,
            fates: counts.fates,
            commits: counts.commits,
            effects: book.effects.rows(),
            jobs,
            runs,
        }
    }
}

/// Puts the store back to a copy, while nobody lives.
async fn put_back(server: Arc<Server>, processes: Vec<Arc<Process>>, origin: Instant, restore: Restore) {
    tokio::time::sleep_until(origin + restore.copied).await;
    let copy = server.copy();
    tokio::time::sleep_until(origin + restore.at).await;
    for process in processes {
        process.fall(restore.down);
    }
    *server.counts().troubles.entry("restore").or_default() += 1;
    server.put_back(&copy);
}

/// The id of a job, by its number.
fn id_of(nth: u64, seed: u64) -> JobId {
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&(seed.wrapping_mul(1_000) + nth).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    JobId::from_parts(nth, bytes)
}

/// Pauses a queue, and resumes it.
async fn rest(stage: &Stage, pause: &Pause, nth: u64, origin: Instant, seed: u64) {
    tokio::time::sleep_until(origin + pause.at).await;
    let job = |of_rush| {
        let mut job = NewJob::new("quick", "{}");
        job.id = Some(id_of(100 * (nth + 1) + of_rush, seed));
        job.queue = pause.queue.into();
        job
    };
    if pause.rush > 0 {
        stage.enqueue((0..pause.rush).map(job).collect()).await;
    }
    tokio::time::sleep(pause.after).await;
    // It may have taken effect also without an answer.
    let _ = tokio::time::timeout(CALL, stage.client().pause_queue(pause.queue)).await;
    if let Some(lasts) = pause.lasts {
        tokio::time::sleep(lasts).await;
        stage.resume(pause.queue).await;
    }
}

/// Asks for a job, and does with it what the order says.
async fn place(stage: &Stage, order: &Order, origin: Instant, seed: u64) {
    tokio::time::sleep_until(origin + order.at).await;
    let id = id_of(order.nth, seed);
    let mut job = NewJob::new(order.kind, order.payload.clone());
    job.id = Some(id);
    job.queue = order.queue.into();
    if let Some(delay) = order.delay {
        job.when = When::After(delay);
    }
    if order.kind == "chain" || (order.kind == UNIT && order.nth.is_multiple_of(3)) {
        let handler = Handler::Fn(|_| Ok(Box::pin(async { Ok(None) })));
        let link = JobEntry::new("link".into(), "", Location { file: file!(), line: line!() }, handler);
        job.chain = vec![Link::of(&link, None), Link::of(&link, None)];
    }
    stage.enqueue(vec![job.clone()]).await;
    let then = async |after: Option<Duration>| match after {
        Some(after) => tokio::time::sleep(after).await,
        None => std::future::pending().await,
    };
    let client = stage.client();
    let wishes = async {
        tokio::join!(
            async {
                if order.repeat.is_some() {
                    then(order.repeat).await;
                    stage.enqueue(vec![job.clone()]).await;
                }
            },
            async {
                if order.cancel.is_some() {
                    then(order.cancel).await;
                    let _ = tokio::time::timeout(CALL, client.cancel(id)).await;
                }
            },
            async {
                if order.requeue.is_some() {
                    then(order.requeue).await;
                    let _ = tokio::time::timeout(CALL, client.requeue(vec![id])).await;
                }
            }
        )
    };
    wishes.await;
}
