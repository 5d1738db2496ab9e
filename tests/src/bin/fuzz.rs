//! Fuzzes whatever reads what others wrote, for as long as it is told to.
//!
//! `fuzz --seconds 60 [--seed N] [--only cron,duration]`. Each target gets the same time. What is found is shown as small as it could be made,
//! with the seed that finds it again; then the program ends with 1.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tests::fuzz::{Chunk, Found, TARGETS, Target};

/// An answer that comes later than this is a mistake. Most take microseconds; a busy machine may take a thousand times as long.
const PATIENCE: Duration = Duration::from_secs(2);

struct Options {
    seconds: u64,
    seed: u64,
    only: Vec<String>,
}

fn options() -> Result<Options, String> {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let mut options = Options { seconds: 60, seed: u64::from(clock.subsec_nanos()), only: Vec::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{option} needs a value"))?;
        let number = || value.parse().map_err(|_| format!("{option} {value} is no number"));
        match option.as_str() {
            "--seconds" => options.seconds = number()?,
            "--seed" => options.seed = number()?,
            "--only" => options.only = value.split(',').map(str::to_owned).collect(),
            _ => return Err(format!("unknown option {option}: there are --seconds, --seed and --only")),
        }
    }
    let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    match options.only.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("unknown target {name}: there are {}", known.join(", "))),
        None => Ok(options),
    }
}

/// Runs a target chunk by chunk until its time is over.
fn fuzz(target: Target, seed: u64, time: Duration) -> Result<u64, (u64, Found)> {
    let began = Instant::now();
    let (mut cases, mut nth) = (0, seed);
    while began.elapsed() < time {
        let chunk = Chunk { seed: nth, cases: target.cases, patience: Some(PATIENCE) };
        (target.run)(&chunk).map_err(|found| (nth, found))?;
        cases += u64::from(target.cases);
        nth = nth.wrapping_add(1);
    }
    let rate = u128::from(cases) * 1_000 / began.elapsed().as_millis().max(1);
    println!("{:>14}  {cases:>10} cases  {rate:>9}/s", target.name);
    Ok(cases)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let has_server = std::env::var_os("JOBS_TEST_PG").is_some();
    let wanted = |target: &&Target| options.only.is_empty() || options.only.iter().any(|name| name == target.name);
    let (targets, left_out): (Vec<&Target>, Vec<&Target>) =
        TARGETS.iter().filter(wanted).partition(|target| has_server || target.name != "rows_postgres");
    for target in left_out {
        println!("{:>14}  left out: JOBS_TEST_PG names no PostgreSQL", target.name);
    }
    println!("seed {}", options.seed);
    // A panic is a verdict, and shrinking makes many of them.
    std::panic::set_hook(Box::new(|_| {}));
    let share = Duration::from_secs(options.seconds) / u32::try_from(targets.len().max(1)).unwrap_or(1);
    let mut is_right = true;
    for target in targets {
        if let Err((seed, Found { input, why })) = fuzz(*target, options.seed, share) {
            is_right = false;
            println!("{:>14}  FAILED: {why}\n  input: {input:.1000}\n  again: --seed {seed} --only {}", target.name, target.name);
        }
    }
    if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
