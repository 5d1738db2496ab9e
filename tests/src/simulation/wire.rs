//! The wire between one process and the store, on which calls are slow, fail, and lose their answers.
//!
//! A call that is under way is the wire's, not its caller's: when the caller is killed, it may still take effect. As on a real
//! database, calls of one lane take effect one after another, and a call whose caller has given up is over before the next begins.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jobs_core::record::{Unserved, WorkerRecord};
use jobs_core::store::{
    Beat, CancelAnswer, Claim, ClaimRequest, Completion, CompletionAnswer, Contract, Enqueued, Fire, Fired, Held, JobFilter,
    JobPage, JobStore, ManageStore, NewWorker, Now, PausedQueue, Rescue, Retention, ScheduleAnswer, ScheduleChange,
    ScheduleFilter, ScheduleList, ScheduleStore, Signal, StoreFuture, StoreInfo, TickFilter, TickRecord,
};
use jobs_core::{Counts, JobId, JobRecord, NewJob, StoreError, WorkerId};
use jobs_runtime::store::memory::MemoryStore;
use tokio::sync::oneshot;

use super::life::Life;
use super::plan::Dice;
use super::server::Server;

/// What the wire does to calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Weather {
    #[default]
    Calm,
    Rough,
    Slow,
    Late,
    BlackHole,
    Drag,
    Spill,
    Lag,
    Refuse,
}

/// What becomes of one call.
struct Fate {
    before: Duration,
    after: Duration,
    /// It fails before it has taken effect.
    refused: bool,
    /// Its answer is lost.
    silent: bool,
    /// It takes effect also if its caller does not wait for it any more.
    stubborn: bool,
}

/// Long enough for nobody to wait for it.
const FOR_EVER: Duration = Duration::from_secs(24 * 3_600);

/// One process's end of the store.
pub(super) struct Wire {
    server: Arc<Server>,
    life: Life,
    signal: Arc<Signal>,
    state: Arc<Mutex<State>>,
    lanes: [Arc<tokio::sync::Mutex<()>>; 5],
}

struct State {
    weather: Weather,
    hears: Hears,
    dice: Dice,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hears {
    Well,
    Nothing,
    Noise,
}

/// Calls of one lane take effect in order, but for commits, each of which has a connection of its own.
#[derive(Clone, Copy)]
enum Lane {
    Enqueues,
    Claims,
    Outcomes,
    Beats,
    Duties,
    Commits,
}

fn lost() -> StoreError {
    StoreError::Unavailable { message: "the wire is broken".into(), source: None }
}

impl Wire {
    /// A wire for a process. Its wake-ups are passed on as long as it lives.
    pub(super) fn new(server: &Arc<Server>, life: &Life, seed: u64) -> Arc<Self> {
        let wire = Arc::new(Self {
            server: Arc::clone(server),
            life: life.clone(),
            signal: Arc::default(),
            state: Arc::new(Mutex::new(State { weather: Weather::Calm, hears: Hears::Well, dice: Dice::new(seed) })),
            lanes: Default::default(),
        });
        wire.pass_on_wake_ups();
        wire
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the weather.
    pub(super) fn set_weather(&self, weather: Weather) {
        self.state().weather = weather;
        self.life.set_well(weather == Weather::Calm);
    }

    /// Changes how wake-ups are heard.
    pub(super) fn set_hears(&self, hears: Hears) {
        self.state().hears = hears;
        self.life.set_hears(hears != Hears::Nothing);
    }

    fn pass_on_wake_ups(&self) {
        let (state, signal) = (Arc::clone(&self.state), Arc::clone(&self.signal));
        let mut changes = self.server.signal().listen();
        self.life.spawn(async move {
            let mut heard = *changes.borrow_and_update();
            while changes.changed().await.is_ok() {
                let now = *changes.borrow_and_update();
                let (way, pause) = {
                    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                    (state.hears, state.dice.between(0, 20))
                };
                if way == Hears::Nothing {
                    heard = now;
                    continue;
                }
                tokio::time::sleep(pause).await;
                if now.jobs != heard.jobs {
                    signal.jobs();
                }
                if now.commands != heard.commands {
                    signal.commands();
                }
                heard = now;
                if way == Hears::Noise {
                    // Once more, when there may be nothing any more.
                    tokio::time::sleep(pause + Duration::from_millis(1)).await;
                    signal.all();
                }
            }
        });
    }

    fn fate(&self, lane: Lane) -> Fate {
        let State { weather, dice, .. } = &mut *self.state();
        let mut fate = Fate {
            before: dice.between(0, 3),
            after: dice.between(0, 3),
            refused: false,
            silent: false,
            stubborn: dice.chance(0.5),
        };
        match weather {
            Weather::Calm => {}
            Weather::Rough => match dice.below(20) {
                0 | 1 => fate.refused = true,
                2 | 3 => fate.silent = true,
                4 => fate.before = dice.between(100, 30_000),
                5 => fate.after = dice.between(100, 30_000),
                // Shorter than a lease, so that what was asked for comes, but late.
                6 => fate.before = dice.between(100, 8_000),
                7 | 8 => fate.after = dice.between(100, 8_000),
                9 => fate.before = FOR_EVER,
                10 => fate.after = FOR_EVER,
                _ => {}
            },
            Weather::Slow => {
                (fate.before, fate.after) = (dice.between(0, 1_500), dice.between(0, 7_000));
                fate.silent = dice.chance(0.15);
                if dice.chance(0.15) {
                    fate.before = FOR_EVER;
                }
            }
            // In time for a heartbeat.
            Weather::Late => fate.after = dice.between(2_000, 5_500),
            Weather::BlackHole => fate.before = FOR_EVER,
            Weather::Drag => match lane {
                Lane::Beats => fate.before = FOR_EVER,
                Lane::Duties if dice.chance(0.3) => fate.before = FOR_EVER,
                Lane::Outcomes => fate.before = dice.between(10_000, 30_000),
                Lane::Commits => fate.before = dice.between(2_000, 30_000),
                Lane::Enqueues | Lane::Claims | Lane::Duties => {}
            },
            Weather::Spill => match (lane, dice.below(10)) {
                (Lane::Outcomes | Lane::Commits, 0..4) => fate.refused = true,
                (Lane::Outcomes | Lane::Commits, 4..6) => fate.silent = true,
                (Lane::Outcomes | Lane::Commits, 6..8) => fate.before = dice.between(100, 8_000),
                _ => {}
            },
            Weather::Lag => {
                if let Lane::Claims = lane {
                    fate.after = dice.between(20, 2_000);
                }
            }
            Weather::Refuse => fate.refused = true,
        }
        self.server.counts().fates.add(&fate);
        fate
    }

    /// Begins a transaction.
    pub(super) fn begin(&self) -> StoreFuture<'_, ()> {
        self.call(Lane::Commits, |_, _| Ok(()))
    }

