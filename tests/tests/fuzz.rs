//! A few cases of all that is fuzzed, always the same ones. `cargo run --release -p tests --bin fuzz` runs as many as one likes.

use std::process::Command;

use tests::fuzz::{Chunk, TARGETS};

#[test]
fn whatever_others_wrote_is_read_or_refused() {
    for target in TARGETS {
        let chunk = Chunk { seed: 1, cases: (target.cases / 10).max(1), patience: None };
        if let Err(found) = (target.run)(&chunk) {
            panic!("{}: {}\ninput: {:.4000}", target.name, found.why, found.input);
        }
    }
}

#[test]
fn a_quarter_of_a_minute_of_random_inputs_finds_nothing() {
    let fuzz = Command::new(env!("CARGO_BIN_EXE_fuzz")).args(["--seconds", "15", "--seed", "1"]).output().expect("it runs");
    println!("{}", String::from_utf8_lossy(&fuzz.stdout));
    assert!(fuzz.status.success(), "fuzz ended with {}: {}", fuzz.status, String::from_utf8_lossy(&fuzz.stderr));
}
