//! Notes when nobody could come to the schedules though nobody held their lock on purpose: a process was frozen in the midst of a transaction,
//! or the disk gave no answer. A server ends such a transaction when the deadline of a call is over, and not before.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jobs_core::BoxError;
use tokio::time::sleep;

use crate::chaos::clock;
use crate::chaos::faults::{Journal, What};
use crate::chaos::stage::{Server, Stage, somebody};

/// For how long a transaction rests on a server where nothing is wrong, in seconds. A commit takes less time, too.
const REST: f64 = 0.2;

/// For how long the lock of a file is not to be had where it goes from hand to hand.
const BUSY: Duration = Duration::from_millis(500);

/// How often it is looked.
const STEP: Duration = Duration::from_millis(20);

/// The transaction that has rested longest. The locks of the darkness are known.
const RESTING: &str = "SELECT extract(epoch FROM max(clock_timestamp() - state_change))::float8 FROM pg_stat_activity \
                       WHERE state = 'idle in transaction' AND application_name <> 'darkness'";

/// What writes next to nothing, but waits for the disk as every commit does.
const COMMIT: &str = "SELECT pg_logical_emit_message(true, 'watch', '')";

/// Watches until it is dropped.
pub(super) async fn watch(stage: &Stage, journal: &Arc<Journal>) -> Result<(), BoxError> {
    match stage {
        Stage::File(file) => {
            let end = End::default();
            let (path, journal, ended) = (file.path(), Arc::clone(journal), Arc::clone(&end.0));
            tokio::task::spawn_blocking(move || of_file(&path, &journal, &ended)).await??;
            Ok(())
        }
        Stage::Server(server) => of_server(server, journal).await,
    }
}

/// Ends the watch of a file when it is dropped.
#[derive(Default)]
struct End(Arc<AtomicBool>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn of_file(path: &Path, journal: &Journal, ended: &AtomicBool) -> rusqlite::Result<()> {
    let somebody = somebody(path)?;
    somebody.busy_timeout(STEP)?;
    let mut free = clock::now();
    while !ended.load(Ordering::Relaxed) {
        if somebody.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok() {
            let now = clock::now();
            if now.saturating_sub(free) > BUSY {
                journal.between(What::Stuck, "", free, now);
            }
            free = now;
        }
        std::thread::sleep(STEP);
    }
    Ok(())
}

async fn of_server(server: &Server, journal: &Journal) -> Result<(), BoxError> {
    let somebody = server.somebody().await?;
    let mut mark = None;
    loop {
        let resting: Option<f64> = somebody.query_one(RESTING, &[]).await?.get(0);
        match (resting.is_some_and(|seconds| seconds > REST), mark) {
            (true, None) => mark = Some(journal.begin(What::Stuck, "")),
            (false, Some(begun)) => {
                journal.end(begun);
                mark = None;
            }
            _ => {}
        }
        let begun = clock::now();
        somebody.execute(COMMIT, &[]).await?;
        let ended = clock::now();
        if ended.saturating_sub(begun).as_secs_f64() > REST {
            journal.between(What::Stuck, "", begun, ended);
        }
        sleep(STEP).await;
    }
}
