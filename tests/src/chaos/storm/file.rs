//! What goes wrong with a file: somebody else locks it, or fills its disk.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::Storm;
use crate::chaos::faults::What;
use crate::chaos::stage::{File, somebody};

pub(super) async fn rage(storm: &Storm<'_>, file: &File) {
    let mut chance = storm.plan.chance(1);
    let mut nth = 0;
    while let Some(lasts) = storm.rest(&mut chance, nth).await {
        nth += 1;
        let (path, filler, size) = (file.path(), file.filler(), file.size);
        if file.is_on_small_disk && nth != 2 && chance.f64() < 0.5 {
            let mark = storm.journal.begin(What::FullDisk, "");
            blocking(move || fill(&path, &filler, size, lasts)).await;
            storm.journal.end(mark);
        } else {
            let mark = storm.journal.begin(What::Lock, "");
            blocking(move || lock(&path, lasts)).await;
            storm.journal.end(mark);
        }
    }
}

async fn blocking(fault: impl FnOnce() + Send + 'static) {
    tokio::task::spawn_blocking(fault).await.expect("a thread");
}

/// Holds the write lock. Whoever is frozen in the middle of a commit has it himself: then there is none to be had.
fn lock(path: &Path, lasts: Duration) {
    let Ok(somebody) = somebody(path) else { return };
    if somebody.execute_batch("BEGIN EXCLUSIVE").is_ok() {
        std::thread::sleep(lasts);
        let _ = somebody.execute_batch("ROLLBACK");
    }
}

/// Leaves no room on the disk. What is behind the file already is cut off before, so that the next write needs new room.
fn fill(path: &Path, filler: &Path, mut left: u64, lasts: Duration) {
    if let Ok(somebody) = somebody(path) {
        let _ = somebody.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(filler) {
        for size in [1 << 20, 1 << 12, 1] {
            let block = vec![0_u8; size];
            while left > 0 && file.write_all(&block).is_ok() {
                left = left.saturating_sub(size as u64);
            }
        }
        std::thread::sleep(lasts);
    }
    let _ = fs::remove_file(filler);
}
