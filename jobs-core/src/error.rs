//! The errors that cross the border of this crate.

use std::borrow::Cow;

use crate::argument::ArgumentError;
use crate::outcome::BoxError;
use crate::text::TextError;

/// Why a job was not enqueued. Nothing was stored, unless the store did not answer: then repeat with the same id.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnqueueError {
    /// An argument has no JSON form.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    /// A kind, queue, name or tag breaks the rules for names.
    #[error("{0}")]
    Name(TextError),
    /// The payload is too large.
    #[error(
        "the arguments take {size} bytes, more than the {limit} that a job may carry: store them elsewhere and enqueue their name"
    )]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The largest size in bytes.
        limit: usize,
    },
    /// Too many jobs in a chain.
    #[error("{jobs} jobs in one chain are more than the {limit} there may be: let its last job enqueue the next ones")]
    ChainTooLong {
        /// How many there were.
        jobs: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Too many jobs at once.
    #[error("{jobs} jobs in one call are more than the {limit} that one transaction may hold: enqueue them in several calls")]
    TooMany {
        /// How many there were.
        jobs: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The store cannot take jobs from a transaction of the caller's own.
    #[error(
        "this store ({0}) takes no jobs from a transaction of the caller's own: PostgreSQL does, and SQLite from 3.51.3 on; or enqueue by \
         the client"
    )]
    NoContract(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why schedules were not changed. Nothing was, unless the store did not answer: then it is unknown, and the same may be asked again,
/// but for a run on request, of which there may then be two.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// A schedule is not as it may be: all that is wrong with it.
    #[error("the schedule `{key}` cannot be stored: {}", .mistakes.join("; "))]
    Invalid {
        /// Its key.
        key: String,
        /// What is wrong.
        mistakes: Vec<String>,
    },
    /// A key belongs to somebody else.
    #[error("the schedule `{key}` is left alone: {owner}")]
    Taken {
        /// The key.
        key: String,
        /// To whom it belongs, and what to do instead.
        owner: String,
    },
    /// There is no schedule of this key.
    #[error("there is no schedule `{key}`")]
    Unknown {
        /// The key.
        key: String,
    },
    /// Too many schedules at once.
    #[error(
        "{schedules} schedules in one call are more than the {limit} that one transaction may hold: save them in several groups"
    )]
    TooMany {
        /// How many there were.
        schedules: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The job of a schedule cannot be made.
    #[error(transparent)]
    Job(#[from] EnqueueError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached or is busy for now. The same call may succeed later; whether this one took effect is unknown.
    #[error("the store did not answer: {message}")]
    Unavailable {
        /// What happened.
        message: Cow<'static, str>,
        /// The driver's own error.
        #[source]
        source: Option<BoxError>,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The store cannot be used as it is, and waiting will not help. The text says what to do.
    #[error("{0}")]
    Unusable(String),
    /// The store refused this one request.
    #[error("the store refused the request: {message}")]
    Refused {
        /// What happened.
        message: String,
        /// The driver's own error.
        #[source]
        source: Option<BoxError>,
    },
}

impl StoreError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
