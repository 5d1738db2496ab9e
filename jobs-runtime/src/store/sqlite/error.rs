//! From the driver's errors to the store's: what may pass, what will not, and what a person should do.

use std::borrow::Cow;

use jobs_core::StoreError;
use rusqlite::ErrorCode;

/// What a step of this store answers.
pub(super) type Result<T> = std::result::Result<T, StoreError>;

/// The store's error for an error of the driver on the file `place`.
pub(super) fn store_error(error: &rusqlite::Error, place: &str) -> StoreError {
    let text = error.to_string();
    let unusable = |advice: &str| StoreError::Unusable(format!("{place}: {text}; {advice}"));
    let passing = |message: String| StoreError::Unavailable { message: Cow::Owned(message), source: None };
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            passing(format!("{place} is locked by another program: look for one that holds a transaction open"))
        }
        Some(ErrorCode::DiskFull) => passing(format!("the disk of {place} is full")),
        Some(ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory | ErrorCode::OperationInterrupted) => {
            passing(format!("{place}: {text}"))
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            unusable("jobs must be able to write the file and its folder: check their owner and their rights")
        }
        Some(ErrorCode::CannotOpen) => unusable("check that the folder exists and that this user may write to it"),
        Some(ErrorCode::NotADatabase) => unusable("the file is no SQLite database: give jobs a file of its own"),
        Some(ErrorCode::DatabaseCorrupt) => {
            unusable("the file is damaged: stop all programs that use it, and restore a backup or try `sqlite3 FILE .recover`")
        }
        _ => StoreError::Refused { message: text, source: None },
    }
}

/// Whether another connection holds the lock that was wanted.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether the error lies in one statement's own values, and not in the file or the disk.
pub(super) fn is_own_fault(error: &rusqlite::Error) -> bool {
    !matches!(store_error(error, ""), StoreError::Unavailable { .. } | StoreError::Unusable(_))
}
