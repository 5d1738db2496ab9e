//! A run from its start, or from where it was, to its end.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jobs_runtime::{BoxError, Client, Enqueue, JobId, JobRecord, State};

use crate::console::say;
use crate::findings::Summary;
use crate::report::report;
use crate::scan::scan;
use crate::stumble::stumble;
use crate::{ids, numbers};

/// How often to look whether a run has ended.
const PAUSE: Duration = Duration::from_millis(100);

/// Ends the run that an earlier process left, if there is one over another folder, and then runs over `folder`.
pub(crate) async fn run_all(client: &Client, folder: &Path) -> Result<(), BoxError> {
    while start_and_follow(client, folder).await? != folder {}
    Ok(())
}

/// Answers the folder of the run.
///
/// The current run is the live job named `report`: it is stored before anything else of its run and ends after everything else, so
/// whenever a process is killed, the next one finds it. Its name makes it the only one, also when two processes start at once.
async fn start_and_follow(client: &Client, folder: &Path) -> Result<PathBuf, BoxError> {
    let new = report::job(folder.to_owned().into()).name(crate::report::NAME).into_job()?;
    let answers = client.enqueue_jobs(vec![new]).await?;
    let answer = answers.first().ok_or("the store gave no answer")?;
    let run = client.job(answer.id).await?.ok_or("the run was deleted meanwhile")?;
    let arguments: crate::report::Arguments = serde_json::from_str(&run.payload)?;
    let folder = arguments.folder.as_ref().to_owned();
    let verb = if answer.created { "fingerprinting" } else { "going on with" };
    say(format!("{verb} {} (state in {}, run {})", folder.display(), client.store().info().place, run.id));
    // These may be there already, and then nothing happens.
    let first = scan::job(run.id, arguments.folder).id(ids::scan(run.id)).into_job();
    let second = stumble::job().id(ids::stumble(run.id)).into_job();
    client.enqueue_all([first, second]).await?;
    // A scan that was given up is tried again when a person starts the program again.
    if scan_failed(client, run.id).await?.is_some() {
        client.requeue(vec![ids::scan(run.id)]).await?;
    }
    print(&follow(client, run.id).await?)?;
    Ok(folder)
}

/// Waits until the run has ended.
async fn follow(client: &Client, run: JobId) -> Result<Summary, BoxError> {
    loop {
        let report = client.job(run).await?.ok_or("the run was deleted meanwhile")?;
        match (report.state, report.output) {
            (State::Completed, Some(output)) => return Ok(serde_json::from_str(&output)?),
            (state, _) if state.is_finished() => {
                return Err(format!("the report ended as {state}: {}", report.error.unwrap_or_default()).into());
            }
            _ => {}
        }
        if let Some(scan) = scan_failed(client, run).await? {
            let error = scan.error.unwrap_or_default();
            let place = client.store().info().place;
            return Err(format!(
                "the folder cannot be scanned: {error}; run this again to try again, or delete {place} to begin anew"
            )
            .into());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn scan_failed(client: &Client, run: JobId) -> Result<Option<JobRecord>, BoxError> {
    Ok(client.job(ids::scan(run)).await?.filter(|scan| scan.state.is_finished() && scan.state != State::Completed))
}

fn print(summary: &Summary) -> Result<(), BoxError> {
    let Summary { files, bytes, duplicates, unreadable, vanished } = summary;
    let [files, bytes, duplicates] =
        [(files, "file"), (bytes, "byte"), (duplicates, "duplicate")].map(|(n, noun)| numbers::of(*n, noun));
    let report = std::env::current_dir()?.join(crate::report::FILE);
    say(format!("done: {files}, {bytes}, {duplicates}, {unreadable} unreadable, {vanished} vanished"));
    say(format!("report: {}", report.display()));
    Ok(())
}
