//! Pages of the guide that name tests: each name is that of a test which is there, and no cell of a table of promises is empty.
//!
//! A name reads `file::test`, with as much of the path before the file as is needed. `src`, `tests`, `mod` and `main` count for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jobs_runtime::testing::conformance::FACTS;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page(name: &str) -> String {
    let path = root().join("jobs-runtime/src/guide").join(name).with_extension("rs");
    let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = source.lines().filter_map(|line| line.strip_prefix("//!"));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// Every test of the workspace: its name, and the paths of the files that have one of this name.
fn all_tests() -> BTreeMap<String, Vec<Vec<String>>> {
    let mut tests: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for fact in FACTS {
        tests.entry(fact.name.to_owned()).or_default().push(vec!["conformance".to_owned(), fact.topic.to_owned()]);
    }
    let mut folders: Vec<PathBuf> =
        ["jobs-core", "jobs-macros", "jobs-runtime", "examples", "tests"].map(|part| root().join(part)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let parts = parts(path.strip_prefix(root()).unwrap());
                for name in tests_of(&std::fs::read_to_string(&path).unwrap()) {
                    tests.entry(name).or_default().push(parts.clone());
                }
            }
        }
    }
    tests
}

fn parts(path: &Path) -> Vec<String> {
    let parts = path.with_extension("");
    let parts = parts.iter().map(|part| part.to_string_lossy().into_owned());
    parts.filter(|part| !["src", "tests", "mod", "main"].contains(&part.as_str())).collect()
}

/// The fns below `#[test]` and `#[tokio::test]`.
fn tests_of(source: &str) -> Vec<String> {
    let (mut names, mut is_test) = (Vec::new(), false);
    for line in source.lines().map(str::trim_start) {
        is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let signature = line.strip_prefix("async ").unwrap_or(line);
        if let Some(signature) = signature.strip_prefix("fn ") {
            if is_test {
                names.extend(signature.split('(').next().map(str::to_owned));
            }
            is_test = false;
        }
    }
    names
}

/// All that a page names in the manner of tests. What is a link leads to something else.
fn named(page: &str) -> BTreeSet<String> {
    let parts: Vec<&str> = page.split('`').collect();
    let words = parts.chunks_exact(2).filter(|pair| !pair[0].ends_with('[')).map(|pair| pair[1]);
    let is_name = |word: &&str| {
        word.contains("::") && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:".contains(c))
    };
    words.filter(is_name).map(str::to_owned).collect()
}

/// The names that are those of no test.
fn missing(page: &str, tests: &BTreeMap<String, Vec<Vec<String>>>) -> Vec<String> {
    let is_there = |name: &String| {
        let mut place: Vec<&str> = name.split("::").collect();
        let files = place.pop().and_then(|test| tests.get(test));
        files.is_some_and(|files| {
            files.iter().any(|file| file.iter().rev().zip(place.iter().rev()).filter(|(a, b)| a == b).count() == place.len())
        })
    };
    named(page).into_iter().filter(|name| !is_there(name)).collect()
}

#[test]
fn every_test_that_a_page_names_is_there() {
    let tests = all_tests();
    for (name, least) in [("lessons", 60), ("promises", 40), ("protocol", 30)] {
        let page = page(name);
        assert_eq!(missing(&page, &tests), Vec::<String>::new(), "{name}");
        let names = named(&page).len();
        assert!(names >= least, "{name} names {names} tests");
    }
    // And a name that is none is noticed.
    let wrong = "`lease::no_such_test` and `schema::a_job_that_runs_ten_times_the_lease_runs_once`, `Totals::stale`";
    let wrong = missing(wrong, &tests);
    assert_eq!(wrong, ["lease::no_such_test", "schema::a_job_that_runs_ten_times_the_lease_runs_once"]);
}

/// The rows of the tables of a section, cell by cell.
fn rows(page: &str, section: &str) -> Vec<Vec<String>> {
    let (_, section) = page.split_once(&format!("# {section}\n")).unwrap_or_else(|| panic!("no section {section}"));
    let section = section.split("\n# ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn every_lesson_has_a_test() {
    let page = page("lessons");
    let sections = page.lines().filter_map(|line| line.strip_prefix("# ")).filter(|section| *section != "Looking for more");
    let mut lessons = 0;
    for section in sections {
        for row in rows(&page, section) {
            assert!(row.len() == 3 && !named(&row[2]).is_empty(), "{row:?}");
            lessons += 1;
        }
    }
    assert!(lessons > 25, "{lessons}");
}

#[test]
fn every_promise_has_a_test_or_is_said_to_be_none() {
    let page = page("promises");
    let rows = rows(&page, "What holds when something breaks");
    assert!(rows.len() >= 13, "{} rows", rows.len());
    for row in rows {
        assert_eq!(row.len(), 6, "{row:?}");
        for cell in &row[1..] {
            let mut notes = cell.split("[^").skip(1).map(|note| note.split(']').next().unwrap_or_default()).peekable();
            assert!(cell.starts_with("not promised") || notes.peek().is_some(), "{}: {cell}", row[0]);
            for note in notes {
                let text = page.lines().find(|line| line.starts_with(&format!("[^{note}]:")));
                assert!(text.is_some_and(|text| !named(text).is_empty()), "{}: the note {note} names no test", row[0]);
            }
        }
    }
}
