//! A worker process: the engine as it is, on the store that it was given, until it is asked to stop.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jobs_core::BoxError;
use jobs_core::store::{JobStore, Store};
use jobs_runtime::Runtime;
use jobs_runtime::settings::Sources;
use jobs_runtime::store::postgres::{PostgresOptions, PostgresStore};
use jobs_runtime::store::sqlite::{SqliteOptions, SqliteStore};

use super::effects::Effects;
use super::ledger::{Event, Ledger};
use super::log::Log;
use super::plan::{DEADLINE, DRAIN, HEARTBEAT, LEASE};
use super::witness::Witness;
use super::work::{self, Desk, RESTING};

/// The file in the folder that says that effects are written outside of the transactions that complete their jobs.
pub(super) const OUTSIDE: &str = "outside";

/// Works as the process of this name on the store of this URL, with its ledger in this folder.
pub async fn work(name: &str, url: &str, folder: &Path) -> Result<(), BoxError> {
    let ledger = Arc::new(Ledger::open(&folder.join(format!("{name}.ledger")))?);
    Log::open(&folder.join(format!("{name}.log")), &ledger)?;
    die_with_parent();
    let witness = Arc::new(Witness::new(open(url).await?, &ledger));
    let desk = Arc::new(Desk {
        process: name.to_owned(),
        ledger: Arc::clone(&ledger),
        witness: Arc::clone(&witness),
        runs: AtomicU64::new(0),
        length: work::length,
    });
    let mut builder = Runtime::builder()
        .sources(Sources::none())
        .without_linked()
        // The engine takes its patience from this, though the store is open.
        .store(url)
        .store_opened(Arc::clone(&witness) as Arc<dyn Store>)
        .option("postgres.deadline", "3s")
        .worker_name(name)
        .concurrency(16)
        .queue(RESTING, 16)
        .lease(LEASE)
        .heartbeat(HEARTBEAT)
        .drain(DRAIN)
        .grace(DRAIN);
    for kind in work::kinds(&desk) {
        builder = builder.register(kind);
    }
    let effects = Effects::new(&desk, url, folder.join(OUTSIDE).exists())?;
    let runtime = effects.add_to(builder).start().await?;
    ledger.write(&Event::Ready);
    runtime.run_until_signalled().await?;
    let _ = tokio::time::timeout(Duration::from_secs(1), witness.close()).await;
    Ok(())
}

/// Opens a store.
pub(crate) async fn open(url: &str) -> Result<Arc<dyn Store>, BoxError> {
    if let Some(file) = url.strip_prefix("sqlite://") {
        return Ok(Arc::new(SqliteStore::open(SqliteOptions::new(file)).await?));
    }
    let mut options = PostgresOptions::new(url);
    options.deadline = DEADLINE;
    Ok(Arc::new(PostgresStore::open(options).await?))
}

/// The other end of the input is held by whoever started this process, and by nobody else.
pub(crate) fn die_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        std::process::exit(3);
    });
}