    /// Commits a transaction: rows, and the completion of their job.
    pub(super) fn commit(&self, now: Now, rows: Vec<JobId>, completion: String) -> StoreFuture<'_, ()> {
        self.call(Lane::Commits, move |server, life| server.commit(life, now, &rows, &completion))
    }

    fn call<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&Server, &Life) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        Box::pin(async move {
            let fate = self.fate(lane);
            let (mut answer, answered) = oneshot::channel();
            let restored = self.server.restored();
            let (server, life) = (Arc::clone(&self.server), self.life.clone());
            let is_commit = matches!(lane, Lane::Commits);
            let lane = self.lanes.get(lane as usize).map_or_else(Arc::default, Arc::clone);
            self.life.executor().spawn(async move {
                let turn = lane.lock_owned().await;
                if fate.refused {
                    tokio::time::sleep(fate.after).await;
                    drop(turn);
                    let _ = answer.send(Err(lost()));
                    return;
                }
                tokio::select! {
                    biased;
                    () = answer.closed() => {
                        if !fate.stubborn {
                            return;
                        }
                        if (life.is_gone() || is_commit) && fate.before < FOR_EVER {
                            // What a killed process has sent is on its way, and nobody can call it back; nor a commit whose connection
                            // was given up.
                            tokio::time::sleep(fate.before).await;
                        }
                    }
                    () = tokio::time::sleep(fate.before) => {}
                }
                // What was under way when the store was put back comes to nothing.
                let is_old = || server.restored() != restored;
                let result = if is_old() { Err(lost()) } else { work(&server, &life) };
                drop(turn);
                tokio::select! {
                    biased;
                    () = answer.closed() => {}
                    () = tokio::time::sleep(fate.after) => {}
                }
                let _ = answer.send(if fate.silent || is_old() { Err(lost()) } else { result });
            });
            answered.await.unwrap_or_else(|_| Err(lost()))
        })
    }
}

/// How often the wire did what.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fates {
    /// Calls in all.
    pub calls: u64,
    /// Calls that failed before they took effect.
    pub refused: u64,
    /// Calls whose answer was lost.
    pub silent: u64,
    /// Calls that were slow to take effect, or to answer.
    pub slow: u64,
    /// Calls that never took effect, or never answered.
    pub swallowed: u64,
}

impl Fates {
    fn add(&mut self, fate: &Fate) {
        let slowest = fate.before.max(fate.after);
        self.calls += 1;
        self.refused += u64::from(fate.refused);
        self.silent += u64::from(fate.silent);
        self.slow += u64::from(slowest >= Duration::from_millis(100) && slowest < FOR_EVER);
        self.swallowed += u64::from(slowest == FOR_EVER);
    }
}

