//! The URL of a database: what the driver understands of it, and what is ours.

use std::path::PathBuf;
use std::time::Duration;

use jobs_core::StoreError;
use jobs_core::text::did_you_mean;
use tokio_postgres::Config;

use super::PostgresOptions;

/// Whether and how a connection is encrypted, by the names of libpq
/// (<https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum SslMode {
    /// Never.
    Disable,
    /// If the server can; its certificate is not checked.
    #[default]
    Prefer,
    /// Always; the certificate is not checked.
    Require,
    /// Always, and the certificate must be good for the host.
    VerifyFull,
}

/// A URL, taken apart.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) config: Config,
    pub(super) ssl: SslMode,
    pub(super) root: Option<PathBuf>,
    pub(super) schema: Option<String>,
    pub(super) pooled: Option<bool>,
    /// The URL without its password, for people.
    pub(super) shown: String,
}

/// The parameters of the URL that are not handed to the driver.
const OURS: [&str; 4] = ["sslmode", "sslrootcert", "schema", "pooled"];

/// The parameters that the driver knows.
const THEIRS: [&str; 15] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "port",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// How long a host may leave what was sent to it unacknowledged, and how long nothing is sent before it is asked for a sign of life,
/// unless the URL says otherwise. The server's system answers for it, however long a statement takes; so a network that swallows
/// everything is found out by each connection long before the deadline, where the system can tell (Linux, and keepalives elsewhere).
const UNHEARD: Duration = Duration::from_secs(10);

/// The longest URL, in bytes.
const LONGEST: usize = 4_096;

/// Takes a URL apart. No message holds the password.
pub(super) fn parse(options: &PostgresOptions) -> Result<Parts, StoreError> {
    let url = &options.url;
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let shown = without_password(url);
    let wrong = |message: String| StoreError::Unusable(format!("{shown}: {message}"));
    // Behind the `?` of a password that was not escaped, parameters are parts of the password.
    if query.contains('@') && !query.split('&').all(is_parameter) {
        return Err(wrong("what stands behind the `?` of the URL is no parameter; in a password it is written `%3F`".to_owned()));
    }
    if url.len() > LONGEST {
        let length = url.len();
        return Err(StoreError::Unusable(format!("the URL of the database has {length} bytes, the limit is {LONGEST}")));
    }
    if url.contains(char::is_control) {
        return Err(StoreError::Unusable("the URL of the database has a control character in it".to_owned()));
    }
    let mut parts =
        Parts { config: Config::new(), ssl: SslMode::default(), root: None, schema: None, pooled: None, shown: shown.clone() };
    let mut kept = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "sslmode" => {
                parts.ssl = match value {
                    "disable" => SslMode::Disable,
                    "allow" | "prefer" => SslMode::Prefer,
                    "require" => SslMode::Require,
                    "verify-ca" | "verify-full" => SslMode::VerifyFull,
                    _ => {
                        return Err(wrong(format!(
                            "`sslmode={}` is none of disable, prefer, require, verify-full",
                            quoted(value)
                        )));
                    }
                }
            }
            "sslrootcert" => parts.root = Some(PathBuf::from(decoded(value))),
            "schema" => parts.schema = Some(decoded(value)),
            "pooled" => {
                parts.pooled =
                    Some(value.parse().map_err(|_| wrong(format!("`pooled={}` is none of true, false", quoted(value))))?);
            }
            name if THEIRS.contains(&name) => kept.push(pair),
            name => {
                let known = || OURS.into_iter().chain(THEIRS);
                let mend = match did_you_mean(name, known()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the parameters are {}", known().collect::<Vec<_>>().join(", ")),
                };
                return Err(wrong(format!("unknown parameter `{name}` in the URL; {mend}")));
            }
        }
    }
    let plain = if kept.is_empty() { address.to_owned() } else { format!("{address}?{}", kept.join("&")) };
    // What the driver says of a URL never quotes it.
    parts.config = plain.parse().map_err(|error| wrong(format!("the URL is wrong: {error}")))?;
    if parts.config.get_hosts().is_empty() {
        return Err(wrong("the URL names no host: write postgres://USER:PASSWORD@HOST:5432/DATABASE".to_owned()));
    }
    if parts.config.get_application_name().is_none() {
        parts.config.application_name("jobs");
    }
    let given = |name: &str| kept.iter().any(|pair| pair.split('=').next() == Some(name));
    if !given("tcp_user_timeout") {
        parts.config.tcp_user_timeout(options.deadline.min(UNHEARD));
    }
    if !given("keepalives_idle") {
        parts.config.keepalives_idle(UNHEARD);
    }
    if !given("keepalives_interval") {
        parts.config.keepalives_interval(UNHEARD / 4);
    }
    Ok(parts)
}

