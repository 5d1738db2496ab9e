//! Where the server is, and how to get there: hosts, deadlines, who drives a connection.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jobs_core::StoreError;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_postgres::config::{Host, LoadBalanceHosts, SslMode as DriverMode};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Notification};

use super::connection::Connection;
use super::error::{Problem, Result};
use super::tls::Tls;
use super::url::{Parts, SslMode};
use crate::env::Rng;

/// How long the server is asked to leave something off.
const UNDO: Duration = Duration::from_secs(5);

/// A server that can be connected to.
pub(super) struct Target {
    /// One for each host.
    configs: Vec<Config>,
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
        let mut configs = each_host(&parts.config);
        for config in &mut configs {
            config.ssl_mode(match parts.ssl {
                SslMode::Disable => DriverMode::Disable,
                SslMode::Prefer => DriverMode::Prefer,
                SslMode::Require | SslMode::VerifyFull => DriverMode::Require,
            });
        }
        Ok(Self { configs, tls: Tls::new(parts)?, deadline, place, rng: Rng::from_system() })
    }

    /// A new connection whose notifications go to `hear`, and what drives it until it ends. The hosts of the URL are tried one after the
    /// other; one that is silent has its share of the time alone.
    pub(super) async fn connect(&self, limit: Duration, hear: impl Fn(&Notification) + 'static) -> Result<(Client, Driver)> {
        let (hear, by) = (Rc::new(hear), Instant::now() + limit);
        let mut configs: Vec<&Config> = self.configs.iter().collect();
        if configs.iter().any(|config| config.get_load_balance_hosts() == LoadBalanceHosts::Random) {
            fastrand::shuffle(&mut configs);
        }
        let mut problem = no_connection(&self.place);
        for (config, left) in configs.iter().zip((1..=self.configs.len()).rev()) {
            let share = by.saturating_duration_since(Instant::now()) / u32::try_from(left).unwrap_or(u32::MAX);
            problem = match tokio::time::timeout(share, self.connect_to(config, share, Rc::clone(&hear))).await {
                Ok(Ok(connected)) => return Ok(connected),
                Ok(Err(error)) => error.into(),
                Err(_) => no_connection(&self.place),
            };
        }
        Err(problem)
    }

    async fn connect_to(
        &self,
        config: &Config,
        limit: Duration,
        hear: Rc<impl Fn(&Notification) + 'static>,
    ) -> std::result::Result<(Client, Driver), tokio_postgres::Error> {
        let mut config = config.clone();
        // A name may stand for several addresses.
        let share = limit / 2;
        config.connect_timeout(config.get_connect_timeout().map_or(share, |wanted| share.min(*wanted)));
        if let Some(tls) = &self.tls {
            let (client, connection) = config.connect(tls.clone()).await?;
            return Ok((client, drive(connection, hear)));
        }
        let (client, connection) = config.connect(NoTls).await?;
        Ok((client, drive(connection, hear)))
    }
}

/// What is said when no host has answered in time.
pub(super) fn no_connection(place: &str) -> Problem {
    let message = Cow::Owned(format!("{place}: no connection in time"));
    Problem::Store(StoreError::Unavailable { message, source: None })
}

/// One configuration for each host of this one, so that each can be given its share of the time: the driver knows a limit for a part of
/// the way alone.
fn each_host(all: &Config) -> Vec<Config> {
    let alone = |nth: usize, host: &Host| {
        let mut one = Config::new();
        match host {
            Host::Tcp(name) => one.host(name),
            #[cfg(unix)]
            Host::Unix(folder) => one.host_path(folder),
        };
        if let Some(address) = all.get_hostaddrs().get(nth) {
            one.hostaddr(*address);
        }
        // One port stands for all.
        if let Some(port) = all.get_ports().get(nth).or(all.get_ports().first()) {
            one.port(*port);
        }
        if let Some(user) = all.get_user() {
            one.user(user);
        }
        if let Some(password) = all.get_password() {
            one.password(password);
        }
        if let Some(name) = all.get_dbname() {
            one.dbname(name);
        }
        if let Some(name) = all.get_application_name() {
            one.application_name(name);
        }
        if let Some(limit) = all.get_connect_timeout() {
            one.connect_timeout(*limit);
        }
        if let Some(limit) = all.get_tcp_user_timeout() {
            one.tcp_user_timeout(*limit);
        }
        if let Some(interval) = all.get_keepalives_interval() {
            one.keepalives_interval(interval);
        }
        if let Some(retries) = all.get_keepalives_retries() {
            one.keepalives_retries(retries);
        }
        one.keepalives(all.get_keepalives()).keepalives_idle(all.get_keepalives_idle());
        one.target_session_attrs(all.get_target_session_attrs()).channel_binding(all.get_channel_binding());
        one.load_balance_hosts(all.get_load_balance_hosts());
        one
    };
    all.get_hosts().iter().enumerate().map(|(nth, host)| alone(nth, host)).collect()
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

fn drive<S, T>(mut connection: tokio_postgres::Connection<S, T>, hear: Rc<impl Fn(&Notification) + 'static>) -> Driver
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
