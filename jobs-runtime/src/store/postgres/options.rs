//! How a database is used.

use std::fmt;
use std::time::Duration;

use super::url;

/// How a database is used.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresOptions {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…&schema=…`. The parameters that libpq knows by these names, and `schema`
    /// and `pooled`, which go before the fields below.
    pub url: String,
    /// The schema that holds the tables; made if it is missing. `jobs` by default.
    pub schema: String,
    /// Whether a pooler such as PgBouncer stands between, which gives each transaction another connection: then nothing is prepared,
    /// no setting outlives its transaction, and the process looks for news once a second. Not by default.
    pub pooled: bool,
    /// How long one call may take, with the connecting that it needs. Half a minute by default. What is made again by itself bears less
    /// silence of the server: claims and outcomes a third of it, a heartbeat a sixth of the lease.
    pub deadline: Duration,
    /// Whether the tables are made and migrated when the store is opened. By default they are, if the role may.
    pub migrate: bool,
    /// How long finished jobs may stay beyond their retention, waiting for the day they belong to to be dropped whole. A day by
    /// default.
    pub slack: Duration,
    /// Whether the time is that of each call, as the suite for stores needs it, and not the server's. Not by default.
    #[doc(hidden)]
    pub callers_clock: bool,
}

impl PostgresOptions {
    /// The defaults for this URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            schema: "jobs".to_owned(),
            pooled: false,
            deadline: Duration::from_secs(30),
            migrate: true,
            slack: Duration::from_secs(86_400),
            callers_clock: false,
        }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("url", &url::without_password(&self.url))
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}
