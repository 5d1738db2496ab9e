//! A plain call, a runtime in memory, a clock to turn by hand, and the suite for a store of your own.
//!
//! # A plain call
//!
//! `#[job]` leaves the fn as it was written. A unit test calls it, with services of its own and
//! [`JobContext::test`](crate::JobContext::test): attempt 1 of a job named `test`, never cancelled.
//!
//! ```standalone_crate
//! use std::sync::Mutex;
//! use jobs_runtime::{JobContext, job};
//!
//! trait Mailer: Send + Sync {
//!     fn send(&self, to: &str);
//! }
//!
//! #[job]
//! async fn welcome(mailer: &dyn Mailer, ctx: &JobContext, to: String) -> Result<u32, std::io::Error> {
//!     mailer.send(&to);
//!     Ok(ctx.attempt())
//! }
//!
//! #[derive(Default)]
//! struct Outbox(Mutex<Vec<String>>);
//!
//! impl Mailer for Outbox {
//!     fn send(&self, to: &str) {
//!         self.0.lock().unwrap().push(to.to_owned());
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let outbox = Outbox::default();
//! assert_eq!(welcome(&outbox, &JobContext::test(), "ann@example.com".into()).await?, 1);
//! assert_eq!(*outbox.0.lock().unwrap(), ["ann@example.com"]);
//! # Ok(())
//! # }
//! ```
//!
//! A job that enqueues borrows a [`Client`](crate::Client). One in memory runs nothing, and shows what was enqueued:
//!
//! ```standalone_crate
//! use jobs_runtime::{Client, EnqueueError, JobFilter, job};
//!
//! #[job]
//! async fn page(number: u32) {
//!     let _ = number;
//! }
//!
//! #[job]
//! async fn book(client: &Client, pages: u32) -> Result<(), EnqueueError> {
//!     for number in 0..pages {
//!         page::job(number).enqueue(client).await?;
//!     }
//!     Ok(())
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect_to("memory:").await?;
//! book(&client, 3).await?;
//! let jobs = client.jobs(JobFilter::default()).await?.jobs;
//! let payloads: Vec<&str> = jobs.iter().map(|job| &*job.payload).collect();
//! assert_eq!(payloads, [r#"{"number":0}"#, r#"{"number":1}"#, r#"{"number":2}"#]);
//! # Ok(())
//! # }
//! ```
//!
//! # The checks of the start
//!
//! [`Builder::check`](crate::Builder::check) finds a service that was not provided, two jobs of one name and a schedule that
//! cannot be read, without a store. Let the program and a unit test use one fn that makes the builder ([the
//! checks](super::start#checks)).
//!
//! # A list of all jobs
//!
//! [`assert_registered!`](crate::assert_registered) compares the jobs that are linked with a list that is checked in: a rename, a
//! lost crate, a changed argument or schedule is seen in review ([the list of jobs](super::linking#the-list-of-jobs)).
//!
//! # A whole runtime
//!
//! The store in memory passes the same suite as the one in a file. With [`Sources::none`](crate::settings::Sources::none) a test
//! does not depend on the variables and files around it, and with a [`TestClock`](crate::testing::TestClock) it waits for no time
//! to pass.
//!
//! ```standalone_crate
//! use std::sync::Arc;
//! use std::time::Duration;
//! use jobs_runtime::settings::Sources;
//! use jobs_runtime::testing::TestClock;
//! use jobs_runtime::{Client, JobId, Runtime, State, StoreError, job};
//!
//! #[job]
//! async fn remind() {}
//!
//! async fn until(client: &Client, id: JobId, state: State) -> Result<(), StoreError> {
//!     while client.job(id).await?.is_some_and(|job| job.state != state) {
//!         tokio::time::sleep(Duration::from_millis(2)).await;
//!     }
//!     Ok(())
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = TestClock::new("2026-01-01T12:00:00Z".parse()?);
//! let runtime = Runtime::builder()
//!     .sources(Sources::none())
//!     .store("memory:")
//!     .clock(Arc::new(clock.clone()))
//!     .lease(Duration::from_secs(600))
//!     .heartbeat(Duration::from_secs(180))
//!     .start()
//!     .await?;
//! let client = runtime.client();
//! let id = remind::job().delay(Duration::from_secs(60)).enqueue(client).await?;
//! until(client, id, State::Scheduled).await?;
//! clock.advance(Duration::from_secs(60));
//! until(client, id, State::Completed).await?;
//! runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! The engine lives by this clock too: its leases, heartbeats and timeouts. Advance it in steps shorter than the lease, as here
//! by less than two minutes, or the worker loses its lease as if it had been frozen. [`Builder::rng`](crate::Builder::rng) takes
//! a seeded source of chance, [`Builder::spawn`](crate::Builder::spawn) another executor, and
//! [`Builder::store_opened`](crate::Builder::store_opened) a store that two runtimes share, or that is looked at after the
//! runtime has ended.
//!
//! # A job with a transaction
//!
//! A job that borrows `&mut` a transaction is a plain call, too: begin one on a test's own database, call the fn, look, roll back. The store in
//! memory takes part in no transaction: a whole runtime with such a job, or a program that uses `Client::prepare`, is tested on a SQLite
//! file in a temporary folder, in which the application makes its tables as it does elsewhere. A driver that blocks wants
//! `#[tokio::test(flavor = "multi_thread")]`.
//!
//! # A store of your own
//!
//! A store implements the three traits of [`jobs_core::store`]. The suite [`testing::conformance`](crate::testing::conformance)
//! has one test for each promise made there; its page shows the whole set-up. The macro [`conformance!`](crate::conformance)
//! makes them tests of your crate. A store passes all of them, or it is none.
