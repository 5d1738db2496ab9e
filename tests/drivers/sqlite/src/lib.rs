//! One application, written with each driver of SQLite: how a job is stored in a transaction of the application, and how a job's own
//! writes and its completion become one commit. Each file stands by itself.
//!
//! The tables of the application are in the file of the jobs. A transaction that writes begins by `BEGIN IMMEDIATE`: one that begins by
//! reading, and then writes, fails at once if somebody else has written meanwhile.

pub mod diesel;
pub mod file;
pub mod rusqlite;
pub mod sqlx;
