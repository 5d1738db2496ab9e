//! Simulates jobs on several processes, seed by seed, each twice, and says which rule was broken, if one was.
//!
//! `simulate --seeds 10000` plays these many plans from `--from 0` on; `--seed 7` plays one and prints its history; `--mutants`
//! switches each guard of the protocol off, one at a time, and says how many seeds find it.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jobs_runtime::testing::guards::{Guard, without};
use tests::simulation::{Commits, Plan, Report, run, shrink};

fn main() -> ExitCode {
    let mut options: BTreeMap<String, u64> = BTreeMap::new();
    let mut mutants = None;
    let mut arguments = std::env::args().skip(1).peekable();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--mutants" => mutants = Some(arguments.next_if(|next| !next.starts_with("--"))),
            "--seeds" | "--from" | "--seed" => match arguments.next().and_then(|value| value.parse().ok()) {
                Some(value) => drop(options.insert(argument, value)),
                None => return usage(&format!("{argument} takes a number")),
            },
            other => return usage(&format!("unknown argument `{other}`")),
        }
    }
    let seeds = options.get("--seeds").copied();
    let from = options.get("--from").copied().unwrap_or(0);
    if seeds == Some(0) {
        return usage("--seeds takes 1 or more");
    }
    match (mutants, options.get("--seed")) {
        (Some(only), _) => try_mutants(only.as_deref(), from, seeds.unwrap_or(1_000)),
        (None, Some(seed)) => show(*seed),
        (None, None) => play(from, seeds.unwrap_or(1_000)),
    }
}

fn usage(problem: &str) -> ExitCode {
    eprintln!("{problem}\n\nsimulate [--seeds N] [--from N]\nsimulate --seed N");
    eprintln!("simulate --mutants [NAME] [--seeds N] [--from N], NAME one of");
    for guard in guards() {
        eprintln!("  \"{guard}\"");
    }
    ExitCode::from(2)
}

/// Plays one plan, and prints what happened.
fn show(seed: u64) -> ExitCode {
    let plan = Plan::of(seed);
    let report = run(&plan);
    println!("{}", report.history.join("\n"));
    match report.violation {
        Some(violation) => {
            println!("\nseed {seed} broke a rule: {}: {}", violation.rule, violation.by);
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

/// Plays all seeds, on all processors, each twice.
fn play(from: u64, seeds: u64) -> ExitCode {
    let began = Instant::now();
    let next = AtomicU64::new(from);
    let end = from.saturating_add(seeds);
    let totals = Mutex::new(Totals::default());
    let failed: Mutex<Option<u64>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || lock(&failed).is_some_and(|failed| failed < seed) {
                        return;
                    }
                    let report = run(&Plan::of(seed));
                    if report.violation.is_some() || report.history != run(&Plan::of(seed)).history {
                        let mut failed = lock(&failed);
                        *failed = Some(failed.map_or(seed, |first| first.min(seed)));
                        return;
                    }
                    lock(&totals).add(&report);
                }
            });
        }
    });
    if let Some(seed) = *lock(&failed) {
        return fail(&Plan::of(seed));
    }
    let took = began.elapsed().as_secs_f64();
    lock(&totals).print();
    let rate = f64::from(u32::try_from(seeds).unwrap_or(u32::MAX)) / took;
    println!(
        "{seeds} seeds from {from} on, each twice with the same history: no rule broken, {took:.1} s, {rate:.1} seeds a second"
    );
    ExitCode::SUCCESS
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fail(plan: &Plan) -> ExitCode {
    let Some((small, report)) = shrink(plan) else {
        let (first, second) = (run(plan), run(plan));
        let differs = (0..first.history.len()).find(|nth| first.history.get(*nth) != second.history.get(*nth));
        let differs = differs.unwrap_or(first.history.len());
        println!("seed {}: the second history is another from line {} on:", plan.seed, differs + 1);
        for report in [first, second] {
            println!("  {}", report.history.get(differs).map_or("(its end)", String::as_str));
        }
        return ExitCode::FAILURE;
    };
    println!("{}\n", report.history.join("\n"));
    println!(
        "{} workers, {} orders, deaf: {}, shuffled: {}, the store tells the time: {}, finished jobs are kept for: {:?}",
        small.workers,
        small.orders.len(),
        small.deaf,
        small.shuffled,
        small.server_clock,
        small.kept
    );
    for pause in &small.pauses {
        println!("  at {} ms: {pause}", pause.at.as_millis());
    }
    println!("  schedules in code: {}", small.code.join(" "));
    for step in &small.steps {
        println!("  at {} ms: {step}", step.at.as_millis());
    }
    if let Some(restore) = small.restore {
        println!("  at {} ms: {restore:?}", restore.at.as_millis());
    }
    for trouble in &small.troubles {
        println!("  at {} ms: {trouble}", trouble.at.as_millis());
    }
    if let Some(violation) = report.violation {
        println!("\nseed {} broke a rule: {}: {}", plan.seed, violation.rule, violation.by);
        println!("(above: the smallest plan that was found; `--seed {}` plays the whole one)", plan.seed);
    }
    ExitCode::FAILURE
}

