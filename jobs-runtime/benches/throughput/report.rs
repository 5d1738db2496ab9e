//! The tables: medians over the rounds, and ratios to the ceiling.

use std::collections::{BTreeMap, BTreeSet};

/// The figures of a run.
#[derive(Default)]
pub struct Report {
    rates: BTreeMap<(String, &'static str), Vec<f64>>,
    notes: Vec<String>,
}

/// The ceiling of a store.
fn ceiling(store: &str) -> Option<&'static str> {
    match store {
        "sqlite" => Some("raw SQLite"),
        "postgres" => Some("raw PostgreSQL"),
        _ => None,
    }
}

impl Report {
    /// A rate per second, of one system in one round.
    pub fn rate(&mut self, what: &str, system: &'static str, rate: f64) {
        eprintln!("  {system:14} {what:40} {rate:>10.0}/s");
        self.rates.entry((what.to_owned(), system)).or_default().push(rate);
    }

    /// A figure of another sort.
    pub fn note(&mut self, text: String) {
        eprintln!("  {text}");
        self.notes.push(text);
    }

    fn median(&self, what: &str, system: &str) -> Option<f64> {
        let rates = self.rates.iter().find(|((of, by), _)| of == what && *by == system);
        let mut rates = rates?.1.clone();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied()
    }

    /// Prints everything.
    pub fn print(&self) {
        println!("Durable commits (SQLite: WAL, synchronous=FULL); default settings of the runtime. Medians a second.");
        let stores = ["sqlite", "postgres", "memory"];
        let whats: BTreeSet<&String> = self.rates.keys().map(|(what, _)| what).collect();
        for store in stores.into_iter().filter(|store| self.rates.keys().any(|(_, system)| system == store)) {
            println!("\n| {store} | ceiling | ours | ratio |\n|---|---|---|---|");
            for what in &whats {
                let raw = ceiling(store).and_then(|raw| self.median(what, raw));
                let Some(ours) = self.median(what, store) else { continue };
                let ratio = raw.map_or_else(String::new, |raw| format!("{:.0} %", 100.0 * ours / raw));
                let raw = raw.map_or_else(String::new, |raw| format!("{raw:.0}"));
                println!("| {what} | {raw} | {ours:.0} | {ratio} |");
            }
        }
        println!();
        for note in &self.notes {
            println!("- {note}");
        }
    }
}
