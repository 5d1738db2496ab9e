//! The plan of a simulation: which processes there are, what they are asked to do, and what happens to them. It follows from the seed
//! alone, and is data, so that a plan that fails can be made smaller.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;

use super::steps::{self, Restore, Step};
use super::unit::UNIT;

/// All that happens in one simulation.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed: of the plan, and of all chance in the simulation.
    pub seed: u64,
    /// How many worker processes there are.
    pub workers: usize,
    /// Whether the store tells the time, as a database server does, instead of its callers.
    pub server_clock: bool,
    /// Whether no process ever hears a wake-up, as behind a pooler.
    pub deaf: bool,
    /// Whether what is woken at one instant runs in an order that is drawn, and not in that of its birth.
    pub shuffled: bool,
    /// How long finished jobs are kept, where that is shorter than the simulation.
    pub kept: Option<Duration>,
    /// What is asked for.
    pub orders: Vec<Order>,
    /// Which queues rest for a while.
    pub pauses: Vec<Pause>,
    /// Which schedules stand in code beside the one of every plan; what they say depends on the build.
    pub code: Vec<&'static str>,
    /// What a client does to schedules.
    pub steps: Vec<Step>,
    /// When the store is put back to a copy.
    pub restore: Option<Restore>,
    /// What goes wrong.
    pub troubles: Vec<Trouble>,
}

/// A job that is asked for.
#[derive(Clone, Debug)]
pub struct Order {
    /// When.
    pub at: Duration,
    /// The number of the order, from which its id follows.
    pub nth: u64,
    /// The kind of the job.
    pub kind: &'static str,
    /// Its queue.
    pub queue: &'static str,
    /// Its payload.
    pub payload: String,
    /// How long it waits before it is due.
    pub delay: Option<Duration>,
    /// How long after the answer it is asked for once more, under the same id.
    pub repeat: Option<Duration>,
    /// How long after the answer it is cancelled.
    pub cancel: Option<Duration>,
    /// How long after the answer it is requeued, if it has ended.
    pub requeue: Option<Duration>,
}

/// A queue that is paused, and resumed.
#[derive(Clone, Debug)]
pub struct Pause {
    /// When.
    pub at: Duration,
    /// The queue.
    pub queue: &'static str,
    /// How many jobs that take no time come to it at once just before.
    pub rush: u64,
    /// How long after the answer to them it is paused.
    pub after: Duration,
    /// How long it rests; until all that others can do is done for `None`.
    pub lasts: Option<Duration>,
}

/// Something that goes wrong for one process.
#[derive(Clone, Copy, Debug)]
pub struct Trouble {
    /// When.
    pub at: Duration,
    /// For which worker process.
    pub worker: usize,
    /// What.
    pub what: What,
    /// For how long.
    pub lasts: Duration,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// It is killed, and started again, with this build.
    Kill(Build),
    /// It is asked to stop, and started again, with this build.
    Deploy(Build),
    /// It stands still.
    Freeze,
    /// Its wall clock is set, forward or back, and set right again.
    Jump(SignedDuration),
    /// Its calls fail, lose their answers, and are slow.
    Rough,
    /// Its calls are answered late, and some not at all.
    Slow,
    /// None of its calls comes through.
    BlackHole,
    /// Its calls are answered late, but in time; and then none comes through.
    Fade,
    /// Its outcomes take effect late, and meanwhile no heartbeat comes through.
    Drag,
    /// Its outcomes are lost, or their answers are.
    Spill,
    /// Its claims take effect, and are answered late.
    Lag,
    /// All of its calls fail at once.
    Refuse,
    /// It hears no wake-ups.
    Deaf,
    /// It hears wake-ups when there is nothing, and each twice.
    Noise,
}

/// A build of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Build {
    /// Knows `old`, and cannot decode the newer arguments of `shaped`.
    Old,
    /// Knows `new`, and decodes both.
    New,
}

impl Build {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Old => "1",
            Self::New => "2",
        }
    }
}

/// For how long things go wrong.
pub(super) const TROUBLED: Duration = Duration::from_secs(240);

