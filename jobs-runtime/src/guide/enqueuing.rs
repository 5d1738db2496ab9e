//! Now, later, in bulk, once; from a handler, and from a program that runs nothing.
//!
//! `send::job(..)` takes the arguments of `send` and answers a [`JobBuilder`](crate::JobBuilder). Nothing happens before
//! [`enqueue`](crate::JobBuilder::enqueue), which answers the job's id when the job is durable.
//!
//! ```standalone_crate
//! use std::time::Duration;
//! use jobs_runtime::{Enqueue, Runtime, State, job};
//!
//! #[job(queue = "mail")]
//! async fn send(to: String) {
//!     let _ = to;
//! }
//!
//! #[job]
//! async fn resize(path: String, width: u32) {
//!     let _ = (path, width);
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::builder().store("memory:").start().await?;
//! let client = runtime.client();
//!
//! // Now, and later: by a delay, or at an instant (`jiff::Timestamp`).
//! send::job("ann@example.com".into()).enqueue(client).await?;
//! let later = send::job("ann@example.com".into()).delay(Duration::from_secs(60)).enqueue(client).await?;
//! send::job("ann@example.com".into()).at("2999-01-01T09:00:00Z".parse()?).enqueue(client).await?;
//! assert_eq!(client.job(later).await?.map(|job| job.state), Some(State::Scheduled));
//!
//! // In bulk: all or none, in one transaction. Jobs of one kind, or of many.
//! client.enqueue_all((0..100).map(|n| resize::job(format!("{n}.png"), 640))).await?;
//! client.enqueue_all([send::job("bob@example.com".into()).into_job(), resize::job("b.png".into(), 64).into_job()]).await?;
//!
//! // With options of its own, instead of its kind's.
//! send::job("eve@example.com".into())
//!     .queue("bulk")
//!     .priority(10)
//!     .retries(1)
//!     .timeout(Duration::from_secs(5))
//!     .tag("newsletter")
//!     .metadata("campaign", &7)
//!     .tenant("acme")
//!     .delay(Duration::from_secs(3600))
//!     .enqueue(client)
//!     .await?;
//! # runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! A payload may have 1 MiB. Bigger things belong into a file or a table, and their name into the job. Per-call options are kept
//! with the job. A queue that no live worker serves is no error: the job waits, and the next start of a runtime warns of it.
//!
//! # Repeating safely
//!
//! If the answer of an enqueue is lost, nobody knows whether the job was stored. A job with an id of your own can be enqueued
//! again: an id that is alive, or that ended within the last day, stores nothing and answers the same id. Derive the id from the
//! request (`JobId::from_uuid`), or make it first by [`Client::new_id`](crate::Client::new_id) and keep it.
//!
//! The client repeats nothing by itself: [`StoreError::is_transient`](crate::StoreError::is_transient) tells what may be tried
//! again.
//!
//! # Names
//!
//! While a job of a name is alive, enqueueing that name stores nothing and answers the id of the live one. Once it has ended, the
//! name is free.
//!
//! ```standalone_crate
//! use std::time::Duration;
//! use jobs_runtime::{CancelAnswer, JobId, Runtime, job};
//!
//! #[job]
//! async fn rebuild_index() {}
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::builder().store("memory:").start().await?;
//! let client = runtime.client();
//! let soon = || rebuild_index::job().delay(Duration::from_secs(30));
//!
//! let id: JobId = client.new_id();
//! assert_eq!(soon().id(id).enqueue(client).await?, id);
//! assert_eq!(soon().id(id).enqueue(client).await?, id);
//! assert_eq!(client.counts().await?.live(), 1);
//!
//! let first = soon().name("index").enqueue(client).await?;
//! assert_eq!(soon().name("index").enqueue(client).await?, first);
//! assert_eq!(client.counts().await?.live(), 2);
//! assert_eq!(client.cancel_named("index").await?, CancelAnswer::Cancelled);
//! # runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Chains
//!
//! [`then`](crate::JobBuilder::then) names the job that runs when this one has completed, and takes its output as its one owned
//! argument. A job without owned parameters may follow on any other. Whether they fit is checked by the compiler.
//!
//! ```standalone_crate
//! use std::time::Duration;
//! use jobs_runtime::{BoxError, Runtime, job};
//!
//! #[job(retries = 5)]
//! async fn import(path: String) -> Result<Vec<u32>, BoxError> {
//!     let _ = path;
//!     Ok(vec![3, 4])
//! }
//!
//! #[job]
//! async fn summarise(numbers: Vec<u32>) -> Result<u32, BoxError> {
//!     Ok(numbers.iter().sum())
//! }
//!
//! #[job(queue = "mail")]
//! async fn notify() {}
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::builder().store("memory:").start().await?;
//! let client = runtime.client();
//! let first = import::job("a.csv".into())
//!     .tenant("acme")
//!     .then::<summarise>()
//!     .then::<notify>().delay(Duration::from_secs(60))
//!     .enqueue(client)
//!     .await?;
//! assert!(client.followers(first).await?.len() <= 1);
//! # runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! - What is set before the first `then` is set for the first job; what comes after a `then`, for the job that it names.
//! - Each job of a chain is an ordinary one, with its own id, attempts and timeout. It is stored in the transaction that records
//!   the completion of the job before: with each completion that counts, and once however often the answer of the store was lost.
//!   Tenant and user are handed on; name, tags and metadata are not.
//! - A chain goes with its first job: if that one bears a name of a job that is alive, neither it nor its chain is stored.
//! - Where a job fails for good or is cancelled, the chain stands still, as long as that job is kept (30 days, or 1). Requeueing that job lets it go on; requeueing one that has
//!   completed makes what follows on it anew. A running job that was asked to stop and completes nevertheless is followed.
//! - The whole output travels, also one that is too large to be kept with the finished job. One of more than 1 MiB fails its job,
//!   with an error that says so.
//! - [`Client::followers`](crate::Client::followers) finds what follows on a job, `JobRecord::parent` where one came from, and
//!   `JobRecord::chain` what is still to come. A chain has 100 links at most.
//!
//! # From a job
//!
//! A job borrows the client like any service. What it enqueues is durable by itself: it is not undone when the job fails later,
//! so give it an id or a name if the job may be repeated.
//!
//! ```standalone_crate
//! use jobs_runtime::{Client, EnqueueError, job};
//!
//! #[job]
//! async fn page(number: u32) {
//!     let _ = number;
//! }
//!
//! #[job]
//! async fn book(client: &Client, pages: u32) -> Result<(), EnqueueError> {
//!     for number in 0..pages {
//!         page::job(number).name(format!("page/{number}")).enqueue(client).await?;
//!     }
//!     Ok(())
//! }
//! # fn main() -> Result<(), jobs_runtime::Error> { jobs_runtime::Runtime::builder().check() }
//! ```
//!
//! # From a program that runs nothing
//!
//! [`Client::connect`](crate::Client::connect) opens the store that the settings name, [`connect_to`](crate::Client::connect_to)
//! one by its URL. Neither registers a worker. Workers of other processes on the same file hear of new jobs within 250 ms.
//!
//! ```
//! use jobs_runtime::{Client, Enqueue, NewJob};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let url = format!("sqlite://{}", folder.path().join("jobs.db").display());
//! let client = Client::connect_to(url).await?;
//! // A kind of another program: its name, and a JSON object keyed by parameter name.
//! let id = client.enqueue_one(NewJob::new("send", r#"{"to":"ann@example.com"}"#)).await?;
//! assert!(client.job(id).await?.is_some());
//! client.store().close().await?;
//! # Ok(())
//! # }
//! ```
