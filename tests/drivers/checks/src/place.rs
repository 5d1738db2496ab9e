//! The database of one test.

use std::future::Future;

use crate::Result;

/// A database with the tables of the application in it.
pub trait Place: Sized + Send + Sync {
    /// The statement by which an outcome is written, with one parameter.
    const COMPLETE: &'static str;

    /// A new one; none where there is no server to make it on, which has then been said.
    fn new() -> impl Future<Output = Result<Option<Self>>> + Send;

    /// Makes the tables of the application.
    fn make_tables(&self) -> impl Future<Output = Result> + Send;

    /// Its URL, for the store and for the application.
    fn url(&self) -> &str;

    /// The guests in a table, in order.
    fn guests_in(&self, table: &str) -> impl Future<Output = Result<Vec<String>>> + Send;

    /// Leaves nothing behind.
    fn clean_up(self) -> impl Future<Output = Result> + Send;
}