/// A value as it is told, unless it may be a part of the password.
fn quoted(value: &str) -> &str {
    if value.contains('@') { "…" } else { value }
}

/// Whether it is a parameter that there is, with whatever value.
fn is_parameter(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or(pair);
    OURS.contains(&name) || THEIRS.contains(&name)
}

/// The address with its password struck out. Where a password may go on behind the `?`, nothing of it is shown.
pub(super) fn without_password(url: &str) -> String {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    if query.contains('@') {
        return "a PostgreSQL database".to_owned();
    }
    let parts = address.split_once("://").filter(|(scheme, _)| ["postgres", "postgresql"].contains(scheme));
    let Some((scheme, rest)) = parts else { return "a PostgreSQL database".to_owned() };
    let Some((login, host)) = rest.rsplit_once('@') else { return address.to_owned() };
    match login.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}@{host}"),
        None => address.to_owned(),
    }
}

/// A value with its `%` escapes undone; a wrong escape stays as it is.
fn decoded(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| bytes[at] == b'%');
        decoded.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> Result<Parts, StoreError> {
        parse(&PostgresOptions::new(url))
    }

    #[test]
    fn our_parameters_are_taken_out_and_the_rest_is_the_drivers() {
        let parts = parts(
            "postgres://ann:s%3Fcret@db.example:5433/shop?sslmode=verify-full&schema=my%20jobs&pooled=true&application_name=x",
        )
        .unwrap();
        assert_eq!((parts.ssl, parts.schema.as_deref(), parts.pooled), (SslMode::VerifyFull, Some("my jobs"), Some(true)));
        assert_eq!((parts.config.get_dbname(), parts.config.get_application_name()), (Some("shop"), Some("x")));
        assert_eq!(parts.config.get_password(), Some(&b"s?cret"[..]));
        assert_eq!(parts.shown, "postgres://ann@db.example:5433/shop");
    }

    #[test]
    fn what_the_url_says_of_a_silent_network_goes_before_our_defaults() {
        let parts = parts("postgres://db/shop?tcp_user_timeout=70&keepalives_idle=80&keepalives_interval=90").unwrap();
        assert_eq!(parts.config.get_tcp_user_timeout(), Some(&Duration::from_secs(70)));
        assert_eq!(parts.config.get_keepalives_idle(), Duration::from_secs(80));
        assert_eq!(parts.config.get_keepalives_interval(), Some(Duration::from_secs(90)));
        let parts = super::parse(&PostgresOptions::new("postgres://db/shop")).unwrap();
        assert_eq!((parts.config.get_tcp_user_timeout(), parts.config.get_keepalives_idle()), (Some(&UNHEARD), UNHEARD));
    }

    #[test]
    fn no_mistake_shows_the_password() {
        for url in [
            "postgres://ann:secret@db/shop?sslmod=require",
            "postgres://ann:secret@db/shop?sslmode=full",
            "postgres://ann:secret@db:port/shop",
            "postgres://ann:secret@db/shop?pooled=1",
            "postgres://ann:se@cret@db:x/shop",
            "postgres://ann:pass?secret@db/shop",
            "postgres://ann:pass?sslmode=secret@db/shop",
            "postgres://ann:secret@x?pass@db/shop",
            "?postgres://ann:secret@db/shop",
            "postgre:s//ann:secrets://ann:secret@db/shop",
            "postgres://",
            "postgres://ann:secret@db/\u{1b}[2Jshop",
            &format!("postgres://ann:secret@db/{}?x", "x".repeat(10_000)),
        ] {
            let message = parts(url).unwrap_err().to_string();
            assert!(!message.contains("secret") && !message.contains("cret@"), "{message}");
            assert!(!message.contains(char::is_control) && message.len() < 500, "{message:?}");
        }
        let message = parts("postgres://ann:secret@db/shop?sslmod=require").unwrap_err().to_string();
        assert!(message.ends_with("did you mean `sslmode`?"), "{message}");
    }
}
