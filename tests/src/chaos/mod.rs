//! Real faults on real processes: workers on one store that are killed, frozen and stopped while the store itself fails, and at the end
//! an account of every job.
//!
//! ```text
//! plan ──► run ──► stage: the store, and the way to it ◄── storm: what goes wrong with it
//!           ├────► crew: processes, killed, frozen, stopped ──► worker ──► work, effects, witness ──► ledger
//!           ├────► producer: enqueues until it is answered
//!           ├────► rests: pauses a queue, and resumes it
//!           └────► evidence ──► check ──► report
//! ```
//!
//! The system has no say in the evidence that matters: jobs write into a [`ledger`] outside of the store, [`faults`] are noted by whoever
//! makes them, and [`check`] knows neither processes nor stores, only these lists. `src/bin/chaos.rs` is the program.

pub mod check;
pub mod clock;
pub(crate) mod crew;
pub(crate) mod effects;
pub mod evidence;
pub mod faults;
pub mod ledger;
pub(crate) mod log;
pub(crate) mod plan;
pub(crate) mod process;
mod producer;
mod report;
mod rests;
pub(crate) mod run;
pub(crate) mod stage;
mod storm;
pub(crate) mod witness;
pub(crate) mod work;
pub(crate) mod worker;

pub use plan::{Plan, StoreKind};
pub use run::run;
pub use stage::go_apart;
pub use worker::work;
