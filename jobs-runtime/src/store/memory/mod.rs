//! A store in this process's memory, for tests and simulations: nothing survives the process, everything else holds as elsewhere.
//!
//! [`MemoryStore`] is a handle; its clones share the data, and each stands for one process on the same store. `handle` takes the one
//! lock and passes each call on to `state`, whose parts are grouped by topic; no order in here comes from a hash or from a clock.

mod claim;
mod complete;
mod enqueue;
mod handle;
mod index;
mod lease;
mod manage;
mod prune;
mod ready;
mod rescue;
mod schedules;
mod state;
mod transaction;

pub use handle::MemoryStore;
#[cfg(feature = "mutants")]
pub use handle::Snapshot;
pub use transaction::Transaction;
