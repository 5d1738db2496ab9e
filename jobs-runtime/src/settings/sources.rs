//! What the settings are read from, as values: no other part of this module asks the process or the disk for anything.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use jobs_core::TextError;
use jobs_core::schedule::Zone;

/// The longest file of settings, in bytes.
pub(super) const MAX_FILE: usize = 1024 * 1024;

/// Reads a whole file of text; `None` if there is none.
pub type ReadFile = Box<dyn Fn(&Path) -> io::Result<Option<String>> + Send + Sync>;

/// Finds a time zone by its name.
pub type ReadZone = fn(&str) -> Result<Zone, TextError>;

/// What the settings are read from. `Debug` shows no values of variables.
pub struct Sources {
    /// The environment variables. Those that begin with `JOBS_` are options; all may stand as `${VAR}` in a file.
    pub variables: BTreeMap<String, String>,
    /// The folder where relative paths of files start.
    pub folder: PathBuf,
    /// Reads a file of at most 1 MiB; what is longer is refused.
    pub read: ReadFile,
    /// Finds a time zone.
    pub zone: ReadZone,
}

impl Sources {
    /// The variables, the working folder and the disk of this process.
    ///
    /// Bytes of a variable that are not UTF-8 become U+FFFD, which is refused where the variable is used.
    #[must_use]
    pub fn system() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Self {
            variables: std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect(),
            folder: PathBuf::new(),
            read: Box::new(read_file),
            zone: Zone::parse,
        }
    }

    /// No variables and no files: all defaults.
    #[must_use]
    pub fn none() -> Self {
        Self { variables: BTreeMap::new(), folder: PathBuf::new(), read: Box::new(|_| Ok(None)), zone: Zone::parse }
    }

    /// The value of a variable, if it is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("variables", &self.variables.keys()).field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Reads one byte more than the limit at most, so that a device without an end cannot fill the memory.
fn read_file(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {MAX_FILE} bytes")));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}
