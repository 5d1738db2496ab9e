//! Compares the jobs that are linked into a test with a list that is checked in, so that a rename, a lost crate, a changed argument
//! or schedule is seen in review, and not by the jobs that it strands.
//!
//! [`assert_registered!`](crate::assert_registered) is the test. The list has one line for each kind, in the words of `#[job]`:
//!
//! ```text
//! clean_up() queue = "default", cron = "0 2 * * *", tz = "Europe/Berlin"
//! welcome(to: String, copy: Option<String>) queue = "mail", aliases = ["greet"]
//! ```
//!
//! Empty lines and lines that begin with `#` say nothing; the order says nothing either. `UPDATE_JOBS=1` in the environment of the
//! test writes the list anew, sorted, from what is linked.
//!
//! Types are written without their modules, as moving a type changes nothing that is stored. They come from
//! [`std::any::type_name`], which may spell a type otherwise in another version of the compiler: then the difference shows types
//! alone, and the list is written anew together with the change of the compiler. A type that keeps its name while its fields change
//! is not seen, nor a change of what a fn returns, which matters to the stored chains that it is part of.
//!
//! `line` writes and reads a line, `difference` compares.

mod difference;
mod line;

use std::fmt;
use std::path::{Path, PathBuf};

use jobs_core::registry::Registry;

use line::Line;

/// The variable that asks for the list to be written anew, by the value `1`.
pub const UPDATE: &str = "UPDATE_JOBS";

const HEADER: &str = "# The jobs of this program, one line each, as `jobs_runtime::assert_registered!` compares them.\n";

/// Fails a test when the jobs that are linked into it are not those of a list, with the difference and what to do about it.
///
/// The path is relative to the package of the test (`CARGO_MANIFEST_DIR`). An integration test is a crate of its own, so it names the
/// crates with jobs as the program does:
///
/// ```standalone_crate
/// # extern crate self as my_jobs;
/// # #[jobs_runtime::job(queue = "mail")] pub async fn welcome(to: String) { let _ = to; }
/// jobs_runtime::jobs!(my_jobs);
///
/// # fn main() {
/// // In a fn with `#[test]`.
/// jobs_runtime::assert_registered!("src/testing/registered/example.txt");
/// # }
/// ```
///
/// Jobs in `main.rs` and its modules are seen by a unit test there, with the jobs that stand in tests. [The module](
/// crate::testing::registered) says what the list looks like; `UPDATE_JOBS=1 cargo test` writes it.
///
/// # Panics
///
/// When [`compare`](crate::testing::registered::compare) fails.
#[macro_export]
macro_rules! assert_registered {
    ($path:expr $(,)?) => {
        $crate::testing::registered::assert(::core::env!("CARGO_MANIFEST_DIR"), $path)
    };
}

/// What [`assert_registered!`](crate::assert_registered) does, for the package in this folder.
///
/// # Panics
///
/// When [`compare`] fails.
#[track_caller]
pub fn assert(package: impl AsRef<Path>, list: impl AsRef<Path>) {
    if let Err(error) = compare(package.as_ref().join(list)) {
        panic!("{error}");
    }
}

/// Compares the jobs that are linked into this program with the list in a file, or writes the file where `UPDATE_JOBS` is `1`.
pub fn compare(list: impl Into<PathBuf>) -> Result<(), ListError> {
    let list = list.into();
    let registry = Registry::new(Registry::linked().cloned())
        .map_err(|duplicates| ListError::Duplicates(duplicates.iter().map(ToString::to_string).collect()))?;
    if std::env::var_os(UPDATE).is_some_and(|value| value == "1") {
        // Where nothing is linked the crates were not named, which is what the list is there to show.
        if !registry.is_empty() || !list.exists() {
            return std::fs::write(&list, written(&registry)).map_err(|source| ListError::Write { list, source });
        }
    }
    check(&registry, &list, std::fs::read(&list))
}

/// The list of these jobs.
fn written(registry: &Registry) -> String {
    registry.entries().iter().fold(HEADER.to_owned(), |text, entry| text + &Line::of(entry).text + "\n")
}

fn check(registry: &Registry, list: &Path, bytes: std::io::Result<Vec<u8>>) -> Result<(), ListError> {
    let bytes = bytes.map_err(|source| ListError::Read { list: list.to_owned(), source })?;
    let malformed = |line, problem: String| ListError::Malformed { list: list.to_owned(), line, problem };
    let text = str::from_utf8(&bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        malformed(line, "it is not UTF-8".to_owned())
    })?;
    let lines = line::read(text).map_err(|(line, problem)| malformed(line, problem))?;
    let problems = difference::between(&lines, registry);
    if problems.is_empty() { Ok(()) } else { Err(ListError::Differs { list: list.to_owned(), problems }) }
}

/// Why the jobs of a program are not those of its list.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// Kinds were renamed, lost, added or changed. Each text is lines of `-` and `+`, and what to do.
    #[error("the linked jobs are not those of {}:\n\n{}\n\n`UPDATE_JOBS=1` rewrites the list, if all of this is wanted", .list.display(), .problems.join("\n"))]
    Differs {
        /// The file.
        list: PathBuf,
        /// One for each kind.
        problems: Vec<String>,
    },
    /// A line is none of a list.
    #[error("{}:{line}: {problem}; `UPDATE_JOBS=1` rewrites the list", .list.display())]
    Malformed {
        /// The file.
        list: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The file cannot be read.
    #[error("the list of jobs {} cannot be read: {source}; `UPDATE_JOBS=1` writes it", .list.display())]
    Read {
        /// The file.
        list: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("the list of jobs {} cannot be written: {source}", .list.display())]
    Write {
        /// The file.
        list: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Two jobs have one name, so there is no list of them.
    #[error("{}", .0.join("\n"))]
    Duplicates(Vec<String>),
}

/// A test that returns an error prints it by `Debug`; what a person reads there is the text.
impl fmt::Debug for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
