//! The table: the least user time of all rounds, in all and for each job.
//!
//! User time grows on a machine that has other work, by half and more where two threads share a core. How many jobs cost as much as
//! building syn, measured in the same rounds, stays the same, and is the figure to compare between runs and machines.

use std::collections::BTreeMap;

/// What a job may cost, in milliseconds of user time: `check` and `build`.
const TARGETS: [(&str, f64); 2] = [("check", 7.0), ("build", 13.0)];

/// The figures of a run.
pub struct Report {
    jobs: f64,
    rounds: usize,
    least: BTreeMap<(&'static str, &'static str), f64>,
}

impl Report {
    pub fn new(jobs: usize, rounds: usize) -> Self {
        Self { jobs: f64::from(u32::try_from(jobs).unwrap_or(u32::MAX)), rounds, least: BTreeMap::new() }
    }

    /// User seconds of one command on one crate in one round.
    pub fn add(&mut self, name: &'static str, command: &'static str, seconds: f64) {
        eprintln!("  {name:12} {command:5} {seconds:>6.2} s");
        let least = self.least.entry((name, command)).or_insert(seconds);
        *least = least.min(seconds);
    }

    fn least(&self, name: &'static str, command: &'static str) -> f64 {
        self.least.get(&(name, command)).copied().unwrap_or(f64::NAN)
    }

    fn a_job(&self, seconds: f64) -> f64 {
        1e3 * seconds / self.jobs
    }

    /// Prints everything.
    pub fn print(&self) {
        println!("{} fns with three arguments and a service; user time, the least of {} rounds.\n", self.jobs, self.rounds);
        println!("| | check | a job | build | a job |\n|---|---|---|---|---|");
        let rows = [("`#[job]`", "with_job"), ("the same fns alone", "plain_fns"), ("with a serde derive each", "with_derive")];
        for (what, name) in rows {
            self.row(what, self.least(name, "check"), self.least(name, "build"));
        }
        let more = |command| self.least("with_job", command) - self.least("plain_fns", command);
        self.row("`#[job]` less the fns", more("check"), more("build"));
        println!("\n| the macro's own build, with all it needs | |\n|---|---|");
        println!("| jobs-macros | {:.2} s |", self.least("macro_crate", "build"));
        println!("| syn alone, with the same features | {:.2} s |\n", self.least("syn_alone", "build"));
        let unit = self.least("syn_alone", "build");
        for (command, target) in TARGETS {
            let is = self.a_job(self.least("with_job", command));
            let verdict = if is <= target { "within" } else { "ABOVE" };
            let jobs = unit / (self.least("with_job", command) / self.jobs);
            println!(
                "{command}: {is:.1} ms a job, {verdict} the target of {target} ms; {jobs:.0} jobs cost as much as building syn"
            );
        }
    }

    fn row(&self, what: &str, check: f64, build: f64) {
        println!("| {what} | {check:.2} s | {:.1} ms | {build:.2} s | {:.1} ms |", self.a_job(check), self.a_job(build));
    }
}
