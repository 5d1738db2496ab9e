//! What has been done so far, every second.

use jobs_runtime::{Client, StoreError, job};

use crate::console::Console;
use crate::scan::Scanned;
use crate::{ids, numbers, report};

/// Prints how far the run is. The six fields begin with seconds; a negative priority passes the thousands of jobs that wait.
#[job(cron = "* * * * * *", priority = -10, retries = 0)]
async fn progress(client: &Client, console: &Console) -> Result<(), StoreError> {
    let Some(run) = client.job_named(report::NAME).await? else { return Ok(()) };
    let counts = client.counts().await?;
    // This job runs, too.
    let left = (counts.available + counts.running + counts.retryable).saturating_sub(1);
    let mut text = match client.output::<Scanned>(ids::scan(run.id)).await? {
        Some(scanned) => format!("{} found, {} to go", numbers::of(scanned.files, "file"), numbers::of(left, "job")),
        None => format!("scanning, {} to go", numbers::of(left, "job")),
    };
    if counts.retryable > 0 {
        text = format!("{text}, {} of them to be retried", numbers::Grouped(counts.retryable));
    }
    console.news(text);
    Ok(())
}
