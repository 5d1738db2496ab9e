//! Why a runtime did not start, or stopped: every mistake at once, each with what to do.

use std::fmt;

use jobs_core::StoreError;

use crate::settings::SettingsError;

/// Why a runtime did not start.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings have mistakes.
    #[error("{0}")]
    Settings(#[from] SettingsError),
    /// The registered jobs do not fit together or miss something.
    #[error("{}", list(.0))]
    Checks(Vec<String>),
    /// The store cannot be used.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A job was not enqueued.
    #[error("{0}")]
    Enqueue(#[from] jobs_core::EnqueueError),
    /// There is no tokio runtime to run jobs on.
    #[error("jobs run on a tokio runtime, and there is none here: call this inside `#[tokio::main]` or `Runtime::block_on`")]
    NoTokio,
    /// The system refused a thread or a signal.
    #[error("the system refused {what}: {source}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// Its answer.
        source: std::io::Error,
    },
}

/// `main` prints an error by `Debug`; what a person reads there is the text.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn list(mistakes: &[String]) -> String {
    match mistakes {
        [one] => one.clone(),
        many => many.iter().fold(format!("{} mistakes:", many.len()), |text, mistake| text + "\n  - " + mistake),
    }
}
