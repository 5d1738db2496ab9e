//! A place at which one simulated process after another lives, and what happens to them there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jobs_runtime::Runtime;
use tokio::time::Instant;

use super::executor::Executor;
use super::life::Life;
use super::plan::{Build, Dice, Plan, Trouble, What};
use super::server::Server;
use super::stage::Stage;
use super::wire::{Hears, Weather, Wire};

/// A place at which one process after another lives.
pub(super) struct Process {
    nth: usize,
    seed: u64,
    deaf: bool,
    kept: Option<Duration>,
    code: Vec<&'static str>,
    origin: Instant,
    executor: Executor,
    server: Arc<Server>,
    slot: Mutex<Slot>,
}

/// The process that lives there now.
pub(super) struct Slot {
    pub(super) life: Life,
    wire: Arc<Wire>,
    runtime: Option<Runtime>,
    /// Whether it was asked to stop.
    asked: bool,
    pub(super) build: Build,
    /// How many there were before it.
    before: u64,
    /// How long nobody lives there once it is gone, and what comes then.
    pub(super) next: (Duration, Build),
}

impl Process {
    /// The place of this number, at which nobody has lived yet.
    pub(super) fn new(plan: &Plan, origin: Instant, executor: &Executor, server: &Arc<Server>, nth: usize) -> Self {
        let life = Life::new("", origin, executor);
        let wire = Wire::new(server, &life, 0);
        life.kill();
        let build = if nth.is_multiple_of(2) { Build::New } else { Build::Old };
        let slot = Slot { life, wire, runtime: None, asked: false, build, before: 0, next: (Duration::ZERO, build) };
        let (executor, server) = (executor.clone(), Arc::clone(server));
        let Plan { seed, deaf, kept, ref code, .. } = *plan;
        let code = code.clone();
        Self { nth, seed, deaf, kept, code, origin, executor, server, slot: Mutex::new(slot) }
    }

    pub(super) fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts one process after another.
    pub(super) async fn supervise(self: Arc<Self>) {
        loop {
            let pause = self.slot().next.0;
            tokio::time::sleep(pause).await;
            let build = self.slot().next.1;
            let life = self.start(build);
            life.gone().await;
            self.server.note(&life.name(), "is gone");
            let runtime = self.slot().runtime.take();
            drop(runtime);
        }
    }

    fn start(self: &Arc<Self>, build: Build) -> Life {
        let (life, wire) = {
            let mut slot = self.slot();
            slot.before += 1;
            let life = Life::new(format!("worker {}.{}", self.nth, slot.before), self.origin, &self.executor);
            let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(self.nth as u64 * 1_000).wrapping_add(slot.before);
            let wire = Wire::new(&self.server, &life, seed);
            if self.deaf {
                wire.set_hears(Hears::Nothing);
            }
            let mut dice = Dice::new(seed.wrapping_add(500));
            if dice.chance(0.4) {
                life.keep_busy(dice);
            }
            slot.asked = false;
            slot.next = (Duration::from_secs(2), build);
            (slot.life, slot.wire, slot.build) = (life.clone(), Arc::clone(&wire), build);
            (life, wire)
        };
        self.server.note(&life.name(), format_args!("starts as build {}", build.name()));
        let (process, own) = (Arc::clone(self), life.clone());
        let stage = Stage::new(&self.server, &life, &wire, self.seed);
        life.spawn(async move {
            loop {
                match stage.program(&wire, build, process.kept, &process.code).start().await {
                    Ok(runtime) => {
                        process.slot().runtime = Some(runtime);
                        return;
                    }
                    Err(error) => {
                        process.server.note(&own.name(), format_args!("does not start: {error}"));
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
            }
        });
        life
    }

    /// Asks the process to stop. One that has not begun is killed.
    pub(super) fn stop(&self) -> Life {
        let (life, runtime) = {
            let mut slot = self.slot();
            if std::mem::replace(&mut slot.asked, true) {
                return slot.life.clone();
            }
            (slot.life.clone(), slot.runtime.take())
        };
        self.server.note(&life.name(), "is asked to stop");
        life.leave();
        match runtime {
            Some(runtime) => {
                let own = life.clone();
                life.spawn(async move {
                    runtime.shutdown().await;
                    own.kill();
                });
            }
            None => life.kill(),
        }
        life
    }

    /// Is killed with all others, and nobody lives here for so long.
    pub(super) fn fall(&self, down: Duration) {
        let life = {
            let mut slot = self.slot();
            slot.next.0 = down;
            slot.life.clone()
        };
        life.kill();
    }

    pub(super) async fn suffer(self: Arc<Self>, trouble: Trouble) {
        tokio::time::sleep_until(self.origin + trouble.at).await;
        let (life, wire) = {
            let slot = self.slot();
            (slot.life.clone(), Arc::clone(&slot.wire))
        };
        if life.is_gone() {
            return;
        }
        self.server.note("", trouble);
        *self.server.counts().troubles.entry(trouble.what.name()).or_default() += 1;
        let lasts = tokio::time::sleep(trouble.lasts);
        match trouble.what {
            What::Kill(build) => {
                self.slot().next = (trouble.lasts, build);
                life.kill();
            }
            What::Deploy(build) => {
                self.slot().next = (trouble.lasts, build);
                self.stop();
            }
            What::Freeze => {
                life.freeze();
                lasts.await;
                life.thaw();
                self.server.note(&life.name(), "goes on");
            }
            What::Jump(by) => {
                life.jump(by);
                lasts.await;
                life.jump(-by);
            }
            What::Rough | What::Slow | What::BlackHole | What::Fade | What::Drag | What::Spill | What::Lag | What::Refuse => {
                wire.set_weather(match trouble.what {
                    What::Rough => Weather::Rough,
                    What::Slow => Weather::Slow,
                    What::Fade => Weather::Late,
                    What::Drag => Weather::Drag,
                    What::Spill => Weather::Spill,
                    What::Lag => Weather::Lag,
                    What::Refuse => Weather::Refuse,
                    _ => Weather::BlackHole,
                });
                if trouble.what == What::Fade {
                    tokio::time::sleep(trouble.lasts / 3).await;
                    wire.set_weather(Weather::BlackHole);
                }
                lasts.await;
                wire.set_weather(Weather::Calm);
            }
            What::Deaf | What::Noise => {
                let hears = if trouble.what == What::Deaf { Hears::Nothing } else { Hears::Noise };
                wire.set_hears(if self.deaf { Hears::Nothing } else { hears });
                lasts.await;
                wire.set_hears(if self.deaf { Hears::Nothing } else { Hears::Well });
            }
        }
    }

    /// Ends all that is wrong.
    pub(super) fn set_right(&self) {
        let slot = self.slot();
        slot.life.thaw();
        slot.life.set_right();
        slot.wire.set_weather(Weather::Calm);
        slot.wire.set_hears(if self.deaf { Hears::Nothing } else { Hears::Well });
    }
}
