//! The jobs and outcomes that facts are told with, and a start for calls that race.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::record::ClaimedJob;
use jobs_core::store::{Decision, Held};
use jobs_core::{JobId, NewJob};
use tokio::sync::Barrier;

/// A job of this kind, due now in the default queue, without an id.
pub(in super::super) fn job(kind: &str) -> NewJob {
    NewJob::new(kind.to_owned(), r#"{"to":"ann"}"#)
}

/// So many jobs of this kind.
pub(in super::super) fn many(kind: &str, count: usize) -> Vec<NewJob> {
    (0..count).map(|_| job(kind)).collect()
}

pub(in super::super) fn done() -> Decision {
    Decision::Complete { output: None, note: None }
}

pub(in super::super) fn retry(after: Duration) -> Decision {
    Decision::Retry { error: "no route".to_owned(), after }
}

pub(in super::super) fn fail() -> Decision {
    Decision::Fail { error: "broken".to_owned() }
}

pub(in super::super) fn park(shape: &str) -> Decision {
    Decision::Park { error: "no such field".to_owned(), shape: shape.to_owned() }
}

pub(in super::super) fn held(job: &ClaimedJob) -> Held {
    Held { id: job.id, token: job.token }
}

pub(in super::super) fn ids(jobs: &[ClaimedJob]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

/// Runs futures as tasks that begin together, and answers what they answered, in order.
pub(in super::super) async fn together<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = tasks.into_iter().collect();
    let start = Arc::new(Barrier::new(tasks.len()));
    let spawned = tasks.into_iter().map(|task| {
        let start = Arc::clone(&start);
        tokio::spawn(async move {
            start.wait().await;
            task.await
        })
    });
    let spawned: Vec<_> = spawned.collect();
    let mut answers = Vec::new();
    for task in spawned {
        answers.push(task.await.expect("a racing call ends without a panic"));
    }
    answers
}
