//! What goes wrong with a file: somebody else locks it, or fills its disk.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Storm;
use crate::chaos::faults::{Journal, What};
use crate::chaos::stage::{File, somebody};

pub(super) async fn rage(storm: &Storm<'_>, file: &File) {
    let mut chance = storm.plan.chance(1);
    let mut nth = 0;
    while let Some(lasts) = storm.rest(&mut chance, nth).await {
        nth += 1;
        let (path, filler, size) = (file.path(), file.filler(), file.size);
        let journal = Arc::clone(storm.journal);
        if file.is_on_small_disk && nth != 2 && chance.f64() < 0.5 {
            blocking(move || fill(&journal, &path, &filler, size, lasts)).await;
        } else {
            blocking(move || lock(&journal, &path, lasts)).await;
        }
    }
}

async fn blocking(fault: impl FnOnce() + Send + 'static) {
    tokio::task::spawn_blocking(fault).await.expect("a thread");
}

/// Holds the write lock. Whoever is frozen in the middle of a commit has it himself: then there is none to be had.
fn lock(journal: &Journal, path: &Path, lasts: Duration) {
    let lock = somebody(path).and_then(|lock| lock.execute_batch("BEGIN EXCLUSIVE").map(|()| lock));
    let Ok(lock) = lock else { return journal.in_vain(What::Lock) };
    let mark = journal.begin(What::Lock, "");
    std::thread::sleep(lasts);
    // Its lock ends with it.
    drop(lock);
    journal.end(mark);
}

/// Leaves no room on the disk, which is so when not even one byte more has any. What is behind the file already is cut off before, so that
/// the next write needs new room.
fn fill(journal: &Journal, path: &Path, filler: &Path, size: u64, lasts: Duration) {
    if let Ok(somebody) = somebody(path) {
        let _ = somebody.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
    let mut is_full = false;
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(filler) {
        for step in [1 << 20, 1 << 12, 1] {
            let block = vec![0_u8; step];
            is_full = false;
            while !is_full && file.metadata().is_ok_and(|file| file.len() < size) {
                is_full = file.write_all(&block).is_err_and(|error| error.kind() == ErrorKind::StorageFull);
            }
        }
    }
    let mark = is_full.then(|| journal.begin(What::FullDisk, ""));
    if is_full {
        std::thread::sleep(lasts);
    }
    let _ = fs::remove_file(filler);
    match mark {
        Some(mark) => journal.end(mark),
        None => journal.in_vain(What::FullDisk),
    }
}
