//! Fuzzing: hostile inputs for whatever reads what others wrote.
//!
//! A [`Target`] makes inputs, at random and by making mistakes in right ones (`mutate`), and judges what comes of each: `texts` those of
//! attributes and settings, `settings` the sources of settings, `payloads` what is stored with a job, `contract` what other
//! transactions give to the store, `rows` whole rows that somebody wrote by SQL. The program `fuzz` runs them for as long as it is told to; a test runs a few cases of each.

mod contract;
mod mutate;
mod payloads;
mod rows;
mod settings;
mod texts;

use std::fmt::Debug;
use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// Something that is fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called on the command line.
    pub name: &'static str,
    /// How many cases take about a tenth of a second.
    pub cases: u32,
    /// Runs so many cases, or stops at the first that fails.
    pub run: fn(&Chunk) -> Result<(), Found>,
}

/// All there are.
pub const TARGETS: [Target; 15] = [
    Target { name: "cron", cases: 2_000, run: texts::cron },
    Target { name: "duration", cases: 10_000, run: texts::duration },
    Target { name: "backoff", cases: 5_000, run: texts::backoff },
    Target { name: "name", cases: 10_000, run: texts::name },
    Target { name: "zone", cases: 500, run: texts::zone },
    Target { name: "id", cases: 5_000, run: texts::id },
    Target { name: "store_url", cases: 2_000, run: settings::store_url },
    Target { name: "toml", cases: 300, run: settings::toml },
    Target { name: "variables", cases: 1_000, run: settings::variables },
    Target { name: "payload", cases: 2_000, run: payloads::payload },
    Target { name: "chain", cases: 1_000, run: payloads::chain },
    Target { name: "contract_sqlite", cases: 100, run: contract::sqlite },
    Target { name: "contract_postgres", cases: 50, run: contract::postgres },
    Target { name: "rows_sqlite", cases: 2, run: rows::sqlite },
    Target { name: "rows_postgres", cases: 1, run: rows::postgres },
];

/// Some cases of one target.
#[derive(Clone, Copy, Debug)]
pub struct Chunk {
    /// From which all inputs follow.
    pub seed: u64,
    /// How many.
    pub cases: u32,
    /// How long one may take, if that is measured: an answer that comes so late is a mistake, too.
    pub patience: Option<Duration>,
}

/// An input that was judged wrong, as small as it could be made.
#[derive(Clone, Debug)]
pub struct Found {
    /// The input.
    pub input: String,
    /// What is wrong.
    pub why: String,
}

impl Chunk {
    /// Judges so many inputs. A panic is a verdict, too.
    pub fn check<S>(&self, inputs: S, judge: impl Fn(S::Value) -> Result<(), String>) -> Result<(), Found>
    where
        S: Strategy,
        S::Value: Debug,
    {
        let config = Config {
            cases: self.cases,
            failure_persistence: None,
            max_shrink_time: 20_000,
            max_shrink_iters: 20_000,
            ..Config::default()
        };
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
        let answer = runner.run(&inputs, |input| {
            let began = Instant::now();
            judge(input).map_err(TestCaseError::fail)?;
            match (self.patience, began.elapsed()) {
                (Some(patience), took) if took > patience => Err(TestCaseError::fail(format!("it took {took:?}"))),
                _ => Ok(()),
            }
        });
        answer.map_err(|error| match error {
            TestError::Fail(why, input) => Found { input: format!("{input:?}"), why: why.to_string() },
            TestError::Abort(why) => Found { input: "none".to_owned(), why: why.to_string() },
        })
    }
}

/// Says what is wrong unless it is right.
fn ensure(right: bool, wrong: impl FnOnce() -> String) -> Result<(), String> {
    if right { Ok(()) } else { Err(wrong()) }
}

/// Whether a message that may go to a terminal is one line of a bearable length.
fn is_plain(message: &str, most: usize) -> Result<(), String> {
    ensure(!message.is_empty(), || "the message is empty".to_owned())?;
    ensure(message.len() <= most, || format!("the message has {} bytes: {message:.300}", message.len()))?;
    ensure(!message.contains(char::is_control), || format!("the message has control characters: {message:?}"))
}