/// The guards that a simulation may notice the absence of: to it a call of the store is one instant.
fn guards() -> impl Iterator<Item = Guard> {
    Guard::ALL.into_iter().filter(|guard| !guard.is_of_postgres())
}

/// Switches guards off, one at a time.
fn try_mutants(only: Option<&str>, from: u64, seeds: u64) -> ExitCode {
    if only.is_some_and(|only| guards().all(|guard| guard.to_string() != only)) {
        return usage("no guard has this name");
    }
    let mut missed = Vec::new();
    let wanted = |guard: &Guard| only.is_none_or(|only| guard.to_string() == only);
    for guard in guards().filter(wanted) {
        let (mut found, mut first, mut rules) = (0, None, BTreeMap::<&str, u64>::new());
        for seed in from..from.saturating_add(seeds) {
            let plan = Plan::of(seed);
            let rule = without(Some(guard), || {
                let report = run(&plan);
                match report.violation {
                    Some(violation) => Some(violation.rule),
                    None if guard.is_of_order() && report.history != run(&plan).history => Some("one seed gives one history"),
                    None => None,
                }
            });
            if let Some(rule) = rule {
                found += 1;
                first.get_or_insert(seed);
                *rules.entry(rule).or_default() += 1;
            }
        }
        let mut rules: Vec<_> = rules.into_iter().collect();
        rules.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        let first = first.map_or(String::new(), |first| format!(", first by seed {first}"));
        let rules: Vec<String> = rules.into_iter().take(2).map(|(rule, times)| format!("{rule} ({times})")).collect();
        println!("without {:<24} found by {found:>5} of {seeds} seeds{first}: {}", format!("`{guard}`"), rules.join("; "));
        if found == 0 {
            missed.push(guard.to_string());
        }
    }
    if missed.is_empty() {
        println!("every guard that is switched off is noticed");
        return ExitCode::SUCCESS;
    }
    println!("not noticed: {}", missed.join(", "));
    ExitCode::FAILURE
}

/// What happened in all plays together.
#[derive(Default)]
struct Totals {
    jobs: u64,
    runs: u64,
    effects: u64,
    commits: Commits,
    lines: usize,
    troubles: BTreeMap<&'static str, u64>,
    calls: [(&'static str, u64); 5],
}

impl Totals {
    fn add(&mut self, report: &Report) {
        self.jobs += report.jobs;
        self.runs += report.runs;
        self.effects += report.effects;
        self.commits.done += report.commits.done;
        self.commits.refused += report.commits.refused;
        self.lines += report.history.len();
        for (name, times) in &report.troubles {
            *self.troubles.entry(name).or_default() += times;
        }
        let fates = &report.fates;
        let calls = [
            ("in all", fates.calls),
            ("refused", fates.refused),
            ("answer lost", fates.silent),
            ("slow", fates.slow),
            ("swallowed", fates.swallowed),
        ];
        for ((name, sum), (of, times)) in self.calls.iter_mut().zip(calls) {
            (*name, *sum) = (of, *sum + times);
        }
    }

    fn print(&self) {
        let list =
            |pairs: Vec<(&str, u64)>| pairs.iter().map(|(name, times)| format!("{name} {times}")).collect::<Vec<_>>().join(", ");
        println!("jobs {}, runs {}, lines of history {}", self.jobs, self.runs, self.lines);
        let Commits { done, refused } = self.commits;
        println!("effects of units of work {}, commits {done}, refused as stale {refused}", self.effects);
        println!("troubles: {}", list(self.troubles.iter().map(|(name, times)| (*name, *times)).collect()));
        println!("calls: {}", list(self.calls.to_vec()));
    }
}
