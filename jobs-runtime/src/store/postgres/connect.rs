//! Where the server is, and how to get there: hosts, deadlines, who drives a connection.

use std::sync::Arc;
use std::time::Duration;

use jobs_core::StoreError;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode as DriverMode;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Notification};

use super::connection::Connection;
use super::error::Result;
use super::tls::Tls;
use super::url::{Parts, SslMode};
use crate::env::Rng;

/// How long the server is asked to leave something off.
const UNDO: Duration = Duration::from_secs(5);

/// A server that can be connected to.
pub(super) struct Target {
    config: Config,
    tls: Option<Tls>,
    /// How long one call may take, with the connecting that it needs.
    pub(super) deadline: Duration,
    /// The server's name for people.
    pub(super) place: Arc<str>,
    pub(super) rng: Rng,
}

/// The task that drives a connection. Dropping it closes the connection at once, also one that has an answer to wait for.
pub(super) struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Driver {
    /// Waits for the end of the connection.
    pub(super) async fn ended(&mut self) {
        // A task that panicked has ended, too.
        let _ = (&mut self.0).await;
    }
}

impl Target {
    pub(super) fn new(parts: &Parts, deadline: Duration, place: Arc<str>) -> std::result::Result<Self, StoreError> {
        let mut config = parts.config.clone();
        config.ssl_mode(match parts.ssl {
            SslMode::Disable => DriverMode::Disable,
            SslMode::Prefer => DriverMode::Prefer,
            SslMode::Require | SslMode::VerifyFull => DriverMode::Require,
        });
        Ok(Self { config, tls: Tls::new(parts)?, deadline, place, rng: Rng::from_system() })
    }

    /// A new connection whose notifications go to `hear`, and what drives it until it ends. No host of the URL may use up so much of
    /// the time that none is left for the others.
    pub(super) async fn connect(&self, limit: Duration, hear: impl Fn(&Notification) + 'static) -> Result<(Client, Driver)> {
        let mut config = self.config.clone();
        let hosts = u32::try_from(config.get_hosts().len()).unwrap_or(u32::MAX);
        let share = limit / hosts.saturating_add(1);
        config.connect_timeout(config.get_connect_timeout().map_or(share, |wanted| share.min(*wanted)));
        if let Some(tls) = &self.tls {
            let (client, connection) = config.connect(tls.clone()).await?;
            return Ok((client, drive(connection, hear)));
        }
        let (client, connection) = config.connect(NoTls).await?;
        Ok((client, drive(connection, hear)))
    }
}

impl Target {
    /// Asks the server to leave off what a connection is about that nobody listens to any more: what waits for a lock there would
    /// otherwise go on waiting. In the background, and for a moment only.
    pub(super) fn undo(&self, connection: &Connection) {
        let (token, tls) = (connection.cancel_token(), self.tls.clone());
        tokio::task::spawn_local(tokio::time::timeout(UNDO, async move {
            // Where it does not arrive, the server's own limit is left.
            let _ = match tls {
                Some(tls) => token.cancel_query(tls).await,
                None => token.cancel_query(NoTls).await,
            };
        }));
    }
}

fn drive<S, T>(mut connection: tokio_postgres::Connection<S, T>, hear: impl Fn(&Notification) + 'static) -> Driver
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
{
    Driver(tokio::task::spawn_local(async move {
        // Whoever uses the connection hears of its end by the answer to his call.
        while let Some(Ok(message)) = std::future::poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message {
                hear(&notification);
            }
        }
    }))
}
