//! What a job did, what waits, and how the runtime does; cancelling and requeueing.
//!
//! # Jobs
//!
//! The [`Client`](crate::Client) looks and manages. It needs no runtime of its own
//! ([a program that runs nothing](super::enqueuing#from-a-program-that-runs-nothing)).
//!
//! | call | answers |
//! |---|---|
//! | [`job`](crate::Client::job), [`job_named`](crate::Client::job_named) | all that is kept of one job: state, attempts, times, errors, output |
//! | [`jobs`](crate::Client::jobs) | a page of jobs by state, kind and queue |
//! | [`counts`](crate::Client::counts) | how many jobs are in each state; the length of the history does not matter |
//! | [`output`](crate::Client::output) | the output, decoded |
//! | [`cancel`](crate::Client::cancel), [`cancel_named`](crate::Client::cancel_named) | what became of the wish: cancelled, requested, too late, unknown |
//! | [`pause_queue`](crate::Client::pause_queue), [`resume_queue`](crate::Client::resume_queue) | whether that changed anything ([pauses](super::running#queues-and-concurrency)) |
//! | [`paused_queues`](crate::Client::paused_queues) | the queues that are paused, and since when |
//! | [`requeue`](crate::Client::requeue) | whether the finished or parked job is available again |
//!
//! ```standalone_crate
//! use jobs_runtime::{Counts, JobFilter, Runtime, State, Verdict, job};
//!
//! #[job]
//! async fn divide(a: u32, b: u32) -> Result<u32, Verdict> {
//!     a.checked_div(b).ok_or_else(|| Verdict::discard("division by zero"))
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::builder().store("memory:").start().await?;
//! let client = runtime.client();
//! let good = divide::job(6, 3).enqueue(client).await?;
//! let bad = divide::job(6, 0).enqueue(client).await?;
//! # while client.counts().await?.live() > 0 {
//! #     tokio::time::sleep(std::time::Duration::from_millis(2)).await;
//! # }
//! // Once both have ended:
//! assert_eq!(client.output::<u32>(good).await?, Some(2));
//!
//! let Counts { completed, failed, .. } = client.counts().await?;
//! assert_eq!((completed, failed), (1, 1));
//!
//! let job = client.job(bad).await?.expect("failed jobs are kept for 30 days");
//! assert_eq!((job.state, job.failures, job.error.as_deref()), (State::Failed, 1, Some("division by zero")));
//! assert_eq!(job.payload, r#"{"a":6,"b":0}"#);
//!
//! // `finished` chooses between live jobs and the history.
//! let filter = JobFilter { finished: true, state: Some(State::Failed), ..JobFilter::default() };
//! let page = client.jobs(filter.clone()).await?;
//! let ids: Vec<_> = page.jobs.iter().map(|job| job.id).collect();
//! assert_eq!(ids, [bad]);
//! if let Some(after) = page.next {
//!     client.jobs(JobFilter { after, ..filter }).await?;
//! }
//!
//! // Once the reason is gone:
//! assert_eq!(client.requeue(ids).await?, [true]);
//! # runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! A page has up to 1,000 jobs: live ones in order of enqueue, finished ones in order of their end. `finished: false` with a
//! finished state finds nothing.
//!
//! A job keeps its last ten errors, each cut to `error_limit` (8 KiB) and rewritten by
//! [`redact_errors`](crate::Builder::redact_errors) if the builder has one; and its output up to `output_limit` (64 KiB), else a
//! note. Finished jobs are kept for `retention.completed`, `.cancelled` (1 d each) and `.failed` (30 d), then removed; their ids
//! stay for a day at least. A job whose contents are gone cannot be requeued.
//!
//! Requeueing clears failures, crashes, errors and output, and keeps the id and the token. Cancelling a running job asks it to
//! stop ([timeouts and cancellation](super::running#timeouts-and-cancellation)); it does not run again, also if its worker dies
//! meanwhile.
//!
//! No call waits for the end of a job. What waits for it looks again, or hears from the job itself.
//!
//! # The runtime
//!
//! [`Runtime::health`](crate::Runtime::health) is a snapshot of this process, and asks nobody: every part of the engine with its
//! last error and its restarts, the worker's id, how many jobs run, totals since the start, and what is wrong while it is wrong.
//!
//! ```
//! use jobs_runtime::{Runtime, closure};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let nothing = closure("nothing", |_| async {});
//! let runtime = Runtime::builder().store("memory:").without_linked().register(nothing).start().await?;
//! let health = runtime.health();
//! assert!(health.is_well());
//! assert!(health.parts.contains_key("heartbeat") && !health.store_is_silent && !health.no_free_runtime_thread);
//! println!("{} running, {} completed, {} stale", health.running, health.totals.completed, health.totals.stale);
//!
//! // What all processes see:
//! let store = runtime.client().store();
//! assert_eq!(store.workers().await?.len(), 1);
//! # runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Tracing
//!
//! Each attempt runs in a span `job` with its kind, id, queue and attempt, so that what a job logs can be found. The events are
//! listed in [`telemetry`](crate::telemetry). Neither arguments nor the texts of a job's errors appear in spans, or in events of
//! level info and above.
