//! The reader: a thread with a connection of its own, so that looking never waits for writing.

use std::sync::mpsc::{Receiver, Sender};

use jobs_core::StoreError;
use jobs_core::store::StoreFuture;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::store_error;

type Query = Box<dyn FnOnce(&Connection) + Send>;

/// Sends queries to the reader.
#[derive(Clone)]
pub(super) struct Reader {
    sender: Sender<Query>,
}

impl Reader {
    /// The sending end, and the end for [`run`].
    pub(super) fn channel() -> (Self, Receiver<Query>) {
        let (sender, receiver) = std::sync::mpsc::channel();
        (Self { sender }, receiver)
    }

    /// Runs a query.
    pub(super) fn read<T, F>(&self, place: std::sync::Arc<str>, query: F) -> StoreFuture<'static, T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let sent = self.sender.send(Box::new(move |connection| {
            // A caller who has gone away needs no answer.
            let _ = reply.send(query(connection).map_err(|error| store_error(&error, &place)));
        }));
        Box::pin(async move {
            sent.map_err(|_| StoreError::Closed)?;
            answer.await.map_err(|_| StoreError::Closed)?
        })
    }
}

/// The reader's life: until the store is closed or forgotten.
pub(super) fn run(connection: &Connection, queries: &Receiver<Query>) {
    while let Ok(query) = queries.recv() {
        query(connection);
    }
}
