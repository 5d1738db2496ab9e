//! Lines for the person who watches. A closed pipe (`quickstart | head`) is no reason to stop the work.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

/// Prints a line.
pub(crate) fn say(text: impl Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// The console as a service that jobs borrow. It does not repeat itself.
#[derive(Debug, Default)]
pub(crate) struct Console {
    last: Mutex<String>,
}

impl Console {
    /// Prints a line, unless it is the same as the one before.
    pub(crate) fn news(&self, text: String) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != text {
            say(&text);
            *last = text;
        }
    }
}
