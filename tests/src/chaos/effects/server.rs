//! A transaction on a server: a connection of its own, on which `BEGIN` was run, through the same network as those of the store. It is
//! rolled back where it is dropped, since its connection ends. Those that were committed go on in the next one.

use std::sync::{Arc, Mutex, PoisonError};

use jobs_core::BoxError;
use jobs_core::store::Statement;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_postgres::{Client, Config, Error, NoTls};

use super::{Failed, Row, WRITE};
use crate::chaos::plan::DEADLINE;

/// What commits: a network can tell it from other commits.
pub(in crate::chaos) const COMMIT: &str = "COMMIT /* an effect */";

/// How many there are at once at most.
pub(in crate::chaos) const PLACES: usize = 6;

/// The state of an error that says that a job is not held under its token any more.
const STALE: &str = "JB001";

/// Where the connections of one process come from.
pub(super) struct Pool {
    config: Config,
    idle: Mutex<Vec<Client>>,
    places: Arc<Semaphore>,
}

/// An open transaction.
pub(super) struct Open {
    client: Client,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(url: &str) -> Result<Self, BoxError> {
        let mut config: Config = url.parse()?;
        config.application_name("jobs");
        Ok(Self { config, idle: Mutex::default(), places: Arc::new(Semaphore::new(PLACES)) })
    }

    pub(super) async fn begin(&self) -> Result<Open, BoxError> {
        let place = Arc::clone(&self.places).acquire_owned().await?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let client = if let Some(client) = idle.filter(|client| !client.is_closed()) {
            client
        } else {
            let (client, connection) = timeout(DEADLINE, self.config.connect(NoTls)).await??;
            // It ends with its client.
            tokio::spawn(async move {
                let _ = connection.await;
            });
            client
        };
        timeout(DEADLINE, client.batch_execute("BEGIN")).await??;
        Ok(Open { client, _place: place })
    }
}

impl Open {
    pub(super) async fn write(&mut self, (job, token, run, at): &Row, outside: bool) -> Result<(), BoxError> {
        timeout(DEADLINE, self.client.execute(WRITE, &[job, token, run, at])).await??;
        if outside {
            timeout(DEADLINE, self.client.batch_execute("COMMIT; BEGIN")).await??;
        }
        Ok(())
    }

    pub(super) async fn complete(&mut self, completion: &Statement) -> Result<(), Failed> {
        let is_stale = |error: &Error| error.code().is_some_and(|code| code.code() == STALE);
        match timeout(DEADLINE, self.client.execute(completion.sql(), &[&completion.parameter()])).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failed { is_stale: is_stale(&error), error: error.into() }),
            Err(late) => Err(Failed { is_stale: false, error: late.into() }),
        }
    }

    pub(super) async fn commit(self, pool: &Pool) -> Result<(), BoxError> {
        timeout(DEADLINE, self.client.batch_execute(COMMIT)).await??;
        pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.client);
        Ok(())
    }
}
