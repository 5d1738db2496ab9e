//! The chain: its jobs run one after the other, each with the output of the one before.

use crate::place::{Place, on};
use crate::program::Program;

const CHAIN: &str = env!("CARGO_BIN_EXE_chain");

on!(memory, sqlite, postgres: the_chain_counts_the_words_of_a_file);

fn the_chain_counts_the_words_of_a_file(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("letter.txt"), "Dear reader, dear Reader: dear words, and no others.").unwrap();
    let lines = place.start(CHAIN, folder.path(), &["letter.txt"]).end().well();
    let finish = "`finish` was the last to follow on `read`";
    assert_eq!(lines, ["    3 dear", "    2 reader", "    1 others", "    1 words", finish]);
}

on!(memory, sqlite, postgres: a_chain_that_stands_still_is_told_and_is_no_matter_of_the_next_one);

fn a_chain_that_stands_still_is_told_and_is_no_matter_of_the_next_one(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("picture.txt"), [0xff, 0xfe, 0x00]).unwrap();
    std::fs::write(folder.path().join("book.txt"), "word ".repeat(400_000)).unwrap();
    for (file, error) in [
        ("picture.txt", "chain: `read` failed: stream did not contain valid UTF-8"),
        ("book.txt", "chain: `read` failed: the work was done, but the next job of its chain cannot be made"),
    ] {
        let end = place.start(CHAIN, folder.path(), &[file]).end();
        assert!(!end.status.success() && end.errors.contains(error), "{end:#?}");
    }
    std::fs::write(folder.path().join("letter.txt"), "Dear reader").unwrap();
    place.start(CHAIN, folder.path(), &["letter.txt"]).end().well();
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let end = Program::start(CHAIN, folder.path(), &["nowhere.txt"]).end();
    assert!(!end.status.success());
    assert!(end.errors.starts_with("chain: nowhere.txt: "), "{}", end.errors);
}
