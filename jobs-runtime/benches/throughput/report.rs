//! The table: medians over the rounds, and ratios to the ceiling.

use std::collections::BTreeMap;

/// The figures of a run.
#[derive(Default)]
pub struct Report {
    rates: BTreeMap<(String, &'static str), Vec<f64>>,
    notes: Vec<String>,
}

impl Report {
    /// A rate per second, of one system in one round.
    pub fn rate(&mut self, what: &str, system: &'static str, rate: f64) {
        eprintln!("  {system:7} {what:40} {rate:>10.0}/s");
        self.rates.entry((what.to_owned(), system)).or_default().push(rate);
    }

    /// A figure of another sort.
    pub fn note(&mut self, text: String) {
        eprintln!("  {text}");
        self.notes.push(text);
    }

    fn median(&self, what: &str, system: &'static str) -> Option<f64> {
        let mut rates = self.rates.get(&(what.to_owned(), system))?.clone();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied()
    }

    /// Prints everything.
    pub fn print(&self) {
        println!("SQLite: WAL, synchronous=FULL, one fsync a commit; default settings of the runtime. Medians a second.\n");
        println!("| | raw SQLite | sqlite | ratio | memory |\n|---|---|---|---|---|");
        let whats: std::collections::BTreeSet<&String> = self.rates.keys().map(|(what, _)| what).collect();
        for what in whats {
            let cell = |rate: Option<f64>| rate.map_or_else(String::new, |rate| format!("{rate:.0}"));
            let (raw, sqlite) = (self.median(what, "raw"), self.median(what, "sqlite"));
            let ratio = raw.zip(sqlite).map_or_else(String::new, |(raw, ours)| format!("{:.0} %", 100.0 * ours / raw));
            let memory = self.median(what, "memory");
            println!("| {what} | {} | {} | {ratio} | {} |", cell(raw), cell(sqlite), cell(memory));
        }
        println!();
        for note in &self.notes {
            println!("- {note}");
        }
    }
}
