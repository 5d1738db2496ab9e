//! The keys of `#[job]`; what may change while stored jobs wait; closures.
//!
//! ```standalone_crate
//! use jobs_runtime::{Runtime, job};
//!
//! struct Mailer;
//!
//! #[job(queue = "mail", priority = -10, retries = 5, backoff = "exponential 10s to 1h", timeout = "30s", tags = ["customer"])]
//! async fn welcome(mailer: &Mailer, to: String) -> Result<(), std::io::Error> {
//!     let _ = (mailer, to);
//!     Ok(())
//! }
//!
//! # fn main() -> Result<(), jobs_runtime::Error> {
//! Runtime::builder().provide(Mailer).check()
//! # }
//! ```
//!
//! What is owned is stored with the job, what is borrowed is provided by the runtime: all that such a fn may look like stands in
//! [`signatures`](super::signatures).
//!
//! # The keys
//!
//! [`#[job]`](macro@crate::job) has the table of all keys. Values are checked when the program is compiled: a cron expression
//! that never fires, a zone that does not exist and a key that is misspelt are compile errors at their place.
//!
//! What a kind does not say is taken from the settings: `defaults.retries` (10, so 11 attempts), `defaults.backoff` (exponential,
//! from 10 s to 6 h), `defaults.timeout` (none). Its queue is `default`, its priority 0; smaller numbers run first.
//!
//! # Changing a job while stored ones wait
//!
//! | change | what becomes of stored jobs |
//! |---|---|
//! | an argument of type `Option<T>` is added | it is `None` in them |
//! | an argument is removed | its stored value is left alone |
//! | an argument is renamed, or one of another type is added | they do not decode: parked, with their payload |
//! | a type changes so that old values do not decode | parked |
//! | the fn is moved to another module or file | nothing: the module is no part of the name |
//! | the type that it returns changes | the job that follows on it in a stored chain is parked when it cannot take the output |
//! | its argument is renamed, or a second one added | a chain that was stored with it still names the old one: parked when its turn comes |
//! | the fn is renamed | they keep the old name: parked once no live worker knows it, unless an alias takes them |
//!
//! A job that was [parked](super::running#parked-jobs) runs as soon as a build comes that can take it. So a rename is mended by
//! one line, before or after it was deployed:
//!
//! ```standalone_crate
//! use jobs_runtime::{Enqueue, NewJob, Runtime, State, job};
//!
//! #[job(aliases = ["mail_receipt"])]
//! async fn send_receipt(to: String) -> Result<String, std::convert::Infallible> {
//!     Ok(to)
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::builder().store("memory:").start().await?;
//! let client = runtime.client();
//! // As the build before stored it:
//! let id = client.enqueue_one(NewJob::new("mail_receipt", r#"{"to":"ann@example.com"}"#)).await?;
//! while client.job(id).await?.is_some_and(|job| job.state != State::Completed) {
//!     tokio::time::sleep(std::time::Duration::from_millis(5)).await;
//! }
//! assert_eq!(client.output::<String>(id).await?.as_deref(), Some("ann@example.com"));
//! # runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! To keep the stored name whatever the fn is called, write it: `#[job(name = "send_receipt")]`. Names have 1 to 128 ASCII
//! letters, digits and `_ - . : /`, and begin with a letter, a digit or `_`.
//!
//! # Closures
//!
//! A [`closure`](crate::closure()) with a name is a kind like any other. It has no arguments and borrows nothing but what it
//! captures.
//!
//! ```
//! use jobs_runtime::{JobContext, Runtime, closure};
//!
//! # fn main() -> Result<(), jobs_runtime::Error> {
//! let refresh = closure("refresh", |ctx: JobContext| async move {
//!     println!("attempt {}", ctx.attempt());
//!     Ok::<_, std::io::Error>(())
//! });
//! Runtime::builder().without_linked().register(refresh.every("10s").retries(0)).check()
//! # }
//! ```
