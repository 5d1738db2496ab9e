//! What the writer's commands work on: the connection, and what this process knows beside it.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use jobs_core::store::Signal;
use jobs_core::{StoreError, WorkerId};
use rusqlite::Connection;

use super::error::store_error;
use super::prune::Cursors;
use super::rescue::Judge;

/// What commands work on: the connection, and what this process knows beside it.
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) place: Arc<str>,
    pub(super) folder: PathBuf,
    /// The side files of this process's own workers. Their locks say that it lives.
    pub(super) locks: HashMap<WorkerId, File>,
    pub(super) judge: Judge,
    pub(super) cursors: Cursors,
    /// Texts that recur in every job: kinds and queues.
    pub(super) names: Names,
    pub(super) watch: Arc<Watch>,
    pub(super) signal: Arc<Signal>,
}

impl Session {
    /// The store's error for an error of the driver.
    pub(super) fn error(&self, error: &rusqlite::Error) -> StoreError {
        store_error(error, &self.place)
    }

    /// Looks whether another process has written, and says so to all who wait.
    pub(super) fn look_out(&self) {
        let version = self
            .connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)));
        // A file that cannot be read now has nothing new to show.
        if version.is_ok_and(|version| self.watch.version.swap(version, Ordering::Relaxed) != version) {
            self.signal.all();
        }
    }

    /// Takes note that a lease is renewed by the transaction that is open: who writes after it may judge.
    pub(super) fn renewed(&self) {
        self.look_out();
        self.watch.at_renewal.store(self.watch.version.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// What is known of writes by other processes.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The file's `data_version`: it changes when another connection has committed.
    pub(super) version: AtomicI64,
    /// The version when this process last renewed a lease.
    pub(super) at_renewal: AtomicI64,
    /// Whether the writer waits for a lock that somebody else holds.
    pub(super) blocked: AtomicBool,
}

/// Shared copies of the few texts that occur in every job.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, Arc<str>>);

impl Names {
    /// The shared copy of a text.
    pub(super) fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.0.get(text) {
            return Arc::clone(shared);
        }
        // Names come from outside too; a flood of them must not stay.
        if self.0.len() >= 10_000 {
            self.0.clear();
        }
        let shared: Arc<str> = text.into();
        self.0.insert(text.to_owned(), Arc::clone(&shared));
        shared
    }
}