impl JobStore for Wire {
    fn enqueue(&self, now: Now, jobs: Vec<NewJob>) -> StoreFuture<'_, Vec<Enqueued>> {
        self.call(Lane::Enqueues, move |server, life| server.enqueue(life, now, &jobs))
    }

    fn register(&self, now: Now, worker: NewWorker) -> StoreFuture<'_, ()> {
        self.call(Lane::Duties, move |server, life| server.register(life, now, &worker))
    }

    fn heartbeat(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, Beat> {
        self.call(Lane::Beats, move |server, life| server.heartbeat(life, now, worker))
    }

    fn rescue(&self, now: Now, by: WorkerId) -> StoreFuture<'_, Rescue> {
        self.call(Lane::Duties, move |server, life| server.rescue(life, now, by))
    }

    fn leave(&self, now: Now, worker: WorkerId) -> StoreFuture<'_, ()> {
        self.call(Lane::Duties, move |server, life| server.leave(life, now, worker))
    }

    fn abandon(&self, now: Now, held: Vec<Held>) -> StoreFuture<'_, u64> {
        self.call(Lane::Duties, move |server, life| server.abandon(life, now, held))
    }

    fn claim(&self, now: Now, request: ClaimRequest) -> StoreFuture<'_, Claim> {
        let call = self.call(Lane::Claims, move |server, life| server.claim(life, now, &request));
        Box::pin(async move {
            let claim = call.await?;
            self.server.arrived(&self.life, &claim);
            Ok(claim)
        })
    }

    fn complete(&self, now: Now, outcomes: Vec<Completion>) -> StoreFuture<'_, Vec<CompletionAnswer>> {
        self.call(Lane::Outcomes, move |server, life| server.complete(life, now, &outcomes))
    }

    fn reconcile(&self, now: Now, worker: WorkerId, known: Vec<Held>) -> StoreFuture<'_, u64> {
        self.call(Lane::Claims, move |server, life| server.reconcile(life, now, worker, known))
    }

    fn cancellations(&self, worker: WorkerId) -> StoreFuture<'_, Vec<JobId>> {
        self.call(Lane::Duties, move |server, _| server.ask(|store| store.cancellations(worker)))
    }

    fn contract(&self) -> Option<Contract> {
        Some(MemoryStore::CONTRACT)
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }

    fn info(&self) -> StoreInfo {
        self.server.info()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

impl ScheduleStore for Wire {
    fn change_schedules(&self, now: Now, change: ScheduleChange) -> StoreFuture<'_, Vec<ScheduleAnswer>> {
        self.call(Lane::Duties, move |server, life| server.change_schedules(life, now, &change))
    }

    fn schedules(&self, now: Now, filter: ScheduleFilter) -> StoreFuture<'_, ScheduleList> {
        self.call(Lane::Duties, move |server, _| server.schedules(now, filter))
    }

    fn ticks(&self, filter: TickFilter) -> StoreFuture<'_, Vec<TickRecord>> {
        self.call(Lane::Duties, move |server, _| server.ask(|store| store.ticks(filter)))
    }

    fn fire(&self, now: Now, ticks: Vec<Fire>) -> StoreFuture<'_, Vec<Fired>> {
        self.call(Lane::Duties, move |server, life| server.fire(life, now, &ticks))
    }
}

impl ManageStore for Wire {
    fn job(&self, id: JobId) -> StoreFuture<'_, Option<JobRecord>> {
        self.call(Lane::Duties, move |server, _| server.ask(|store| store.job(id)))
    }

    fn job_named(&self, name: String) -> StoreFuture<'_, Option<JobRecord>> {
        self.call(Lane::Duties, move |server, _| server.ask(|store| store.job_named(name)))
    }

    fn jobs(&self, filter: JobFilter) -> StoreFuture<'_, JobPage> {
        self.call(Lane::Duties, move |server, _| server.ask(|store| store.jobs(filter)))
    }

    fn counts(&self) -> StoreFuture<'_, Counts> {
        self.call(Lane::Duties, |server, _| server.ask(ManageStore::counts))
    }

    fn cancel(&self, now: Now, ids: Vec<JobId>, reason: String) -> StoreFuture<'_, Vec<CancelAnswer>> {
        self.call(Lane::Duties, move |server, life| server.cancel(life, now, ids, reason))
    }

    fn requeue(&self, now: Now, ids: Vec<JobId>) -> StoreFuture<'_, Vec<bool>> {
        self.call(Lane::Duties, move |server, life| server.requeue(life, now, ids))
    }

    fn pause(&self, now: Now, queues: Vec<String>) -> StoreFuture<'_, Vec<bool>> {
        self.call(Lane::Duties, move |server, life| server.pause(life, now, &queues))
    }

    fn resume(&self, queues: Vec<String>) -> StoreFuture<'_, Vec<bool>> {
        self.call(Lane::Duties, move |server, life| server.resume(life, &queues))
    }

    fn paused(&self) -> StoreFuture<'_, Vec<PausedQueue>> {
        let call = self.call(Lane::Duties, |server, _| server.paused());
        Box::pin(async move {
            let paused = call.await?;
            self.server.heard(&self.life, &paused);
            Ok(paused)
        })
    }

    fn prune(&self, now: Now, retention: Retention) -> StoreFuture<'_, usize> {
        self.call(Lane::Duties, move |server, life| server.prune(life, now, retention))
    }

    fn unserved(&self, now: Now) -> StoreFuture<'_, Vec<Unserved>> {
        self.call(Lane::Duties, move |server, _| server.ask(|store| store.unserved(now)))
    }

    fn workers(&self) -> StoreFuture<'_, Vec<WorkerRecord>> {
        self.call(Lane::Duties, |server, _| server.ask(ManageStore::workers))
    }
}
