//! The quickstart, killed at any moment.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::folder::{Folder, READABLE};
use crate::place::{Place, on};
use crate::quickstart::fingerprints;

const QUICKSTART: &str = env!("CARGO_BIN_EXE_quickstart");

/// How often the program is killed.
const KILLS: u32 = 12;

/// Within this time of its start. A run takes a second or two.
const LATEST: u64 = 900;

// Not in memory, which ends with its process.
on!(sqlite, postgres: killed_at_any_moment_it_goes_on_and_no_file_is_missing);

fn killed_at_any_moment_it_goes_on_and_no_file_is_missing(place: &Place) {
    let seed = std::env::var("JOBS_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("JOBS_TEST_SEED={seed}");
    let mut random = seed;
    let folder = Folder::new();
    let mut runs = BTreeSet::new();
    let mut reports = 0;
    for _ in 0..KILLS {
        let mut program = place.start(QUICKSTART, &folder.path, &["."]);
        random = next(random);
        if program.is_done_within(Duration::from_millis(random % LATEST)) {
            reports += 1;
            runs.extend(run(&program.end().well()));
        } else {
            runs.extend(run(&program.kill().lines));
        }
        // Before the first report there is none; then there is always a whole one.
        if folder.report().exists() {
            assert_eq!(fs::read_to_string(folder.report()).unwrap(), folder.expected());
            reports += 1;
        }
        // A new run begins only after a report.
        assert!(runs.len() <= reports + 1, "{runs:?}, {reports} reports");
    }
    let lines = place.start(QUICKSTART, &folder.path, &["."]).end().well();
    assert_eq!(fs::read_to_string(folder.report()).unwrap(), folder.expected());
    assert!(lines.contains(&folder.summary()), "{lines:#?}");
    runs.extend(run(&lines));
    let jobs = fingerprints(place, &folder.path);
    assert_eq!(jobs % (READABLE + 1), 0, "{jobs} jobs for {} files", READABLE + 1);
    assert!(jobs <= runs.len() * (READABLE + 1), "{jobs} jobs in {} runs", runs.len());
}

/// The id of the run that a process said it is at.
fn run(lines: &[String]) -> Option<String> {
    let (_, id) = lines.first()?.rsplit_once("run ")?;
    Some(id.trim_end_matches(')').to_owned())
}

/// The next of a sequence of random numbers: `splitmix64`, <https://prng.di.unimi.it/splitmix64.c>.
fn next(state: u64) -> u64 {
    let mut random = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    random = (random ^ (random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    random = (random ^ (random >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    random ^ (random >> 31)
}
