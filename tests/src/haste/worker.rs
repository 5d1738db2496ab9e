//! A worker process: the engine as it is, on the fast clock, until it is asked to stop.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jobs_core::BoxError;
use jobs_core::store::{JobStore, Store};
use jobs_runtime::Runtime;
use jobs_runtime::env::{Spawn, Task};
use jobs_runtime::settings::Sources;
use jobs_runtime::testing::guards::without;
use tokio::task::AbortHandle;

use super::clock::fast;
use super::course::Course;
use super::{schedules, sight};
use crate::chaos::ledger::{Event, Ledger};
use crate::chaos::log::Log;
use crate::chaos::plan::{DRAIN, HEARTBEAT, LEASE};
use crate::chaos::witness::Witness;
use crate::chaos::work::Desk;
use crate::chaos::worker::die_with_parent;

/// Works as the process of this name on the store of this URL, with its ledger in this folder, where its course is told.
pub fn work(name: &str, url: &str, folder: &Path) -> Result<(), BoxError> {
    let course = Course::read(folder)?;
    if course.without.is_none() {
        return tokio::runtime::Runtime::new()?.block_on(run(name, url, folder, &course));
    }
    // A guard is switched off for one thread.
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    without(course.without, || tokio.block_on(run(name, url, folder, &course)))
}

async fn run(name: &str, url: &str, folder: &Path, course: &Course) -> Result<(), BoxError> {
    let ledger = Arc::new(Ledger::open(&folder.join(format!("{name}.ledger")))?);
    Log::open(&folder.join(format!("{name}.log")), &ledger)?;
    die_with_parent();
    let witness = Arc::new(Witness::new(sight::open(url, course).await?, &ledger));
    let desk = Arc::new(Desk {
        process: name.to_owned(),
        ledger: Arc::clone(&ledger),
        witness: Arc::clone(&witness),
        runs: AtomicU64::new(0),
        length: schedules::length,
    });
    let mut builder = Runtime::builder()
        .sources(Sources::none())
        .without_linked()
        .store_opened(Arc::clone(&witness) as Arc<dyn Store>)
        .clock(Arc::new(course.clock_of(name)))
        // Six seconds for a call, twice that on a server.
        .store(url)
        .option("sqlite.busy_timeout", "10m")
        .option("postgres.deadline", "10m")
        .option("retention.completed", "30d")
        .worker_name(name)
        .concurrency(16)
        .lease(fast(LEASE))
        .heartbeat(fast(HEARTBEAT))
        .drain(fast(DRAIN))
        .grace(fast(DRAIN));
    if course.without.is_some() {
        builder = builder.spawn(Arc::new(Here));
    }
    for planned in &schedules::ALL {
        builder = builder.register(planned.kind(&desk, course.ends)?);
    }
    let runtime = builder.start().await?;
    ledger.write(&Event::Ready);
    runtime.run_until_signalled().await?;
    let _ = tokio::time::timeout(Duration::from_secs(1), witness.close()).await;
    Ok(())
}

/// Spawns all parts of the engine where it was started.
struct Here;

impl Spawn for Here {
    fn engine(&self, part: Task) {
        tokio::spawn(part);
    }

    fn job(&self, job: Task) -> AbortHandle {
        tokio::spawn(job).abort_handle()
    }
}
