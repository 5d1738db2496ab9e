//! Eight real processes on one store and on a clock that runs a hundred times faster, killed, frozen and stopped: an hour and a half of
//! schedules in a minute, and at the end an account of every tick.
//!
//! ```text
//! plan ──► run ──► stage, crew, faults: those of chaos, at a hundred times its durations
//!           ├────► darkness: nobody comes to the schedules for a while;  standstill: notes when that was so by itself
//!           ├────► course: what all processes are told ──► worker ──► clock, sight (the store), schedules ──► ledger
//!           └────► all is settled ──► check: rule by rule, against ticks that are counted second by second ──► report
//! ```
//!
//! The wall clocks of the processes differ. On a file each call has the time of its process; on a server, as with the real one, all calls have
//! the server's. `src/bin/haste.rs` is the program.

pub mod check;
mod clock;
mod course;
mod darkness;
mod plan;
mod report;
mod run;
mod schedules;
mod sight;
mod standstill;
mod worker;

pub use plan::Plan;
pub use run::run;
pub use worker::work;
