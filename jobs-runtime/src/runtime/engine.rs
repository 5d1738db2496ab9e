//! The engine: a thread with a tokio runtime of its own, on which all parts live, so that jobs which block every thread of the
//! user's runtime cannot keep the lease from being renewed.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::thread;

use jobs_core::registry::Registry;
use jobs_core::schedule::RunOnStart;
use jobs_core::store::{Beat, Deal, Fire, Occasion, ScheduleRecord, Store};
use jobs_core::{Services, WorkerId};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::checks::{self, Declared};
use super::shutdown::Shutdown;
use crate::env::Env;
use crate::error::Error;
use crate::health::{Board, Health};
use crate::scheduler::{self, Runs, Scheduler};
use crate::worker::canceller::Canceller;
use crate::worker::completer::Completer;
use crate::worker::executor::Executor;
use crate::worker::fetcher::Fetcher;
use crate::worker::heartbeat::Heartbeat;
use crate::worker::lease::{Keeper, Lease};
use crate::worker::pauser::Pauser;
use crate::worker::pool::Pool;
use crate::worker::pruner::Pruner;
use crate::worker::rescuer::Rescuer;
use crate::worker::supervisor::{Part, supervise};
use crate::worker::warden::Warden;
use crate::worker::{Options, Redact, Shared};

/// The engine's thread.
pub(super) struct Thread {
    handle: Option<Handle>,
    /// Ends the thread.
    end: CancellationToken,
}

