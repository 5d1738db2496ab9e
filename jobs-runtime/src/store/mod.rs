//! The stores: one folder each, and the opening of a store by its URL.

pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
