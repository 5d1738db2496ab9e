//! The simulation can be trusted: it repeats itself, and it notices every guard of the protocol that is switched off.

use std::process::Command;

use jobs_runtime::testing::guards::{Guard, without};
use tests::simulation::{Plan, run, shrink};

/// How many seeds are tried until a guard that is off must have been noticed.
const SEEDS: u64 = 1_000;

/// Each is played twice.
#[test]
fn three_hundred_seeds_break_no_rule_and_repeat_themselves() {
    let simulate = Command::new(env!("CARGO_BIN_EXE_simulate")).args(["--seeds", "300"]).output().expect("it runs");
    println!("{}", String::from_utf8_lossy(&simulate.stdout));
    assert!(simulate.status.success(), "simulate ended with {}", simulate.status);
}

/// Not only in two plays of one process: neither its memory nor its surroundings count.
#[test]
fn a_seed_gives_the_same_history_in_two_processes() {
    for seed in ["1", "2", "3", "4", "5"] {
        let history = |zone| {
            let simulate = Command::new(env!("CARGO_BIN_EXE_simulate")).args(["--seed", seed]).env("TZ", zone).output();
            let simulate = simulate.expect("it runs");
            assert!(simulate.status.success(), "simulate ended with {}", simulate.status);
            String::from_utf8(simulate.stdout).expect("text")
        };
        let (one, other) = (history("UTC"), history("Asia/Tokyo"));
        assert!(one.lines().count() > 100, "{one}");
        let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
        assert!(one == other, "seed {seed}: the second history is another: {differs:?}");
    }
}

#[test]
fn different_seeds_give_different_histories() {
    assert_ne!(run(&Plan::of(1)).history, run(&Plan::of(2)).history);
}

/// The first seed that notices, and the rule that it says is broken.
fn noticed(guard: Guard) -> Option<(u64, String)> {
    (0..SEEDS).find_map(|seed| {
        let plan = Plan::of(seed);
        without(Some(guard), || {
            let report = run(&plan);
            let other = guard.is_of_order() && report.history != run(&plan).history;
            let rule = report.violation.map(|violation| violation.rule.to_owned());
            rule.or_else(|| other.then(|| "one seed gives one history".to_owned())).map(|rule| (seed, rule))
        })
    })
}

#[test]
fn every_guard_that_is_switched_off_is_noticed() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // What guards the statements of PostgreSQL against each other is shown by races there.
    let guards: Vec<Guard> = Guard::ALL.into_iter().filter(|guard| !guard.is_of_postgres()).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(guard) = guards.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let (seed, rule) = noticed(*guard).unwrap_or_else(|| panic!("nobody notices that `{guard}` is off"));
                    println!("without `{guard}`, seed {seed}: {rule}");
                }
            });
        }
    });
}

#[test]
fn a_plan_that_breaks_a_rule_is_made_smaller() {
    let (seed, _) = noticed(Guard::RepeatWindow).expect("it is noticed");
    let plan = Plan::of(seed);
    let (small, report) = without(Some(Guard::RepeatWindow), || shrink(&plan)).expect("it breaks a rule");
    assert_eq!(report.violation.expect("it still does").rule, "an enqueue that is repeated stores nothing");
    assert_eq!((small.orders.len(), small.pauses.len(), small.troubles.len()), (1, 0, 0), "{small:?}");
}
