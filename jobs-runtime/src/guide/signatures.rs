//! What the fn of a job may look like: arguments, services, return types, names and places, other attributes.
//!
//! # Owned travels, borrowed is injected
//!
//! The types of the parameters decide, by their syntax alone. Parameters come in any order.
//!
//! | parameter | is | must be |
//! |---|---|---|
//! | `name: T` | an argument: stored with the job under `name`, as JSON | `Serialize + DeserializeOwned + Send + 'static` |
//! | `name: &T`, `name: &dyn Trait` | a service: lent by the runtime, found by its type | `Send + Sync + 'static` |
//! | `name: &JobContext` | this run: its attempt, its name, whether it shall stop | |
//! | `name: &Client` | a service that every runtime has by itself | |
//! | `name: &mut T` | a service of this run alone, such as a transaction: made for it, found by its type | `Send + 'static` |
//!
//! ```standalone_crate
//! use std::sync::Arc;
//! use jobs_runtime::{JobContext, Runtime, job};
//!
//! trait Mailer: Send + Sync {
//!     fn send(&self, to: &str, text: &str) -> Result<(), std::io::Error>;
//! }
//!
//! struct Screen;
//!
//! impl Mailer for Screen {
//!     fn send(&self, to: &str, text: &str) -> Result<(), std::io::Error> {
//!         println!("to {to}: {text}");
//!         Ok(())
//!     }
//! }
//!
//! struct Sender(String);
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Invoice {
//!     number: u64,
//!     lines: Vec<String>,
//! }
//!
//! #[job(queue = "mail", retries = 5, timeout = "30s")]
//! async fn send_invoice(
//!     mailer: &dyn Mailer,
//!     sender: &Sender,
//!     ctx: &JobContext,
//!     to: String,
//!     mut invoice: Invoice,
//! ) -> Result<u64, std::io::Error> {
//!     invoice.lines.push(format!("from {}, attempt {}", sender.0, ctx.attempt()));
//!     mailer.send(&to, &invoice.lines.join("\n"))?;
//!     Ok(invoice.number)
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The runtime lends the services; a job is made of the arguments alone, in the order of the fn.
//! Runtime::builder().provide(Sender("Ann".into())).provide_arc::<dyn Mailer>(Arc::new(Screen)).check()?;
//! let job = send_invoice::job("bob@example.com".into(), Invoice { number: 7, lines: vec![] }).into_job()?;
//! assert_eq!(job.payload, r#"{"to":"bob@example.com","invoice":{"number":7,"lines":[]}}"#);
//!
//! // The fn is still a fn, which takes everything.
//! let invoice = Invoice { number: 8, lines: vec![] };
//! assert_eq!(send_invoice(&Screen, &Sender("Ann".into()), &JobContext::test(), "bob@example.com".into(), invoice).await?, 8);
//! # Ok(())
//! # }
//! ```
//!
//! # Arguments
//!
//! An argument is any type that serde can write and read without borrowing: numbers, texts, tuples, collections, structs and enums
//! of your own with whatever `#[serde(..)]` attributes they have.
//!
//! | type | what to know |
//! |---|---|
//! | `Option<T>` | `None` where the stored job has no such argument; any other type must be there |
//! | `u64`, `i64`, `u128` | exact to the last digit, though JavaScript and some tools read JSON only up to 2⁵³ |
//! | `f64` | exact; but NaN and the infinities become `null`, which is no `f64`: the job is parked |
//! | `HashMap<K, V>` | keys are texts, numbers, `bool`, `char` or enums without fields; others fail at the enqueue |
//! | enums | stored by the names of their variants: rename one with `#[serde(alias = "..")]` |
//! | `Vec<u8>` | stored as a list of numbers, up to four bytes for each: a file or a table is the better place |
//! | `jiff::Timestamp`, `Uuid` and the like | as their crates write them, mostly behind a feature `serde` |
//!
//! Big values cost at every step, and [a payload has a limit](super::enqueuing): pass a path or a key. So does a value that may
//! change while the job waits: pass its key, and look it up when the job runs.
//!
//! Stored jobs outlive builds: an argument may be added, removed or renamed only as [a table
//! says](super::defining#changing-a-job-while-stored-ones-wait). Within a struct, serde's own rules apply: a new field needs
//! `#[serde(default)]` or `Option`.
//!
//! ```standalone_crate
//! use std::collections::BTreeMap;
//! use jobs_runtime::{Enqueue, NewJob, Runtime, State, job};
//!
//! #[derive(Debug, serde::Serialize, serde::Deserialize)]
//! enum Format {
//!     #[serde(alias = "Jpg")]
//!     Jpeg { quality: u8 },
//!     Png,
//! }
//!
//! #[job]
//! async fn convert(id: u64, to: Format, labels: Option<BTreeMap<u8, String>>) -> Result<String, String> {
//!     Ok(format!("{id} to {to:?}, {} labels", labels.unwrap_or_default().len()))
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let labels = BTreeMap::from([(1, "holiday".to_owned())]);
//! let job = convert::job(u64::MAX, Format::Png, Some(labels)).into_job()?;
//! assert_eq!(job.payload, r#"{"id":18446744073709551615,"to":"Png","labels":{"1":"holiday"}}"#);
//!
//! // Stored before there were labels, by a build in which the variant had another name.
//! let old = NewJob::new("convert", r#"{"id":7,"to":{"Jpg":{"quality":80}},"verbose":true}"#);
//! # let runtime = Runtime::builder().store("memory:").start().await?;
//! # let client = runtime.client();
//! let id = client.enqueue_one(old).await?;
//! # while client.job(id).await?.is_some_and(|job| job.state != State::Completed) {
//! #     tokio::time::sleep(std::time::Duration::from_millis(2)).await;
//! # }
//! assert_eq!(client.output::<String>(id).await?.as_deref(), Some("7 to Jpeg { quality: 80 }, 0 labels"));
//! # runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! The arguments of a job that is made by its schedule stand in the attribute, as `args(..)`; without them, each must be an `Option`
//! ([schedules](super::schedules)).
//!
//! # Services
//!
//! A runtime has one service of each type: [`provide`](crate::Builder::provide) and
//! [`provide_arc`](crate::Builder::provide_arc) replace an earlier one. For two of one type, give each a struct of its own. One
//! that is missing is found [at the start](super::start#checks), not by the compiler.
//!
//! A service needs no name and may have a pattern; lifetimes may be written, but not `'static`. `dyn Mailer` and
//! `dyn Mailer + Send + Sync` are two types: let the trait itself require `Send + Sync`. What changes in a service stands behind
//! a `Mutex` or an atomic, or is [made for each run](#services-of-one-run). For a task that outlives the run, provide a type that
//! can be cloned and clone it.
//!
//! ```standalone_crate
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use jobs_runtime::{Runtime, job};
//!
//! struct Limits {
//!     pages: u64,
//! }
//!
//! #[derive(Clone, Default)]
//! struct Printed(Arc<AtomicU64>);
//!
//! #[job]
//! async fn print<'a>(printed: &'a Printed, Limits { pages: limit }: &Limits, _: &(dyn Fn() + Send + Sync), pages: u64) {
//!     let (printed, pages) = (printed.clone(), pages.min(*limit));
//!     tokio::spawn(async move { printed.0.fetch_add(pages, Ordering::Relaxed) });
//! }
//!
//! # fn main() -> Result<(), jobs_runtime::Error> {
//! Runtime::builder()
//!     .provide(Printed::default())
//!     .provide(Limits { pages: 100 })
//!     .provide_arc::<dyn Fn() + Send + Sync>(Arc::new(|| ()))
//!     .check()
//! # }
//! ```
//!
//! # Services of one run
//!
//! A `&mut T` is made before the run, by what the builder was given for the type `T` as
//! [`provide_scoped`](crate::Builder::provide_scoped), [`provide_scoped_with`](crate::Builder::provide_scoped_with) or
//! [`provide_transaction`](crate::Builder::provide_transaction), and ended after it. `&T` and `&mut T` are two services, each
//! provided by itself. A run has one of each type, and at most one transaction: give a second service of one type its own struct.
//!
//! The type has to own what it holds, since nothing lives as long that it could borrow from. A lifetime in it, as in
//! `&mut Transaction<'_, Postgres>`, is `'static` for whoever makes the value; write `'_` for it. A trait object is found by the
//! box that it is in: `&mut Box<dyn Mailer + Send>`. It needs no `Sync`: only the job itself has it.
//!
//! ```standalone_crate
//! use std::marker::PhantomData;
//! use jobs_runtime::{IntoJob, Runtime, job};
//!
//! // As the crates for databases have it: with the lifetime of its connection, where it borrows one.
//! #[derive(Default)]
//! struct Transaction<'c> {
//!     statements: Vec<String>,
//!     connection: PhantomData<&'c ()>,
//! }
//!
//! struct Rates {
//!     fee: u64,
//! }
//!
//! #[derive(Default)]
//! struct Scratch<T>(Vec<T>);
//!
//! #[job]
//! async fn charge(tx: &mut Transaction<'_>, rates: &Rates, Scratch(lines): &mut Scratch<u64>, cents: u64) -> Result<(), String> {
//!     lines.extend([cents, rates.fee]);
//!     tx.statements.extend(lines.iter().map(|cents| format!("INSERT INTO charges VALUES ({cents})")));
//!     Ok(())
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! Runtime::builder()
//!     .provide(Rates { fee: 30 })
//!     .provide_scoped(|_| async { Ok(Scratch::<u64>::default()) })
//!     .provide_transaction(
//!         |_| async { Ok(Transaction::default()) },
//!         |mut tx: Transaction<'static>, completion| async move {
//!             tx.statements.push(completion.sql().to_owned());
//!             Ok(())
//!         },
//!     )
//!     .check()?;
//!
//! // They are no arguments.
//! assert_eq!(charge::job(500).into_new_job()?.payload, r#"{"cents":500}"#);
//!
//! // In a test of the fn, they are made by hand.
//! let mut tx = Transaction::default();
//! charge(&mut tx, &Rates { fee: 30 }, &mut Scratch::default(), 500).await?;
//! assert_eq!(tx.statements[1], "INSERT INTO charges VALUES (30)");
//! # Ok(())
//! # }
//! ```
//!
//! They are made in the order of the parameters, the transaction last, after the arguments are decoded; they are ended in reverse,
//! and then the transaction is committed. Where one cannot be made, or does not end well, the run has failed, and the transaction is
//! dropped. After a panic, a timeout or an abort all are only dropped.
//!
//! # What a job returns
//!
//! Nothing, or a `Result<T, E>`, written out or by an alias such as `anyhow::Result<T>`.
//!
//! `T` is the job's output, anything that serde can write. It is kept with the finished job up to `output_limit` (64 KiB); a
//! bigger one is not kept, which is noted, and the job is completed all the same. `()`, and whatever else is `null` in JSON, is no
//! output.
//!
//! `E` is anything that turns into a boxed error: an error of std, an enum of your own with `thiserror`, `String`, `&'static str`,
//! `anyhow::Error`, [`BoxError`](crate::BoxError). Its sources are recorded with it. A job that cannot fail but has an output
//! returns `Result<T, Infallible>`. What follows on an error [may be decided by itself](super::running#failures).
//!
//! ```standalone_crate
//! use std::convert::Infallible;
//! use anyhow::Context;
//! use jobs_runtime::job;
//!
//! #[job]
//! async fn count(text: String) -> Result<usize, Infallible> {
//!     Ok(text.split_whitespace().count())
//! }
//!
//! #[job]
//! async fn parse(text: String) -> anyhow::Result<i64> {
//!     text.parse().with_context(|| format!("`{text}` is no number"))
//! }
//! # fn main() {}
//! ```
//!
//! # What is refused
//!
//! All of it by the compiler, at its place, with what to write instead.
//!
//! | written | why not | instead |
//! |---|---|---|
//! | `fn` without `async` | it would block a thread for other jobs | `async fn`, with `spawn_blocking` inside |
//! | `<T>`, `<const N: usize>` | stored arguments are of one type | a job for each type, which calls the generic fn |
//! | `&self` | nobody has it when the job runs | a free fn, and `&T` for what `self` holds |
//! | `to: &str`, `ids: &[u64]` | what is borrowed is a service | `String`, `Vec<u64>` |
//! | `to: Cow<'_, str>`, `Vec<&str>` | stored values own what they hold | `String`, `Vec<String>` |
//! | `mailer: Arc<Mailer>`, `Box<dyn Mailer>` | it cannot be stored | `&Mailer`, `&dyn Mailer` |
//! | `mailer: Option<&Mailer>` | the runtime has it or does not start | `&Mailer`, and the choice inside |
//! | `mailer: Option<&mut Mailer>` | the same | `&mut Mailer` |
//! | `mailer: &mut dyn Mailer` | services of one run are found by their own type | `&mut Box<dyn Mailer + Send>` |
//! | `text: &mut String`, `ids: &mut Vec<u64>` | what is borrowed is a service | `mut text: String`, or a struct of your own |
//! | `from: &mut Tx, to: &mut Tx` | a run has one service of each type | a struct of its own for each |
//! | `db: &mut &Db`, `tx: &'a mut Tx<'a>` | nothing lives as long as that would have to | `&mut Db`, `&mut Tx<'_>` |
//! | `ctx: &mut JobContext` | it is shared | `&JobContext` |
//! | `mailer: &'static Mailer`, `&'static mut Tx` | it is lent for one run | `&Mailer`, `&mut Tx` |
//! | `ctx: JobContext` | it belongs to the run | `&JobContext` |
//! | `(a, b): (u8, u8)` | the name is the key of the stored value | a name; take it apart in the body |
//! | `x: impl Trait`, `-> impl Trait` | a stored value has a type | the type; for a service `&dyn Trait` |
//! | `#[cfg(..)]` on a parameter | jobs may wait from either build | two fns, each with its `#[cfg]` |
//! | `-> T` without `Result` | it hides whether the job can fail | `Result<T, Infallible>` |
//! | `-> Result<&str, E>` | the output is stored | `Result<String, E>` |
//! | a fn called `u8`, `str`, … | its struct would hide that type | another name |
//!
//! The future must be `Send`: an `Rc`, or the guard of a `std` `Mutex`, must not live across an `.await`. The error names the value
//! and the place.
//!
//! # Names and places
//!
//! Beside the fn stands a struct of the same name and visibility; `use` brings both. A module of that name cannot stand in the same
//! place, so put the fn inside it. A job may stand in any module, in a private one too, and in the body of a fn. Its stored name is
//! the fn's, wherever that stands and without `r#`: two jobs of one name are refused at the start, so give one of them a `name`.
//!
//! ```standalone_crate
//! mod report {
//!     use jobs_runtime::job;
//!
//!     #[job]
//!     pub(crate) async fn report(r#type: String) {
//!         let _ = r#type;
//!     }
//!
//!     pub mod weekly {
//!         #[jobs_runtime::job(name = "weekly_report")]
//!         pub async fn report() {}
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #[jobs_runtime::job]
//! async fn r#move() {}
//!
//! use report::report;
//!
//! assert_eq!((report::NAME, r#move::NAME, self::report::weekly::report::NAME), ("report", "move", "weekly_report"));
//! assert_eq!(report::job("short".into()).into_job()?.payload, r#"{"type":"short"}"#);
//! jobs_runtime::Runtime::builder().check()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Other attributes and macros
//!
//! Attributes stay on the fn, above or below `#[job]`. `#[cfg]` takes the job away with the fn; `#[deprecated]` also warns of
//! `name::job(..)`. A `macro_rules!` may write jobs; what the compiler says then points into the macro.
//!
//! ```standalone_crate
//! use jobs_runtime::job;
//!
//! #[tracing::instrument(skip_all)]
//! #[job(queue = "mail")]
//! async fn outside(to: String) -> Result<(), String> {
//!     let _ = to;
//!     Ok(())
//! }
//!
//! #[job]
//! #[tracing::instrument(fields(to))]
//! #[allow(clippy::unused_async)]
//! async fn inside(to: String) {}
//!
//! #[cfg(windows)]
//! #[job]
//! async fn registry_cleaned() {}
//!
//! #[deprecated(note = "use `outside`")]
//! #[job]
//! async fn former(to: String) {
//!     let _ = to;
//! }
//!
//! macro_rules! report {
//!     ($($name:ident: $argument:ty),*) => {
//!         $(
//!             #[job(queue = "reports")]
//!             async fn $name(of: $argument) -> Result<$argument, String> {
//!                 Ok(of)
//!             }
//!         )*
//!     };
//! }
//!
//! report!(daily: u32, yearly: i16);
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! assert_eq!(yearly::job(2026).into_job()?.queue, "reports");
//! # #[expect(deprecated)]
//! # let _ = former::job(String::new());
//! # let _ = (outside::job(String::new()), inside::job(String::new()), daily::job(1));
//! # jobs_runtime::Runtime::builder().check()?;
//! # Ok(())
//! # }
//! ```