/// The queues: the one of all jobs that ask for none, and one for jobs in great numbers.
pub(super) const QUEUES: [&str; 2] = ["default", "bulk"];

/// What makes the chance of pauses another one than that of all else in a plan.
const PAUSES: u64 = 0x7061_7573_6573;

/// The same for schedules.
const SCHEDULES: u64 = 0x7469_636b_7374;

/// The same for units of work.
const UNITS: u64 = 0x0075_6e69_7473;

/// The number of the first order of a unit of work.
const FIRST_UNIT: u64 = 50;

/// Chance, as plans need it.
pub(super) struct Dice(fastrand::Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    pub(super) fn chance(&mut self, of: f64) -> bool {
        self.0.f64() < of
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0.u64(..limit.max(1))
    }

    /// A duration in milliseconds between these, both included.
    pub(super) fn between(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.0.u64(least..=most))
    }

    /// One of these, each with its weight.
    pub(super) fn pick<T: Copy>(&mut self, of: &[(u64, T)]) -> T {
        let mut at = self.below(of.iter().map(|(weight, _)| weight).sum());
        for (weight, one) in of {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return *one,
            }
        }
        of[0].1
    }
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let workers = 2 + usize::try_from(dice.below(3)).unwrap_or(0);
        let (server_clock, deaf) = (dice.chance(0.5), dice.chance(0.15));
        let shuffled = dice.chance(0.5);
        let kept = dice.chance(0.25).then(|| Duration::from_secs(5 + dice.below(60)));
        let orders = (0..15 + dice.below(25)).map(|nth| order(&mut dice, nth)).collect();
        let mut troubles: Vec<Trouble> = (0..dice.below(14)).map(|_| trouble(&mut dice, workers)).collect();
        troubles.sort_by_key(|trouble| trouble.at);
        let (code, steps, restore) = steps::draw(&mut Dice::new(seed.wrapping_add(SCHEDULES)));
        let mut plan = Self {
            seed,
            workers,
            server_clock,
            deaf,
            shuffled,
            kept,
            orders,
            pauses: Vec::new(),
            code,
            steps,
            restore,
            troubles,
        };
        plan.add_pauses(&mut Dice::new(seed.wrapping_add(PAUSES)));
        plan.add_units(&mut Dice::new(seed.wrapping_add(UNITS)));
        plan
    }

    /// Spreads the jobs over the queues, and lets these rest.
    fn add_pauses(&mut self, dice: &mut Dice) {
        for order in &mut self.orders {
            order.queue = dice.pick(&[(3, QUEUES[0]), (1, QUEUES[1])]);
        }
        let pauses = dice.pick(&[(4, 0), (4, 1), (3, 2), (1, 3)]);
        self.pauses = (0..pauses).map(|_| pause(dice)).collect();
        self.pauses.sort_by_key(|pause| pause.at);
        // What is on its way to a process while its queue is paused.
        for pause in self.pauses.iter().filter(|pause| pause.rush > 0) {
            for worker in 0..self.workers {
                if dice.chance(0.4) {
                    let at = pause.at.saturating_sub(dice.between(0, 2_000));
                    self.troubles.push(Trouble { at, worker, what: What::Lag, lasts: dice.between(5_000, 20_000) });
                }
            }
        }
        self.troubles.sort_by_key(|trouble| trouble.at);
    }

    /// Adds jobs with transactions of their own, and what may come between them and their answers.
    fn add_units(&mut self, dice: &mut Dice) {
        for nth in 0..3 + dice.below(10) {
            let mut order = Order { kind: UNIT, payload: "{}".to_owned(), ..order(dice, FIRST_UNIT + nth) };
            order.queue = dice.pick(&[(3, QUEUES[0]), (1, QUEUES[1])]);
            self.orders.push(order);
        }
        for worker in 0..self.workers {
            if dice.chance(0.2) {
                let at = dice.between(1_000, 180_000);
                self.troubles.push(Trouble { at, worker, what: What::Spill, lasts: dice.between(5_000, 60_000) });
            }
        }
        self.troubles.sort_by_key(|trouble| trouble.at);
    }

    /// Whether more is done with schedules than that one of them ticks.
    pub(super) fn has_schedules(&self) -> bool {
        !self.code.is_empty() || !self.steps.is_empty()
    }

    /// How many things are in it.
    #[must_use]
    pub fn size(&self) -> usize {
        let schedules = self.code.len() + self.steps.len() + usize::from(self.restore.is_some());
        self.orders.len() + self.pauses.len() + self.troubles.len() + schedules + usize::from(self.deaf) + self.workers
    }
}

