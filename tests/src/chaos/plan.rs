//! What a run is asked to do, and the numbers that all its processes share.

use std::time::Duration;

/// How long a worker is believed to live without a sign: the shortest that there is.
pub(crate) const LEASE: Duration = Duration::from_secs(3);
/// How often it gives a sign.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long jobs may go on after the wish to stop, and how long after they were asked to stop.
pub(crate) const DRAIN: Duration = Duration::from_secs(1);
/// The deadline of a call on PostgreSQL.
pub(crate) const DEADLINE: Duration = Duration::from_secs(3);

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// A file, and all processes on it.
    Sqlite,
    /// A cluster of its own, behind one failing network for each process.
    Postgres,
}

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// On which store.
    pub store: StoreKind,
    /// How long there are faults.
    pub length: Duration,
    /// From which all choices follow. What the system makes of them does not.
    pub seed: u64,
    /// How many workers there are at once.
    pub workers: usize,
    /// Whether every execution too many and every lost lease is told with what explains it.
    pub verbose: bool,
    /// Whether effects are written outside of the transactions that complete their jobs, to see that the check would notice.
    pub outside: bool,
}

const USAGE: &str = "chaos --store sqlite|postgres [--seconds N] [--seed N] [--workers N] [--verbose] [--without transaction]";

impl Plan {
    /// Reads the arguments of the program. A seed that is not given is that of `JOBS_TEST_SEED`, or made up.
    pub fn read(arguments: &[String]) -> Result<Self, String> {
        let mut rest = arguments.to_vec();
        let without = rest.iter().position(|argument| argument == "--without");
        if let Some(place) = without {
            if rest.get(place + 1).is_none_or(|what| what != "transaction") {
                return Err(format!("`--without` takes `transaction`: {USAGE}"));
            }
            rest.drain(place..=place + 1);
        }
        Ok(Self { outside: without.is_some(), ..Self::minute(3).given(&rest, USAGE)? })
    }

    /// A minute on SQLite by so many workers, and a seed as [`read`](Self::read) finds one.
    #[must_use]
    pub fn minute(workers: usize) -> Self {
        let seed = std::env::var("JOBS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
        Self { store: StoreKind::Sqlite, length: Duration::from_secs(60), seed, workers, verbose: false, outside: false }
    }

    /// The same but for what these arguments say of a program that is used so.
    pub(crate) fn given(self, arguments: &[String], usage: &str) -> Result<Self, String> {
        let mut plan = self;
        let (flags, pairs): (Vec<&str>, Vec<&str>) =
            arguments.iter().map(String::as_str).partition(|argument| *argument == "--verbose");
        plan.verbose = !flags.is_empty();
        for pair in pairs.chunks(2) {
            let &[name, value] = pair else { return Err(format!("`{}` has no value: {usage}", pair[0])) };
            let number = || value.parse::<u64>().map_err(|_| format!("`{name} {value}` is no number: {usage}"));
            match name {
                "--store" if value == "sqlite" => plan.store = StoreKind::Sqlite,
                "--store" if value == "postgres" => plan.store = StoreKind::Postgres,
                "--seconds" => plan.length = Duration::from_secs(number()?.max(5)),
                "--seed" => plan.seed = number()?,
                "--workers" => plan.workers = usize::try_from(number()?).unwrap_or(1).clamp(1, 20),
                _ => return Err(format!("`{name} {value}` means nothing here: {usage}")),
            }
        }
        Ok(plan)
    }

    /// The chance of one part of the run, which does not hang on how often another part has drawn.
    #[must_use]
    pub fn chance(&self, part: u64) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed.wrapping_mul(1_000).wrapping_add(part))
    }

    /// The longest that one fault of a store lasts: half a minute in runs of a minute, less in shorter ones.
    #[must_use]
    pub fn longest_outage(&self) -> Duration {
        let part = if self.length < Duration::from_secs(60) { self.length / 3 } else { self.length / 2 };
        part.clamp(Duration::from_secs(1), Duration::from_secs(30))
    }
}
