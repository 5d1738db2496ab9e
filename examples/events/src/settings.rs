//! Where everything is. What concerns jobs alone is set by `JOBS_…` variables or `jobs.toml`.

use std::env;
use std::path::PathBuf;

/// Read from the environment.
pub(crate) struct Settings {
    /// `DATABASE_URL`: `sqlite:PATH` or `postgres://…`, for the rows and the jobs alike. `sqlite:events.db` unless given.
    pub(crate) database: String,
    /// `MAIL_DIR`: the folder to which mail goes. `mail` unless given.
    pub(crate) mail: PathBuf,
    /// `LISTEN`: where visitors are expected; port 0 takes a free one. `127.0.0.1:3000` unless given.
    pub(crate) listen: String,
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        let or = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
        Self {
            database: or("DATABASE_URL", "sqlite:events.db"),
            mail: or("MAIL_DIR", "mail").into(),
            listen: or("LISTEN", "127.0.0.1:3000"),
        }
    }
}
