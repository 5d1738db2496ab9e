//! The suite that makes a store one: each promise of [`jobs_core::store`] as a test that any store can be put to.
//!
//! A store's own crate says how to open it and how one of its processes dies, and gets one test for each fact:
//!
//! ```
//! use std::sync::Arc;
//! use jobs_runtime::Store;
//! use jobs_runtime::store::memory::MemoryStore;
//! use jobs_runtime::testing::conformance::{BoxFuture, Subject};
//!
//! struct Memory(MemoryStore);
//!
//! impl Subject for Memory {
//!     fn open(&self) -> BoxFuture<Arc<dyn Store>> {
//!         let handle: Arc<dyn Store> = Arc::new(self.0.clone());
//!         Box::pin(async { handle })
//!     }
//!
//!     fn kill(&self, handle: Arc<dyn Store>) -> BoxFuture<()> {
//!         Box::pin(async { drop(handle) })
//!     }
//! }
//!
//! jobs_runtime::conformance!(|| Memory(MemoryStore::new()));
//! # fn main() {}
//! ```
//!
//! The suite holds the time itself and never sleeps. A worker dies in one of two ways: *killed*, its process is gone, and others beat
//! for a little over a lease; or *frozen*, it merely stops beating, and others beat for two leases. Until somebody has judged a
//! worker, the suite assumes neither that it lives nor that it is dead. All processes share one steady clock.
//!
//! Each topic is a module here and each fact a fn in it; [`FACTS`] lists them; `world` is what they are written with.

#![allow(clippy::missing_panics_doc, reason = "a fact panics where it does not hold: that is what it is for")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jobs_core::Store;

pub mod changes;
pub mod claim;
pub mod crash;
pub mod enqueue;
pub mod errors;
pub mod follow;
pub mod history;
pub mod lease;
pub mod manage;
mod model;
pub mod outcome;
pub mod overlaps;
pub mod park;
pub mod pause;
pub mod prune;
pub mod requeue;
pub mod schedules;
pub mod stop;
mod table;
pub mod ticks;
mod world;

pub use table::{FACTS, Fact};

/// A boxed future that owns all it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A store to be tested: one set of data, and the processes that use it.
pub trait Subject: Send + Sync + 'static {
    /// Opens a new handle on the subject's data, as another process would. Several workers may use one handle.
    fn open(&self) -> BoxFuture<Arc<dyn Store>>;

    /// Kills the process of this handle at once, without a word: whatever it holds of the system's is let go by the system, and the
    /// data stays. The suite has no other reference to the handle.
    fn kill(&self, handle: Arc<dyn Store>) -> BoxFuture<()>;
}

/// Runs one fact on a runtime of its own, with two threads so that calls can overlap.
///
/// # Panics
///
/// If the fact does not hold, or the system gives no threads.
pub fn run(fact: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("the system gives a runtime its threads").block_on(fact);
}
