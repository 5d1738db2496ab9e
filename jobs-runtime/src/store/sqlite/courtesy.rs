//! Letting others write: SQLite's lock goes to whoever asks at the right moment, so a process that writes without pause would
//! starve all others.
//!
//! Whoever waits for the lock holds a shared lock on a side file. Whoever has just committed looks whether anybody does, and if so
//! steps back until one of the waiting has written.

use std::fs::File;
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::file::open_side_file;

/// How long a writer steps back at most. Longer than the longest pause between two tries of one who waits.
const STEP_BACK: Duration = Duration::from_millis(4);

/// How often it looks meanwhile.
const LOOK: Duration = Duration::from_micros(200);

/// The side file by which writers let each other pass.
#[derive(Debug)]
pub(super) struct Courtesy {
    file: File,
    waiting: bool,
}

impl Courtesy {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self { file: open_side_file(&folder.join("waiting"))?, waiting: false })
    }

    /// Says that this process waits for the lock.
    pub(super) fn wait(&mut self) {
        if !self.waiting {
            self.waiting = self.file.try_lock_shared().is_ok();
        }
    }

    /// Says that it waits no more.
    pub(super) fn done(&mut self) {
        if self.waiting {
            self.waiting = self.file.unlock().is_err();
        }
    }

    /// After a commit: gives way while others wait.
    pub(super) fn step_back(&self) {
        for _ in 0..STEP_BACK.as_micros() / LOOK.as_micros() {
            if self.file.try_lock().is_ok() {
                // Nobody waits. If unlocking fails the file is gone, and with it everybody who could wait.
                let _ = self.file.unlock();
                return;
            }
            sleep(LOOK);
        }
    }
}
