//! One application, written with each driver of PostgreSQL: how a job is stored in a transaction of the application, and how a job's own
//! writes and its completion become one commit. Each file stands by itself.
//!
//! Where a driver's transaction owns its connection, a job takes `&mut` that transaction. Where it borrows from a connection, the job
//! takes a small struct that owns a connection on which `BEGIN` was run, and whose end without a commit closes it.

pub mod deadpool;
pub mod diesel;
pub mod diesel_async;
pub mod sea_orm;
pub mod server;
pub mod sqlx_0_8;
pub mod sqlx_0_9;
pub mod tokio_postgres;
