//! The fan-out: one job that makes a job for every file.

use std::path::{Path, PathBuf};

use jobs_runtime::{BoxError, Client, Enqueue, JobContext, JobId, job};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::fingerprint::fingerprint;
use crate::ids;
use crate::path::FilePath;
use crate::walk::{Met, walk};

/// How many jobs are enqueued at once: each batch is one statement and one write to the disk.
const BATCH: usize = 500;

/// What a scan found. Kept with the finished job as its output.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Scanned {
    pub(crate) files: u64,
    pub(crate) met: Met,
}

/// Makes a job for every file. Killed half-way and run again, it makes no second job for any of them.
#[job(retries = 2, backoff = "fixed 1s")]
pub(crate) async fn scan(client: &Client, ctx: &JobContext, run: JobId, folder: FilePath) -> Result<Scanned, BoxError> {
    let own = std::env::current_dir()?.canonicalize()?;
    let (batches, mut ready) = mpsc::channel(2);
    let walk = spawn_blocking(move || batched(folder.as_ref(), &own, &batches));
    let mut files = 0;
    while let Some(batch) = ready.recv().await {
        if ctx.is_cancelled() {
            return Err("asked to stop".into());
        }
        files += batch.len() as u64;
        let jobs = batch.into_iter().map(|path| {
            let id = ids::file(run, &path);
            fingerprint::job(run, path.into()).id(id)
        });
        client.enqueue_all(jobs).await?;
    }
    Ok(Scanned { files, met: walk.await?? })
}

/// Walks, and hands over files in batches until nobody wants them any more.
fn batched(folder: &Path, own: &Path, batches: &mpsc::Sender<Vec<PathBuf>>) -> std::io::Result<Met> {
    let mut batch = Vec::with_capacity(BATCH);
    let met = walk(folder, own, |path| {
        batch.push(path);
        batch.len() < BATCH || batches.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_ok()
    })?;
    // A receiver that is gone has been told why, or was dropped with its job.
    let _ = batches.blocking_send(batch);
    Ok(met)
}
