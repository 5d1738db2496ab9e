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
use crate::store::names::Names;

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
    pub(super) after: After,
}

/// What follows when the open transaction is on the disk, and not before: whoever is woken must find what he is woken for, and what
/// is undone must have left no trace.
#[derive(Debug, Default)]
pub(super) struct After {
    /// Wakes those who wait for jobs.
    pub(super) jobs: bool,
    /// Wakes those who wait for commands.
    pub(super) commands: bool,
    /// What the judge has seen at a beat.
    pub(super) judge: Option<Judge>,
    /// Workers that have ended: their side files go, and the locks on them if they are this process's own.
    pub(super) ended: Vec<WorkerId>,
}

impl Session {
    /// The store's error for an error of the driver.
    pub(super) fn error(&self, error: &rusqlite::Error) -> StoreError {
        store_error(error, &self.place)
    }

    /// The transaction is on the disk: does what was to follow.
    pub(super) fn committed(&mut self) {
        let After { jobs, commands, judge, ended } = std::mem::take(&mut self.after);
        if let Some(judge) = judge {
            self.judge = judge;
        }
        for worker in ended {
            self.locks.remove(&worker);
            // Only the name goes; a frozen owner keeps its lock on a file that nobody looks for. A file that stays behind is removed
            // when the store is opened again.
            let _ = std::fs::remove_file(self.folder.join(worker.to_string()));
        }
        if jobs {
            self.signal.jobs();
        }
        if commands {
            self.signal.commands();
        }
    }

    /// The transaction is undone, and with it what was to follow, and what the pruner has passed over in it.
    pub(super) fn undone(&mut self) {
        self.after = After::default();
        self.cursors = Cursors::default();
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
    /// Whether the version is that of this very moment: the writer waits for the lock and looks without pause, or holds it.
    pub(super) fresh: AtomicBool,
}
