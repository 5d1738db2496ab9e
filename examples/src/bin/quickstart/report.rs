//! The report: a job that lives as long as its run, and ends it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::time::Duration;

use jobs_runtime::{BoxError, Client, JobContext, JobFilter, StoreError, Verdict, job};
use serde::Deserialize;

use crate::findings::{Findings, Summary};
use crate::fingerprint::fingerprint;
use crate::ids;
use crate::path::FilePath;
use crate::scan::Scanned;
use crate::stumble::stumble;

/// The name of the one live report.
pub(crate) const NAME: &str = "report";

/// What it writes, in the current folder.
pub(crate) const FILE: &str = "report.md";

/// What it writes to before it is whole.
pub(crate) const UNFINISHED_FILE: &str = "report.md.part";

/// How long to wait before looking again whether all files are done.
const PAUSE: Duration = Duration::from_millis(200);

/// Its arguments, as they are stored.
#[derive(Debug, Deserialize)]
pub(crate) struct Arguments {
    pub(crate) folder: FilePath,
}

/// Waits until all jobs of its run have ended, and writes what they found. A snooze uses no attempt.
#[job(retries = 5, backoff = "fixed 1s", priority = -10)]
pub(crate) async fn report(client: &Client, ctx: &JobContext, folder: FilePath) -> Result<Summary, BoxError> {
    let run = ctx.id();
    let Some(scanned) = client.output::<Scanned>(ids::scan(run)).await? else {
        return Err(Verdict::snooze(PAUSE).into());
    };
    for kind in [fingerprint::NAME, stumble::NAME] {
        if any_live(client, kind).await? {
            return Err(Verdict::snooze(PAUSE).into());
        }
    }
    let mut findings = Findings::new(folder.as_ref(), scanned.met);
    let mut after = 0;
    loop {
        let filter = JobFilter { finished: true, kind: Some(fingerprint::NAME.to_owned()), after, ..JobFilter::default() };
        let page = client.jobs(filter).await?;
        for job in &page.jobs {
            findings.add(run, job)?;
        }
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    let (text, summary) = (findings.markdown(), findings.summary());
    tokio::task::spawn_blocking(move || write(&text)).await??;
    Ok(summary)
}

async fn any_live(client: &Client, kind: &str) -> Result<bool, StoreError> {
    let filter = JobFilter { kind: Some(kind.to_owned()), limit: 1, ..JobFilter::default() };
    Ok(!client.jobs(filter).await?.jobs.is_empty())
}

/// Writes the whole report or nothing: killed at any moment, the file is the old one or the new one.
fn write(text: &str) -> io::Result<()> {
    let mut file = File::create(UNFINISHED_FILE)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(UNFINISHED_FILE, FILE)
}
