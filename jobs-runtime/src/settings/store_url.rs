//! The URL of a store: which one, and where its jobs are.

use std::fmt;
use std::path::PathBuf;

use jobs_core::text::did_you_mean;

use super::error::Problem;
use super::secret;

const POSTGRES: [&str; 2] = ["postgres", "postgresql"];

/// Which store, and where its jobs are. `Debug` and `Display` mask what looks like a password.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreUrl {
    /// `memory:`: the jobs live as long as the process.
    Memory,
    /// `sqlite://PATH` or `sqlite:PATH`: one file, made when missing. The path is taken as it is written, without percent
    /// signs being decoded; a relative one starts at the working folder.
    Sqlite(PathBuf),
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`: a schema of a database. Parameters behind a `?` are those that libpq knows by
    /// these names: `sslmode`, `sslrootcert`, `application_name`, `connect_timeout` and so on; and `schema` and `pooled`, which go
    /// before the options of these names.
    Postgres(String),
}

impl StoreUrl {
    /// Reads the forms above.
    pub(super) fn read(text: &str) -> Result<Self, Problem> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return match text {
                "" => Err(Problem::new("URL is empty")),
                "memory" => Err(Problem::new("colon is missing").with_help("write `memory:`")),
                _ => Err(Problem::new("scheme is missing")),
            };
        };
        match scheme {
            "memory" if rest.is_empty() => Ok(Self::Memory),
            "memory" => Err(Problem::new("nothing may follow `memory:`")),
            "sqlite" => sqlite(rest.strip_prefix("//").unwrap_or(rest)),
            _ if POSTGRES.contains(&scheme) => postgres(text, rest),
            _ => match did_you_mean(scheme, ["sqlite", "memory", "postgres"].into_iter()) {
                Some(near) => Err(Problem::new("unknown scheme").with_help(format!("did you mean `{near}:`?"))),
                None => Err(Problem::new("unknown scheme")),
            },
        }
    }
}

fn sqlite(path: &str) -> Result<StoreUrl, Problem> {
    match path {
        "" => Err(Problem::new("path is empty").with_help("write `sqlite://jobs.db`")),
        ":memory:" => Err(Problem::new("SQLite is used with a file only").with_help("write `memory:` to keep jobs in memory")),
        _ if path.starts_with("~/") => {
            Err(Problem::new("`~` is not expanded").with_help("write `${HOME}/…` in a file, or the whole path"))
        }
        _ if path.contains("${") => {
            Err(Problem::new("`${` stands in the path").with_help("variables are put in only where they stand in a file"))
        }
        _ if path.contains('?') => {
            Err(Problem::new("parameters are not part of this URL").with_help("see the options under `sqlite`"))
        }
        _ if path.contains(char::is_control) => Err(Problem::new("path has a control character in it")),
        _ => Ok(StoreUrl::Sqlite(path.into())),
    }
}

/// What the driver will say is its own; this is what a person sees most often.
fn postgres(url: &str, rest: &str) -> Result<StoreUrl, Problem> {
    let whole = "write `postgres://USER:PASSWORD@HOST:5432/DATABASE`";
    match rest.strip_prefix("//") {
        None => Err(Problem::new("`//` is missing").with_help(whole)),
        Some("") => Err(Problem::new("host is missing").with_help(whole)),
        Some(_) if url.contains("${") => {
            Err(Problem::new("`${` stands in the URL").with_help("variables are put in only where they stand in a file"))
        }
        Some(_) if url.contains(char::is_control) => Err(Problem::new("URL has a control character in it")),
        Some(_) => Ok(StoreUrl::Postgres(url.to_owned())),
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(path) => f.write_str(&secret::mask(&format!("sqlite://{}", path.display()))),
            Self::Postgres(url) => f.write_str(&secret::mask(url)),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::StoreUrl;

    #[test]
    fn the_forms_of_a_url_name_a_store() {
        let sqlite = |path: &str| StoreUrl::Sqlite(path.into());
        for (text, url, shown) in [
            ("memory:", StoreUrl::Memory, "memory:"),
            ("sqlite://jobs.db", sqlite("jobs.db"), "sqlite://jobs.db"),
            ("sqlite:data/jobs.db", sqlite("data/jobs.db"), "sqlite://data/jobs.db"),
            ("sqlite:///var/jobs.db", sqlite("/var/jobs.db"), "sqlite:///var/jobs.db"),
            ("sqlite:/var/jobs.db", sqlite("/var/jobs.db"), "sqlite:///var/jobs.db"),
            ("sqlite:C:\\jobs.db", sqlite("C:\\jobs.db"), "sqlite://C:\\jobs.db"),
            ("sqlite://a%20b", sqlite("a%20b"), "sqlite://a%20b"),
            (
                "postgres://ann:pw@host/db?sslmode=require",
                StoreUrl::Postgres("postgres://ann:pw@host/db?sslmode=require".to_owned()),
                "postgres://ann:***@host/db?sslmode=require",
            ),
            ("sqlite://ann:pw@host", sqlite("ann:pw@host"), "sqlite://ann:***@host"),
        ] {
            assert_eq!(StoreUrl::read(text).as_ref(), Ok(&url), "{text}");
            assert_eq!(format!("{url} {url:?}"), format!("{shown} StoreUrl({shown})"));
        }
    }

    #[test]
    fn each_mistake_in_a_url_is_named() {
        for (text, said, help) in [
            ("", "URL is empty", ""),
            ("jobs.db", "scheme is missing", ""),
            ("memory", "colon is missing", "write `memory:`"),
            ("memory://x", "nothing may follow `memory:`", ""),
            ("sqlite:", "path is empty", "write `sqlite://jobs.db`"),
            ("sqlite://", "path is empty", "write `sqlite://jobs.db`"),
            ("sqlite::memory:", "SQLite is used with a file only", "write `memory:` to keep jobs in memory"),
            ("sqlite://~/jobs.db", "`~` is not expanded", "write `${HOME}/…` in a file, or the whole path"),
            ("sqlite://a?mode=rwc", "parameters are not part of this URL", "see the options under `sqlite`"),
            ("sqlite:${A}", "`${` stands in the path", "variables are put in only where they stand in a file"),
            ("sqlite://a\0b", "path has a control character in it", ""),
            ("SQLITE://a", "unknown scheme", "did you mean `sqlite:`?"),
            ("redis://a", "unknown scheme", ""),
            ("postgres:", "`//` is missing", "write `postgres://USER:PASSWORD@HOST:5432/DATABASE`"),
            ("postgresql://", "host is missing", "write `postgres://USER:PASSWORD@HOST:5432/DATABASE`"),
            ("postgres://${A}", "`${` stands in the URL", "variables are put in only where they stand in a file"),
            ("postgers://a", "unknown scheme", "did you mean `postgres:`?"),
        ] {
            let problem = StoreUrl::read(text).unwrap_err();
            assert_eq!((problem.text.as_str(), problem.help.as_deref().unwrap_or("")), (said, help), "{text}");
        }
    }
}
