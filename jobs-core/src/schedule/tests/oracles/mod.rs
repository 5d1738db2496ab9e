//! Two crates that read cron text, croner and cronexpr, as oracles: their next ticks are compared with ours for random expressions, zones
//! and instants, changes of the clock included.
//!
//! Both differ from crontab(5), and so from us. Each difference that is allowed is one of [`Difference`], and says how the oracle's answer
//! comes about: a difference between two answers is explained only if our rules with a few of these changes give the oracle's ticks, all of
//! them. Anything else fails. Each also has an example, which fails as soon as the oracle agrees with us.
//!
//! | difference | croner 4 | cronexpr 1 |
//! |---|---|---|
//! | `*,5`; `@midnight` | refused | read; refused with all nicknames |
//! | `*/60`, `*/24`; `FRI-SUN` | read | refused |
//! | `*/2` for a day beside another day | either day suffices | as ours |
//! | `SUN-SUN` | the whole week | as ours |
//! | several fixed times, when a clock changes | follow the clock on the wall | follow the clock on the wall |
//! | one fixed time | as ours, unless the gap ends on another day, or a day is skipped | follows the clock on the wall |
//! | a change at a minute other than 0, or between two days | as ours | ticks lost or in the past, or a search without end |
//! | the next tick is years away | as ours | an error after four years |
//! | ticks after 2099, or before 1970 | found | found |
//!
//! `PROPTEST_CASES` asks for more cases, and `PROPTEST_RNG_SEED` for others. With `--nocapture` the tests say what they counted.

mod case;
mod croner;
mod cronexpr;
mod difference;
mod endless;
mod walk;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use self::case::{Case, YEARS};
use self::difference::Difference;

const SEED: u64 = 2_610_250_200;

/// The other crate, and how its answers come about.
trait Oracle {
    /// What may explain a difference.
    const DIFFERENCES: &'static [Difference];

    /// Our ticks.
    fn ours(case: &Case) -> Vec<i64> {
        case.ticks()
    }

    /// The oracle's ticks, fewer where it gives up; nothing for a text that it refuses.
    fn ticks(case: &Case) -> Option<Vec<i64>>;

    /// Why it should refuse the text of `case`.
    fn refusal(case: &Case) -> Option<Difference>;

    /// The ticks by our rules, but for `differences`; without any, ours.
    fn recomputed(case: &Case, differences: &[Difference]) -> Vec<i64>;
}

/// Compares our answer to `case` with the oracle's.
fn explain<O: Oracle>(case: &Case) -> Result<Vec<Difference>, String> {
    judge::<O>(case, O::ticks(case))
}

/// The differences that give `theirs`, as few as will do; or both answers, if none do.
fn judge<O: Oracle>(case: &Case, theirs: Option<Vec<i64>>) -> Result<Vec<Difference>, String> {
    let Some(mut theirs) = theirs else {
        return O::refusal(case).map(|refusal| vec![refusal]).ok_or_else(|| format!("{case}: refused without a reason"));
    };
    if let Some(refusal) = O::refusal(case) {
        return Err(format!("{case}: accepted in spite of {refusal:?}"));
    }
    let ours = O::ours(case);
    let all = theirs.len();
    theirs.retain(|tick| YEARS.contains(&case.zone.wall(*tick).0));
    let mut found = if theirs.len() < all { vec![Difference::GoesBeyondOurYears] } else { Vec::new() };
    if theirs == ours {
        return Ok(found);
    }
    let both = || format!("{case}\n  ours   {:?}\n  theirs {:?}", case.shown(&ours), case.shown(&theirs));
    if O::recomputed(case, &[]) != ours {
        return Err(format!("ours are not what our rules give: {}", both()));
    }
    let mut sets: Vec<u32> = (1..1 << O::DIFFERENCES.len()).collect();
    sets.sort_by_key(|set| set.count_ones());
    for set in sets {
        let some: Vec<_> =
            O::DIFFERENCES.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, some)| *some).collect();
        if O::recomputed(case, &some) == theirs {
            found.extend(some);
            return Ok(found);
        }
    }
    Err(both())
}

/// Compares `cases` random cases, fails at the first that nothing explains, and says how often each difference was met; `usual` must be
/// among them.
fn compare<O: Oracle>(name: &str, cases: u32, any: impl Strategy<Value = Case>, usual: Difference) {
    let mut config = Config { failure_persistence: None, max_local_rejects: u32::MAX, ..Config::default() };
    let asked_for = env::var_os("PROPTEST_CASES").is_some();
    if !asked_for {
        config.cases = cases;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(SEED);
    }
    let (seed, cases) = (config.rng_seed, config.cases);
    let met = RefCell::new((0, BTreeMap::new()));
    let outcome = TestRunner::new(config).run(&any, |case| {
        let differences = explain::<O>(&case).map_err(TestCaseError::fail)?;
        let mut met = met.borrow_mut();
        met.0 += u32::from(differences.is_empty());
        for difference in differences {
            *met.1.entry(difference).or_default() += 1;
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{name}, {seed:?}: {error}"));
    let (same, met): (u32, BTreeMap<Difference, u32>) = met.into_inner();
    println!("{name}, {seed:?}: {same} of {cases} cases are the same, differences {met:?}");
    if !asked_for {
        assert!(same > cases / 2, "{name}: only {same} of {cases} cases agree, so it says little about ours");
        assert!(met.contains_key(&usual), "{name}: no case lies at a change of the clock, where it differs");
    }
}

/// An oracle's answer that differs: the difference, the text, the zone, the instant before, our ticks and the oracle's.
type Example = (Difference, &'static str, &'static str, &'static str, &'static [&'static str], &'static [&'static str]);

/// Checks that each example comes out as it is written, and that there is one for every difference of `expected`.
fn check<O: Oracle>(expected: &[Difference], examples: &[Example]) {
    for &(difference, text, zone, after, ours, theirs) in examples {
        let case = Case::new(text, zone, after);
        let answer = case.shown(&O::ours(&case));
        assert!(answer.starts_with(&texts(ours)), "{case}: ours are {answer:?}");
        let ticks = O::ticks(&case);
        let answer = ticks.map_or_else(Vec::new, |ticks| case.shown(&ticks));
        assert!(answer.starts_with(&texts(theirs)), "{case}: the oracle has changed, its ticks are {answer:?}");
        let found = explain::<O>(&case);
        assert_eq!(found, Ok(vec![difference]), "{case}: if the oracle agrees now, {difference:?} can go");
    }
    for difference in expected {
        assert!(examples.iter().any(|example| example.0 == *difference), "{difference:?} has no example");
    }
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}
