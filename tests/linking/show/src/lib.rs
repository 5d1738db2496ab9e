//! What every program of the matrix does: it says which jobs it has found. It holds no job itself, and names no crate that does.

use std::sync::Arc;

use jobs_core::Registry;
use jobs_runtime::settings::Sources;
use jobs_runtime::{Client, Enqueue, Error, Manifest, NewJob, Runtime};

/// Prints the linked kinds and the error of the checks, without a start: of the runtime, only the checks have to be linked.
pub fn check() {
    if let Err(error) = Runtime::builder().sources(Sources::none()).check() {
        println!("error: {error}");
    }
    let mut kinds: Vec<&str> = Registry::linked().map(|entry| &*entry.name).collect();
    kinds.sort_unstable();
    for kind in kinds {
        println!("job: {kind}");
    }
}

/// Starts on an empty store, and prints the kinds and the warnings of the manifest, or the error of the start.
pub fn start() {
    print(&[]);
}

/// The same on a store where a job of this kind waits already.
pub fn start_where_waits(kind: &'static str) {
    print(&[kind]);
}

fn print(waiting: &[&'static str]) {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a tokio runtime");
    match tokio.block_on(manifest(waiting)) {
        Ok(manifest) => {
            for job in &manifest.jobs {
                println!("job: {}", job.name);
            }
            for warning in &manifest.warnings {
                println!("warning: {warning}");
            }
        }
        Err(error) => println!("error: {error}"),
    }
}

async fn manifest(waiting: &[&'static str]) -> Result<Manifest, Error> {
    let client = Client::connect_to("memory:").await?;
    for kind in waiting {
        client.enqueue_one(NewJob::new(*kind, "{}")).await?;
    }
    let runtime = Runtime::builder().sources(Sources::none()).store_opened(Arc::clone(client.store())).start().await?;
    let manifest = runtime.manifest().clone();
    runtime.shutdown().await;
    Ok(manifest)
}
