//! Where a value or a mistake comes from, as a person would look it up.

use std::fmt;

/// Where a value or a mistake comes from.
///
/// `Display` gives `default`, `jobs.toml:12`, `JOBS_LEASE` or `builder`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The table of options: nobody set it.
    Default,
    /// A file.
    File {
        /// Its path as it was given, such as `jobs.toml`.
        path: String,
        /// The line, from 1; `None` if the file as a whole is meant.
        line: Option<usize>,
        /// The column in characters, from 1; only mistakes of the TOML syntax have one.
        column: Option<usize>,
    },
    /// The environment variable of this name.
    Variable(String),
    /// The code, through [`Overrides`](super::Overrides).
    Builder,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line, column } => {
                f.write_str(path)?;
                line.iter().chain(column).try_for_each(|number| write!(f, ":{number}"))
            }
            Self::Variable(name) => f.write_str(name),
            Self::Builder => f.write_str("builder"),
        }
    }
}
