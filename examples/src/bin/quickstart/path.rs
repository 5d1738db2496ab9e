//! Paths as arguments of jobs: readable where they are text, exact where they are not.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A path in JSON: a string if it is Unicode, else the units of this operating system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum FilePath {
    Text(String),
    Exact(OsString),
}

impl From<PathBuf> for FilePath {
    fn from(path: PathBuf) -> Self {
        path.into_os_string().into_string().map_or_else(Self::Exact, Self::Text)
    }
}

impl AsRef<Path> for FilePath {
    fn as_ref(&self) -> &Path {
        match self {
            Self::Text(text) => Path::new(text),
            Self::Exact(units) => Path::new(units),
        }
    }
}

/// A path as code in Markdown, on one line. What is not Unicode, and control characters, are escaped as in Rust.
#[expect(clippy::unnecessary_debug_formatting, reason = "the one form that escapes what is no text instead of replacing it")]
pub(crate) fn markdown(path: &Path) -> String {
    let units = path.as_os_str();
    let text = match units.to_str() {
        Some(text) if !text.contains(char::is_control) => text.to_owned(),
        _ => format!("{units:?}").trim_matches('"').to_owned(),
    };
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    if longest == 0 {
        return format!("`{text}`");
    }
    let fence = "`".repeat(longest + 1);
    format!("{fence} {text} {fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_in_json() {
        let path = FilePath::from(PathBuf::from("/größe/a b.txt"));
        assert_eq!(serde_json::to_string(&path).unwrap(), "\"/größe/a b.txt\"");
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_survive_json() {
        let path: OsString = std::os::unix::ffi::OsStringExt::from_vec(b"/a/\xff\n".to_vec());
        let path = PathBuf::from(path);
        let json = serde_json::to_string(&FilePath::from(path.clone())).unwrap();
        let back: FilePath = serde_json::from_str(&json).unwrap();
        assert_eq!(back.as_ref(), path);
        assert_eq!(markdown(&path), r"`/a/\xFF\n`");
    }

    #[test]
    fn markdown_quotes_what_would_end_the_code() {
        assert_eq!(markdown(Path::new("a.txt")), "`a.txt`");
        assert_eq!(markdown(Path::new("a`b``c")), "``` a`b``c ```");
    }
}
