//! The first program, its settings, its manifest, and what is checked.
//!
//! # The first program
//!
//! ```no_run,standalone_crate
//! use jobs_runtime::job;
//!
//! #[job(every = "10s")]
//! async fn say_hello() {
//!     println!("hello");
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), jobs_runtime::Error> {
//!     jobs_runtime::start().await
//! }
//! ```
//!
//! [`start`](crate::start) finds every `#[job]` that is linked into the program, opens `./jobs.db`, prints a manifest to standard
//! error, and runs until Ctrl-C or SIGTERM. Then it takes no more jobs, lets running ones end, and returns ([the end of the
//! process](super::running#the-end-of-the-process)). `jobs-runtime` needs a tokio runtime; the program depends on both:
//!
//! ```toml
//! [dependencies]
//! jobs-runtime = { path = "../jobs/jobs-runtime" } # not on crates.io yet
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! # With parts of one's own
//!
//! [`Runtime::builder`](crate::Runtime::builder) takes settings and services. [`run`](crate::Builder::run) is what `start` does;
//! [`start`](crate::Builder::start) answers a handle and touches no signal, for programs that have another part that owns them,
//! such as a web server.
//!
//! ```standalone_crate
//! use jobs_runtime::{Runtime, job};
//!
//! struct Greeting(&'static str);
//!
//! #[job(queue = "mail")]
//! async fn welcome(greeting: &Greeting, name: String) {
//!     println!("{} {name}", greeting.0);
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let runtime = Runtime::builder().store("memory:").queue("mail", 8).provide(Greeting("hello")).start().await?;
//!     println!("{}", runtime.manifest());
//!     welcome::job("Ann".into()).enqueue(runtime.client()).await?;
//!     runtime.shutdown().await;
//!     Ok(())
//! }
//! ```
//!
//! The manifest says which store is used, which queues are served and how many jobs run at once, every kind with its queue and
//! its schedule, and what the checks found that does not keep the program from running. `Manifest` is also a value with fields.
//!
//! # Settings
//!
//! Each option is looked up in the builder, then in `JOBS_…` variables, then in `jobs.production.toml` if `JOBS_ENV` is
//! `production`, then in `jobs.toml`, then in the table of defaults. [`settings`](crate::settings) has the table.
//!
//! ```toml
//! store = "sqlite://${DATA:-.}/jobs.db"
//! concurrency = 16
//!
//! [queues.mail]
//! concurrency = 4
//! ```
//!
//! A misspelt option, a value out of its range and a `JOBS_…` variable that belongs to no option are mistakes. All of them are
//! reported at once, each with its place:
//!
//! ```
//! use jobs_runtime::settings::{Overrides, Settings, Sources};
//!
//! let mut overrides = Overrides::new();
//! overrides.set("lease", "1s").set("concurency", "8");
//! let error = Settings::resolve(overrides, &Sources::none()).unwrap_err();
//! assert_eq!(error.mistakes.len(), 2);
//! assert!(error.to_string().contains("lease is `1s`, allowed are 3s to 10m"));
//! ```
//!
//! # Checks
//!
//! Before anything runs, these are refused with [`Error::Checks`](crate::Error::Checks), all at once: no job at all, two jobs of
//! one name, two schedules of one key, a service that no job can borrow because nobody provided it, a schedule that cannot be
//! read, a schedule without arguments that its job needs, and names in [`only`](crate::Builder::only), [`except`](crate::Builder::except) or
//! `[jobs.<kind>]` that are no job's, and in `[schedule.<key>]` that are no schedule's. [`Builder::check`](crate::Builder::check) does the same without a
//! store, so that a unit test finds it:
//!
//! ```standalone_crate
//! use jobs_runtime::{Runtime, job};
//!
//! struct Mailer;
//!
//! #[job]
//! async fn send(mailer: &Mailer, to: String) {
//!     let _ = (mailer, to);
//! }
//!
//! # fn main() {
//! let error = Runtime::builder().check().unwrap_err();
//! assert!(error.to_string().contains("was not provided: write `Runtime::builder().provide(..).run()`"));
//! assert!(Runtime::builder().provide(Mailer).check().is_ok());
//! # }
//! ```
//!
//! # Jobs that are not found
//!
//! If all jobs stand in a library crate `my_jobs`, name it once in `main.rs`: `jobs_runtime::jobs!(my_jobs);`. A crate that no code
//! names is not linked. [Jobs not found?](super::linking) has the whole of it.
