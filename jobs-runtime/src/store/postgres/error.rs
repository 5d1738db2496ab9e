//! From the driver's errors to the store's: what may pass, what will not, and what a person should do.

use std::borrow::Cow;

use jobs_core::StoreError;
use tokio_postgres::error::{DbError, SqlState};

/// What a step of this store answers.
pub(super) type Result<T> = std::result::Result<T, Problem>;

/// What went wrong in a step.
#[derive(Debug)]
pub(super) enum Problem {
    /// The driver or the server says so.
    Driver(tokio_postgres::Error),
    /// This store says so.
    Store(StoreError),
    /// Something changed between two statements of a transaction: the same again.
    Again,
}

impl From<tokio_postgres::Error> for Problem {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Driver(error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A refusal by this store.
pub(super) fn refused(message: impl Into<String>) -> Problem {
    Problem::Store(StoreError::Refused { message: message.into(), source: None })
}

impl Problem {
    /// Whether the server undid the transaction for the sake of another one, so that the same may succeed at once.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Again)
            || matches!(self.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
            || matches!(self, Self::Driver(error) if is_new_day(error))
    }

    /// Whether the error lies in the values of the call, and not in the server or on the way to it.
    pub(super) fn is_own_fault(&self) -> bool {
        match self {
            _ if self.is_conflict() => false,
            Self::Driver(error) => error.code().map_or_else(|| !error.is_closed() && is_encoding(error), is_of_values),
            Self::Store(error) => matches!(error, StoreError::Refused { .. }),
            Self::Again => false,
        }
    }

    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Driver(error) => error.code(),
            Self::Store(_) | Self::Again => None,
        }
    }

    /// The store's error, for the store at `place`.
    pub(super) fn into_store_error(self, place: &str) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Driver(error) if !is_new_day(&error) => store_error(&error, place),
            Self::Driver(_) | Self::Again => {
                StoreError::Unavailable { message: Cow::Borrowed("others changed the same jobs again and again"), source: None }
            }
        }
    }
}

/// Whether a row was on its way to the catch-all of the history while its day was being made. The server says so as of a broken
/// constraint, but one without a name, which no table of ours has.
fn is_new_day(error: &tokio_postgres::Error) -> bool {
    let is_history = |error: &DbError| error.table().is_some_and(|table| table.starts_with("history_"));
    error
        .as_db_error()
        .is_some_and(|error| *error.code() == SqlState::CHECK_VIOLATION && error.constraint().is_none() && is_history(error))
}

/// Data exceptions, broken constraints, and limits of the server.
fn is_of_values(code: &SqlState) -> bool {
    matches!(code.code().get(..2), Some("22" | "23" | "54"))
}

fn is_encoding(error: &tokio_postgres::Error) -> bool {
    error.to_string().starts_with("error serializing parameter")
}

/// The error and its causes; the driver's own text says only "db error".
fn text(error: &tokio_postgres::Error) -> String {
    use std::error::Error;
    // The details of a refused row are its arguments.
    if let Some(error) = error.as_db_error().filter(|error| error.code().code().starts_with("23")) {
        return error.message().to_owned();
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn store_error(error: &tokio_postgres::Error, place: &str) -> StoreError {
    let text = text(error);
    let unusable = |advice: &str| StoreError::Unusable(format!("{place}: {text}; {advice}"));
    let passing = || StoreError::Unavailable { message: Cow::Owned(format!("{place}: {text}")), source: None };
    let Some(code) = error.code() else {
        if text.contains("TLS") || text.contains("certificate") {
            return unusable("check `sslmode` and `sslrootcert` in the URL");
        }
        return if is_encoding(error) { StoreError::Refused { message: text, source: None } } else { passing() };
    };
    match code.code() {
        "28000" | "28P01" => unusable("check the user and the password in the URL, and pg_hba.conf on the server"),
        "3D000" => unusable("create the database, or name another one in the URL"),
        "42501" => unusable("the role may not do this: the guide lists the rights that it needs"),
        "3F000" | "42P01" | "42703" => {
            unusable("the schema of jobs is missing or was changed: start a program that may create it")
        }
        // Serialization, resources, limits, operator intervention, connections, locks, a read-only standby.
        code if matches!(&code[..2], "40" | "53" | "57" | "08" | "55" | "58") || code == "25006" => passing(),
        _ => StoreError::Refused { message: text, source: None },
    }
}
