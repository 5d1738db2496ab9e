//! A transaction on a file: a connection of its own, on which `BEGIN IMMEDIATE` was run. It is rolled back where it is dropped.
//!
//! No network can lose the answer to a commit here. So now and then the answer is thrown away where it comes, or the connection is before
//! it is asked for: whoever waits for it cannot tell one from the other.

use std::path::PathBuf;
use std::time::Duration;

use jobs_core::BoxError;
use jobs_core::store::Statement;
use rusqlite::{Connection, params};

use super::{Failed, Row, WRITE};
use crate::chaos::stage::somebody;

/// How long it waits for the lock.
const PATIENCE: Duration = Duration::from_secs(1);

/// An open transaction.
pub(super) struct Open(Connection);

impl Open {
    pub(super) async fn begin(path: PathBuf) -> Result<Self, BoxError> {
        let begin = move || {
            let connection = somebody(&path)?;
            connection.busy_timeout(PATIENCE)?;
            connection.execute_batch("BEGIN IMMEDIATE").map(|()| Self(connection))
        };
        Ok(tokio::task::spawn_blocking(begin).await??)
    }

    pub(super) fn write(&mut self, (job, token, run, at): &Row, outside: bool) -> Result<(), BoxError> {
        self.0.execute(WRITE, params![job, token, run, at])?;
        if outside {
            self.0.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        }
        Ok(())
    }

    pub(super) fn complete(&mut self, completion: &Statement) -> Result<(), Failed> {
        let done = self.0.execute(completion.sql(), params![completion.parameter()]);
        done.map(drop).map_err(|error| Failed { is_stale: error.to_string().contains("under its token"), error: error.into() })
    }

    /// Commits, and loses the answer in some of a hundred cases, by this chance.
    pub(super) fn commit(self, lost: f64) -> Result<(), BoxError> {
        const LOST: &str = "the answer was lost";
        if lost < 0.02 {
            return Err(LOST.into());
        }
        self.0.execute_batch("COMMIT")?;
        if lost < 0.05 { Err(LOST.into()) } else { Ok(()) }
    }
}
