//! The deterministic simulation: the real client, worker, scheduler and rescuer of several processes on the memory store, in virtual
//! time, with one seed for all chance.
//!
//! A [`Plan`] follows from a seed. [`run`] plays it: each process has a life of its own (it can be killed, frozen, deployed anew, and
//! its clock be set), and a wire to the store, on which calls fail, lose their answers, are slow, or never come through. The store is
//! a server that writes down what takes effect, and a referee compares it with an account of its own: which job may move how, which
//! token is valid, who holds a lease, what became of each tick of each schedule, which queue rests, which jobs have had their effect. Schedules are edited by builds and by
//! a client, and the store may be put back to a copy. The same seed gives the same history to the letter.
//!
//! [`shrink`] makes a plan that breaks a rule smaller. That the referee would notice a fault is shown by
//! [`Guard`](jobs_runtime::testing::guards::Guard)s that are switched off one at a time.

mod executor;
mod life;
mod pauses;
mod plan;
mod play;
mod process;
mod referee;
mod rules;
mod schedules;
mod server;
mod shrink;
mod stage;
mod steps;
mod unit;
mod wire;

pub use plan::{Build, Order, Pause, Plan, Trouble, What};
pub use play::{Report, run};
pub use referee::Violation;
pub use shrink::shrink;
pub use steps::{Deed, Form, Restore, Step};
pub use unit::Commits;
pub use wire::Fates;
