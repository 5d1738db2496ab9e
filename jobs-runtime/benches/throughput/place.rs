//! Where jobs are kept during a run: a fresh place for each measurement.

use std::cell::Cell;
use std::path::PathBuf;

/// A store that is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
    Memory,
}

impl Kind {
    /// Its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Memory => "memory",
        }
    }
}

/// A folder for the files of one run, on the same disk as the build, or schemas in a database.
pub struct Places {
    folder: PathBuf,
    /// The database, where one was named.
    pub postgres: Option<String>,
    next: Cell<usize>,
}

impl Places {
    pub fn new(postgres: Option<String>) -> Self {
        let target = option_env!("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let folder = target.join(format!("jobs-throughput-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the folder of the build can be written");
        Self { folder, postgres, next: Cell::new(0) }
    }

    fn number(&self) -> usize {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    /// The path of a file that is not there yet.
    pub fn file(&self) -> PathBuf {
        self.folder.join(format!("{}.db", self.number()))
    }

    /// The name of a schema that is not there yet.
    pub fn schema(&self) -> String {
        format!("bench_{}_{}", std::process::id(), self.number())
    }

    /// The URL of a store that is not there yet.
    pub fn store(&self, kind: Kind) -> String {
        match kind {
            Kind::Sqlite => format!("sqlite://{}", self.file().display()),
            Kind::Postgres => self.url(&self.schema()),
            Kind::Memory => "memory:".to_owned(),
        }
    }

    /// The URL of the database with this schema.
    pub fn url(&self, schema: &str) -> String {
        let url = self.postgres.as_deref().expect("a database was named");
        let sign = if url.contains('?') { '&' } else { '?' };
        format!("{url}{sign}schema={schema}")
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
