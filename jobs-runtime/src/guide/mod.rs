//! The guide: one page for each thing that a program does with jobs. Every snippet is compiled and, where it can end, run.
//!
//! | page | what it answers |
//! |---|---|
//! | [`start`] | the first program, its settings, its manifest, what is checked |
//! | [`linking`] | jobs not found? Which crates are linked, how to name them, and a list that shows when one is lost |
//! | [`defining`] | the keys of `#[job]`; what may change while stored jobs wait; closures |
//! | [`signatures`] | what the fn may look like: arguments, services, return types, what is refused, other attributes |
//! | [`enqueuing`] | now, later, in bulk, once, one after the other; from a handler, and from a program that runs nothing |
//! | [`transactions`] | jobs in your own database transaction, and jobs whose rows and completion are one commit |
//! | [`schedules`] | cron, intervals, zones and clock changes; missed ticks, overlaps, and schedules by environment |
//! | [`running`] | queues, concurrency and pauses; failures, verdicts, timeouts, cancellation, panics; the end of the process |
//! | [`looking`] | what a job did, what waits, and how the runtime does; cancelling and requeueing |
//! | [`testing`] | a plain call, a runtime in memory, a clock to turn by hand, and the suite for a store of your own |
//! | [`postgres`] | many machines: the URL, rights, sizing, poolers, upgrades, backup, what differs from SQLite, what to watch |
//! | [`promises`] | what is promised, what is not, and what becomes of jobs when something breaks, with the tests that show it |
//! | [`protocol`] | how it works inside, step by step, and what happens at each step if something breaks |
//! | [`lessons`] | what has gone wrong in other job systems, and the tests that keep it from going wrong here |
//!
//! All options and their defaults stand in [`settings`](crate::settings), all spans and events in
//! [`telemetry`](crate::telemetry), all states and moves of a job in [`lifecycle`](crate::lifecycle), the contract of a store in
//! [`jobs_core::store`].

pub mod defining;
pub mod enqueuing;
pub mod lessons;
pub mod linking;
pub mod looking;
pub mod postgres;
pub mod promises;
pub mod protocol;
pub mod running;
pub mod schedules;
pub mod signatures;
pub mod start;
pub mod testing;
pub mod transactions;
