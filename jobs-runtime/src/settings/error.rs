//! Every mistake in the settings at once, each with its place, the value and what is allowed there.

use std::fmt;

use super::source::Source;

/// The settings cannot be used. `Display` lists all mistakes, one a line; passwords in them are masked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettingsError {
    /// All mistakes: those of the files by line, of the variables, of the builder, then those between options.
    pub mistakes: Vec<Mistake>,
}

/// One mistake in the settings.
///
/// `Display` gives one line, such as ``jobs.toml:3: lease is `1s`, allowed are 3s to 10m``.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistake {
    /// Where it was written.
    pub source: Source,
    /// The path of the option, such as `shutdown.drain`, if one is meant.
    pub path: Option<String>,
    /// What is wrong: a lower-case fragment that follows the path and names the value and what is allowed.
    pub problem: String,
    /// What to write instead, if that is known.
    pub help: Option<String>,
}

/// What is wrong with a value, before its place is known: the end of a [`Mistake`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) text: String,
    pub(super) help: Option<String>,
}

impl Problem {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), help: None }
    }

    pub(super) fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The mistake of an option.
    pub(super) fn of(self, path: impl Into<String>, source: Source) -> Mistake {
        Mistake { source, path: Some(path.into()), problem: self.text, help: self.help }
    }

    /// The mistake of a whole source.
    pub(super) fn at(self, source: Source) -> Mistake {
        Mistake { source, path: None, problem: self.text, help: self.help }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.source)?;
        if let Some(path) = &self.path {
            write!(f, "{path} ")?;
        }
        f.write_str(&self.problem)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mistakes.len() {
            1 => f.write_str("settings have 1 mistake:")?,
            many => write!(f, "settings have {many} mistakes:")?,
        }
        self.mistakes.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

impl std::error::Error for SettingsError {}
