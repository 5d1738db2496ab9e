//! Queues, concurrency and pauses; failures, verdicts, timeouts, cancellation, panics; the end of the process.
//!
//! # Queues and concurrency
//!
//! `concurrency` (64) is how many jobs run at once in this process, `queues.<name>.concurrency` how many of one queue. A process
//! serves the queues of its kinds, those that have settings, and `default`; `only_queues` narrows that. Jobs are claimed in order
//! of (priority, time due, order of enqueue), over all queues that have room. Short jobs are fetched ahead, at most what ends in
//! about 50 ms at the durations measured; what was fetched ahead and does not begin is handed back.
//!
//! A queue can be **paused**, for all processes and until it is resumed, also across restarts. From the moment on at which the call is
//! answered nothing more is claimed from it. What runs goes on; what a process has fetched ahead goes back with no attempt used when the
//! process hears of the pause: within a second, or, where no wake-up reaches it, at its next heartbeat. What is enqueued, retried or
//! due meanwhile waits in its order. [`Health::paused`](crate::Health) tells which queues of a process rest. A schedule goes on
//! ticking, and its [overlap policy](super::schedules#overlaps) sees a job that waits in a paused queue as one that is not finished.
//!
//! ```standalone_crate
//! use jobs_runtime::{Runtime, State, job};
//!
//! #[job(queue = "mail")]
//! async fn newsletter(to: String) {
//!     println!("a newsletter for {to}");
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::builder().store("memory:").start().await?;
//! let client = runtime.client();
//! assert!(client.pause_queue("mail").await?, "it was not paused before");
//! let id = newsletter::job("ann@example.org".into()).enqueue(client).await?;
//! assert_eq!(client.job(id).await?.map(|job| job.state), Some(State::Available), "it waits");
//! assert_eq!(client.paused_queues().await?[0].queue, "mail");
//!
//! assert!(client.resume_queue("mail").await?, "it was paused");
//! # while client.job(id).await?.is_none_or(|job| job.state != State::Completed) {
//! #     tokio::time::sleep(std::time::Duration::from_millis(5)).await;
//! # }
//! # runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! Jobs run on the tokio runtime in which the runtime was started. The engine has a thread of its own, so a job that blocks
//! cannot keep the lease from being renewed. But a blocked thread runs no other job: blocking work belongs into
//! `tokio::task::spawn_blocking`. [`Health::no_free_runtime_thread`](crate::Health) says when all threads are blocked.
//!
//! # Failures
//!
//! An attempt that returns `Err`, panics or times out is a failure. It is recorded with its error, and the job waits for its next
//! attempt: as many as `retries` says after the first one, each after a wait by `backoff`. When they are used up the job ends as
//! failed, and is kept for `retention.failed` (30 d).
//!
//! | backoff | wait after the n-th failure |
//! |---|---|
//! | `exponential 10s to 6h` | a random time below 10 s · 2ⁿ⁻¹, and below 6 h |
//! | `linear 30s to 1h` | 30 s · n, at most 1 h |
//! | `fixed 30s` | 30 s |
//! | `1m, 5m, 15m` | the n-th, and the last one from then on |
//!
//! The error itself may decide, by a [`Verdict`](crate::Verdict) that it is or that stands among its sources:
//!
//! ```standalone_crate
//! use std::time::Duration;
//! use jobs_runtime::{BoxError, Runtime, State, Verdict, job};
//!
//! #[job]
//! async fn fetch(status: u16) -> Result<(), BoxError> {
//!     match status {
//!         200 => Ok(()),
//!         // A failure; but the next attempt after this time, while attempts are left.
//!         429 => Err(Verdict::retry_in(Duration::from_secs(90), "too many requests").into()),
//!         // No failure, only too early: uses no attempt.
//!         503 => Err(Verdict::snooze(Duration::from_secs(600)).into()),
//!         // No further attempt: failed.
//!         404 => Err(Verdict::discard("the page is gone").into()),
//!         // No longer wanted: cancelled.
//!         410 => Err(Verdict::cancel("unsubscribed").into()),
//!         _ => Err("unexpected status".into()),
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::builder().store("memory:").start().await?;
//! let client = runtime.client();
//! for (status, state) in [
//!     (200, State::Completed),
//!     (429, State::Retryable),
//!     (503, State::Scheduled),
//!     (404, State::Failed),
//!     (410, State::Cancelled),
//!     (500, State::Retryable),
//! ] {
//!     let id = fetch::job(status).enqueue(client).await?;
//!     while client.job(id).await?.is_some_and(|job| job.state != state) {
//!         tokio::time::sleep(Duration::from_millis(2)).await;
//!     }
//! }
//! # runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Timeouts and cancellation
//!
//! A job is stopped in two steps. First it is asked: its token ([`JobContext::cancelled`](crate::JobContext::cancelled),
//! [`is_cancelled`](crate::JobContext::is_cancelled), [`token`](crate::JobContext::token)) is cancelled. After `cancel_grace` (5
//! s) its future is dropped. Dropping takes effect at an `.await`: code that blocks its thread goes on, and keeps its slot.
//!
//! | it is asked because | and ends with `Ok` | and ends with `Err`, panics, or is dropped |
//! |---|---|---|
//! | its timeout is over | completed | a failure, `timed out after 30s: …` |
//! | somebody cancelled it | completed | cancelled |
//! | the process shuts down | completed | handed back, no attempt used |
//! | the process lost its lease | dropped: others run it | dropped: others run it |
//!
//! ```standalone_crate
//! use std::time::Duration;
//! use jobs_runtime::{CancelAnswer, JobContext, Runtime, State, job};
//!
//! #[job(timeout = "1h")]
//! async fn copy(ctx: &JobContext, files: u32) -> Result<u32, String> {
//!     for file in 0..files {
//!         tokio::select! {
//!             () = ctx.cancelled() => return Err(format!("stopped after {file} files")),
//!             () = tokio::time::sleep(Duration::from_millis(5)) => {}
//!         }
//!     }
//!     Ok(files)
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::builder().store("memory:").start().await?;
//! let client = runtime.client();
//! let id = copy::job(1_000_000).enqueue(client).await?;
//! # let until = async |state| {
//! #     while client.job(id).await?.is_some_and(|job| job.state != state) {
//! #         tokio::time::sleep(Duration::from_millis(2)).await;
//! #     }
//! #     Ok::<_, jobs_runtime::StoreError>(())
//! # };
//! # until(State::Running).await?;
//! // Once it runs:
//! assert_eq!(client.cancel(id).await?, CancelAnswer::Requested);
//! # until(State::Cancelled).await?;
//! assert_eq!(client.job(id).await?.map(|job| job.state), Some(State::Cancelled));
//! # runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Panics
//!
//! A panic is caught and is a failure, `panicked: …`. A panic while another one unwinds ends the process, and so does every panic
//! where the program is built with `panic = "abort"` (the manifest warns of it): that is a *crash* ([what becomes of the
//! job](super::promises#when-something-breaks)).
//!
//! # Parked jobs
//!
//! A job that nobody here can run is parked, never failed: its payload is kept and no attempt is used. That is so when
//!
//! - **its kind is unknown** to every live worker. It is free again when a worker comes that knows the name, or has it as an
//!   alias.
//! - **its arguments do not decode.** It is free again when a worker of another *shape* comes: other names or types of the
//!   arguments, or another build. So in a rolling deploy an old build parks what a new one frees.
//!
//! A person frees it by [`requeue`](crate::Client::requeue), or cancels it. Kinds and queues that wait for nobody are warnings in
//! the manifest.
//!
//! # The end of the process
//!
//! On Ctrl-C or SIGTERM (`run`), or by [`Runtime::shutdown`](crate::Runtime::shutdown):
//!
//! 1. no more jobs are taken; what was fetched ahead goes back;
//! 2. running jobs may end, for `shutdown.drain` (25 s);
//! 3. those that have not are asked to stop, and have `shutdown.grace` (2 s);
//! 4. those that remain are dropped and handed back, with no attempt used; the last outcomes are written, the worker leaves.
//!
//! A second signal skips the second step, a third the third. With the defaults all this takes up to 28 s while the store answers;
//! the last calls of a store that does not answer are given up after 10 s each. Dropping a [`Runtime`](crate::Runtime) begins the
//! same in the background, without waiting for jobs.