fn order(dice: &mut Dice, nth: u64) -> Order {
    let kind = dice.pick(&[
        (36, "work"),
        (20, "long"),
        (18, "chain"),
        (10, "parent"),
        (10, "shaped"),
        (4, "old"),
        (4, "new"),
        (2, "stranger"),
        (3, "killer"),
    ]);
    let payload = if kind == "shaped" && dice.chance(0.5) { r#"{"version":2}"# } else { r#"{"version":1}"# };
    // What runs for long is more often asked to stop while it runs.
    let (often, late) = if kind == "long" { (0.3, 60_000) } else { (0.1, 40_000) };
    let mut some = |of: f64, most: u64| dice.chance(of).then(|| dice.between(0, most));
    Order {
        nth,
        kind,
        queue: QUEUES[0],
        payload: payload.to_owned(),
        delay: some(0.2, 30_000),
        repeat: some(0.3, 60_000),
        cancel: some(often, late),
        requeue: some(0.1, 90_000),
        at: dice.between(0, 180_000),
    }
}

fn pause(dice: &mut Dice) -> Pause {
    let queue = dice.pick(&[(1, QUEUES[0]), (3, QUEUES[1])]);
    let rush = if dice.chance(0.7) { 20 + dice.below(40) } else { 0 };
    let lasts = dice.chance(0.85).then(|| dice.between(200, 40_000));
    Pause { queue, rush, after: dice.between(0, 60), lasts, at: dice.between(1_000, 200_000) }
}

fn trouble(dice: &mut Dice, workers: usize) -> Trouble {
    let build = if dice.chance(0.5) { Build::Old } else { Build::New };
    let ahead = SignedDuration::from_millis(i64::try_from(dice.below(1_200_000)).unwrap_or(0) - 600_000);
    let what = dice.pick(&[
        (6, What::Kill(build)),
        (4, What::Deploy(build)),
        (6, What::Freeze),
        (2, What::Jump(ahead)),
        (8, What::Rough),
        (5, What::Slow),
        (3, What::BlackHole),
        (4, What::Fade),
        (5, What::Drag),
        (2, What::Spill),
        (2, What::Refuse),
        (2, What::Deaf),
        (1, What::Noise),
    ]);
    let lasts = match what {
        What::Kill(_) | What::Deploy(_) => dice.between(0, 20_000),
        // Longer than a lease.
        What::Fade | What::Drag => dice.between(25_000, 60_000),
        _ => dice.between(500, 60_000),
    };
    let worker = usize::try_from(dice.below(workers as u64)).unwrap_or(0);
    let at = dice.between(1_000, 200_000);
    Trouble { at, worker, what, lasts: lasts.min(TROUBLED.saturating_sub(at)) }
}

impl What {
    /// Its name, without its details.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill(_) => "kill",
            Self::Deploy(_) => "deploy",
            Self::Freeze => "freeze",
            Self::Jump(_) => "clock jump",
            Self::Rough => "rough weather",
            Self::Slow => "slow answers",
            Self::BlackHole => "black hole",
            Self::Fade => "fading answers",
            Self::Drag => "dragging outcomes",
            Self::Spill => "spilt outcomes",
            Self::Lag => "late claims",
            Self::Refuse => "refusals",
            Self::Deaf => "lost wake-ups",
            Self::Noise => "doubled wake-ups",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { worker, what, lasts, .. } = self;
        write!(f, "{what:?} for worker {worker}, {} ms", lasts.as_millis())
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { queue, rush, after, lasts, .. } = self;
        write!(f, "pause of {queue}, {} ms after {rush} jobs, ", after.as_millis())?;
        match lasts {
            Some(lasts) => write!(f, "{} ms", lasts.as_millis()),
            None => f.write_str("to the end"),
        }
    }
}
