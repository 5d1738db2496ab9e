//! Jobs not found? Which crates are linked, how to name them, and a list that shows when one is lost.
//!
//! # Why a job is not found
//!
//! `#[job]` registers its fn when the program is linked, so nobody keeps a list. It does so for every crate that is linked, with all
//! its modules, private ones too. But the compiler links a crate only if some code names it: a line in `Cargo.toml` alone does
//! nothing. So if all jobs stand in a library crate, name it once in `main.rs`:
//!
//! ```standalone_crate
//! # extern crate self as my_jobs;
//! # extern crate self as billing;
//! # pub mod jobs { #[jobs_runtime::job] pub async fn bill() {} }
//! jobs_runtime::jobs!(my_jobs, billing::jobs);
//! # fn main() {
//! # jobs_runtime::Runtime::builder().check().unwrap();
//! # }
//! ```
//!
//! [`jobs!`](crate::jobs) writes `use my_jobs as _;` for each. Using anything of the crate does the same, until somebody takes that
//! use away; the macro says what it is for.
//!
//! # What is found
//!
//! | the jobs stand | found |
//! |---|---|
//! | in the program itself, in whatever module, also inside of a fn or made by a macro | yes |
//! | in a library crate that is named by `jobs!`, by `use my_jobs as _;`, or by a use of anything in it | yes |
//! | in a library crate that only `Cargo.toml` names | **no** |
//! | in a crate behind another one that says `pub use my_jobs;`, or names it in another way, and is named itself | yes |
//! | in a crate behind another one that never names it | **no** |
//! | in the crate of an integration test, an example, a benchmark | yes |
//! | in the library beside an integration test or example that does not name it | **no** |
//! | in the library whose unit tests run | yes |
//!
//! This holds in debug and release builds, with thin and fat link-time optimisation, with one codegen unit, and stripped: a test of
//! this workspace builds the programs and asks them.
//!
//! **Integration tests, examples and benchmarks are crates of their own.** Each that starts a runtime names the crates with jobs as
//! `main.rs` does. What stands in `main.rs` cannot be named from there: put jobs into the library of the package.
//!
//! # How it shows
//!
//! - A program that finds no job at all does not start: [`Error::Checks`](crate::Error::Checks) names the causes and what to write.
//!   [`Builder::check`](crate::Builder::check) says the same in a unit test.
//! - The manifest that is printed at the start has every kind with its module.
//! - If a part is missing, and jobs of it wait in the store, the start warns of each such kind. They are kept, never failed ([parked
//!   jobs](super::running#parked-jobs)).
//! - A program that enqueues `my_jobs::send::job(..)` names the crate by that, and links it.
//!
//! # The list of jobs
//!
//! To see it before it runs, let a test compare what is linked with a list that is checked in. `tests/registered.rs`:
//!
//! ```standalone_crate
//! # extern crate self as my_jobs;
//! # #[jobs_runtime::job(queue = "mail")] pub async fn welcome(to: String) { let _ = to; }
//! jobs_runtime::jobs!(my_jobs);
//!
//! # fn main() {
//! // In a fn with `#[test]`.
//! # #[cfg(any())]
//! jobs_runtime::assert_registered!("jobs.txt");
//! # jobs_runtime::assert_registered!("src/testing/registered/example.txt");
//! # }
//! ```
//!
//! `UPDATE_JOBS=1 cargo test` writes `jobs.txt`. After that a rename, a lost crate, a changed argument, queue or schedule fails the
//! test, and the difference says what it does to stored jobs:
//!
//! ```text
//! - welcome(to: String) queue = "mail"
//!   a job lost here leaves its stored jobs parked: if it was renamed, write `aliases = ["welcome"]` at its new name; …
//! + greet(to: String) queue = "mail"  (src/mail.rs:12)
//!   a new job
//! ```
//!
//! [`testing::registered`](crate::testing::registered) says what a line has, and how far the names of types can be relied on.
//!
//! # Where nothing is registered
//!
//! | build | registered at link time |
//! |---|---|
//! | a program; a `cdylib` that another program loads | yes; each `cdylib` with a copy of this crate has a registry of its own |
//! | a `staticlib` in a program that is linked by a C compiler | no, unless it is linked with `--whole-archive` |
//! | WebAssembly | [`inventory`](https://docs.rs/inventory) supports it; the host may have to call `__wasm_call_ctors`. Not tested here |
//! | Miri | not tested here; rely on registration by hand |
//!
//! There, and wherever link-time registration is not wanted, kinds are registered by hand:
//!
//! ```standalone_crate
//! use jobs_runtime::{Job, Runtime, job};
//!
//! #[job]
//! async fn tidy() {}
//!
//! # fn main() -> Result<(), jobs_runtime::Error> {
//! Runtime::builder().without_linked().register(tidy::entry().clone()).check()?;
//! assert!(Runtime::builder().without_linked().check().is_err());
//! # Ok(())
//! # }
//! ```