impl Thread {
    /// Starts the thread, unless everything is spawned elsewhere.
    pub(super) fn start(wanted: bool) -> Result<Self, Error> {
        let end = CancellationToken::new();
        if !wanted {
            return Ok(Self { handle: None, end });
        }
        let refused = |source| Error::System { what: "a thread for the engine", source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(refused)?;
        let handle = runtime.handle().clone();
        let ended = end.clone();
        thread::Builder::new()
            .name("jobs-engine".to_owned())
            .spawn(move || runtime.block_on(ended.cancelled()))
            .map_err(refused)?;
        Ok(Self { handle: Some(handle), end })
    }

    /// Time, chance and tasks of the system, with jobs on the user's runtime.
    pub(super) fn env(&self, jobs: Handle) -> Env {
        Env::system(self.handle.clone().unwrap_or_else(|| jobs.clone()), jobs)
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// What an engine is made of.
pub(super) struct Plan {
    pub(super) env: Env,
    pub(super) store: Arc<dyn Store>,
    pub(super) owned: bool,
    pub(super) registry: Registry,
    pub(super) services: Services,
    pub(super) options: Options,
    pub(super) redact: Option<Redact>,
    pub(super) schedules: Vec<Declared>,
}

/// All parts, running.
pub(super) struct Engine {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    shutdown: Arc<Shutdown>,
}

impl Engine {
    /// Makes the worker known, declares its schedules, and starts all parts. Answers what waits in the store for nobody, too.
    pub(super) async fn start(plan: Plan, thread: Thread) -> Result<(Arc<Self>, Arc<Shared>, Vec<String>), Error> {
        let kinds: BTreeSet<String> = plan.registry.names().map(|(name, _)| name.to_owned()).collect();
        let shared = Arc::new(Shared {
            kinds: Arc::new(kinds),
            schedules: plan.schedules.iter().map(|declared| (declared.schedule.key.clone(), declared.schedule.clone())).collect(),
            runs: Runs::default(),
            began: OnceLock::new(),
            env: plan.env,
            store: plan.store,
            registry: plan.registry,
            services: Arc::new(plan.services),
            options: plan.options,
            board: Arc::new(Board::default()),
            redact: plan.redact,
        });
        let pool = Arc::new(Pool::new(shared.options.concurrency, &shared.options.queues));
        let lease = Arc::new(Lease::new(&pool, shared.env.worker_id()));
        let core = Core { shared: Arc::clone(&shared), pool: Arc::clone(&pool), lease };
        // These touch the clock, which belongs to the engine's thread.
        let (ready, started) = tokio::sync::oneshot::channel();
        let starting = core.clone();
        shared.env.spawn.engine(Box::pin(async move {
            // Whoever started the runtime may have gone away; its drop ends the engine.
            let _ = ready.send(introduce(&starting, plan.schedules).await);
        }));
        let unserved = started.await.map_err(|_| Error::Store(jobs_core::StoreError::Closed))??;
        let shutdown = Self::start_parts(&core, plan.owned, thread);
        Ok((Arc::new(Self { shared: Arc::clone(&shared), pool, shutdown }), shared, unserved))
    }

    fn start_parts(core: &Core, owned: bool, thread: Thread) -> Arc<Shutdown> {
        let (outcomes, handed_in) = mpsc::unbounded_channel();
        let (watched, to_watch) = mpsc::unbounded_channel();
        let (beats, beat) = watch::channel(Beat::default());
        let to_watch = Arc::new(Mutex::new(to_watch));
        let completer = Completer::new(&core.shared, &core.pool, handed_in);
        let executor = Arc::new(Executor {
            shared: Arc::clone(&core.shared),
            pool: Arc::clone(&core.pool),
            outcomes: outcomes.clone(),
            watched: watched.clone(),
        });
        let stop = [CancellationToken::new(), CancellationToken::new(), CancellationToken::new()];
        let [taking, writing, living] = &stop;

        let news = beat.clone();
        let fetcher = move |core: &Core| Fetcher::new(&core.shared, &core.pool, &core.lease, &executor, news.clone());
        let mut takers = vec![core.start("fetcher", taking, fetcher)];
        if core.shared.options.schedules {
            takers.push(core.start("scheduler", taking, |core| Scheduler::new(&core.shared, &core.lease)));
        }
        let news = beat.clone();
        takers.push(core.start("rescuer", taking, move |core| Rescuer::new(&core.shared, &core.lease, news.clone())));
        takers.push(core.start("pruner", taking, |core| Pruner::new(&core.shared)));

        let (handing_in, news) = (outcomes.clone(), beat.clone());
        let pauser = move |core: &Core| Pauser::new(&core.shared, &core.pool, handing_in.clone(), news.clone());
        takers.push(core.start("pauser", taking, pauser));

        let writer = completer.clone();
        let writers = vec![core.start("completer", writing, move |_| writer.clone())];

        let handing_in = outcomes.clone();
        let canceller = move |core: &Core| {
            Canceller::new(&core.shared, &core.pool, &core.lease, handing_in.clone(), watched.clone(), beat.clone())
        };
        let keepers = vec![
            core.start("warden", living, move |core| Warden::new(&core.shared, &to_watch)),
            core.start("canceller", living, canceller),
            core.start("heartbeat", living, move |core| Heartbeat::new(&core.shared, &core.lease, beats.clone())),
            core.start("keeper", living, |core| Keeper::new(&core.shared, &core.pool, &core.lease)),
        ];

        Arc::new(Shutdown {
            shared: Arc::clone(&core.shared),
            pool: Arc::clone(&core.pool),
            lease: Arc::clone(&core.lease),
            completer,
            outcomes,
            stop,
            ended: [takers, writers, keepers],
            owned,
            hurry: watch::Sender::new(0),
            done: CancellationToken::new(),
            begun: std::sync::Once::new(),
            thread: std::sync::Mutex::new(Some(thread)),
        })
    }

    pub(super) fn health(&self) -> Health {
        let load = self.pool.load();
        self.shared.board.snapshot(load.running, load.waiting, self.pool.paused())
    }

    /// Shuts down in four steps, and answers when all is done.
    pub(super) async fn shutdown(&self) {
        self.shutdown.begin();
        self.shutdown.done.cancelled().await;
    }

    /// Skips the step at which the shutdown is.
    pub(super) fn hurry(&self) {
        self.shutdown.hurry.send_modify(|times| *times += 1);
    }

    /// Shuts down without any waiting, in the background.
    pub(super) fn abandon(&self) {
        self.shutdown.hurry.send_modify(|times| *times += 2);
        self.shutdown.begin();
    }
}

/// What every part is given.
#[derive(Clone)]
struct Core {
    shared: Arc<Shared>,
    pool: Arc<Pool>,
    lease: Arc<Lease>,
}

impl Core {
    /// Starts a part under the supervisor. The token that it answers is cancelled when the part has ended.
    fn start<P: Part>(
        &self,
        name: &'static str,
        stop: &CancellationToken,
        make: impl Fn(&Core) -> P + Send + 'static,
    ) -> CancellationToken {
        let core = self.clone();
        supervise(&self.shared, name, stop, move || make(&core))
    }
}

/// Makes the worker known, declares its schedules, and fires those that run on start. Answers what waits in the store for nobody.
async fn introduce(core: &Core, declared: Vec<Declared>) -> Result<Vec<String>, jobs_core::StoreError> {
    let Core { shared, pool, lease } = core;
    Keeper::new(shared, pool, lease).register().await?;
    let (worker, _) = lease.current();
    let introduced = make_known(shared, worker, declared).await;
    if introduced.is_err() {
        // Others must not wait for a worker that never began.
        let _ = shared.within(shared.options.heartbeat, shared.store.leave(shared.env.now(), worker)).await;
    }
    introduced
}

async fn make_known(
    shared: &Arc<Shared>,
    worker: WorkerId,
    declared: Vec<Declared>,
) -> Result<Vec<String>, jobs_core::StoreError> {
    // What dead workers left is free before anything else is said of the store.
    // What nobody can run may be much; the rescuer puts it aside while the others work.
    loop {
        let rescue = shared.within_patience(shared.store.rescue(shared.env.now(), worker)).await?;
        if !rescue.more || rescue.freed + rescue.quarantined == 0 {
            break;
        }
    }
    if shared.options.schedules {
        declare(shared, declared).await?;
    }
    // Only a report: a store that is too busy to make it before the first heartbeat is due keeps nobody from working.
    let unserved = shared.within(shared.options.heartbeat, checks::unserved(&*shared.store, shared.env.now())).await;
    Ok(unserved.unwrap_or_else(|error| vec![format!("it could not be found out what waits although nobody takes it: {error}")]))
}

async fn declare(shared: &Arc<Shared>, declared: Vec<Declared>) -> Result<(), jobs_core::StoreError> {
    let taken = scheduler::declare(shared).await?;
    let now = shared.env.now();
    let tick = scheduler::beside(now.wall);
    let fires: Vec<Fire> = declared
        .iter()
        .filter(|declared| !taken.contains(&declared.schedule.key))
        .filter_map(|declared| {
            let build = match declared.run_on_start? {
                RunOnStart::Process => None,
                RunOnStart::Deployment => Some(shared.options.build.clone()),
            };
            let schedule = &declared.schedule;
            let begun = schedule.starts_at.is_none_or(|starts| starts <= tick);
            let ended = schedule.ends_at.is_some_and(|ends| ends <= tick);
            if !schedule.enabled || !begun || ended {
                return None;
            }
            let record = ScheduleRecord::new(schedule.clone(), tick);
            Some(Fire {
                key: schedule.key.clone(),
                occasion: Occasion::Start { build },
                tick,
                missed: 0,
                overlap: schedule.overlap,
                deal: Deal::Job(Box::new(scheduler::job_of(&record, tick, shared.env.job_id()))),
            })
        })
        .collect();
    for fires in fires.chunks(scheduler::BITE) {
        shared.within_patience(shared.store.fire(now, fires.to_vec())).await?;
    }
    Ok(())
}
