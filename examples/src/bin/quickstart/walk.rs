//! The walk over a folder: finds regular files, follows no link, and needs no more memory than the folders on its way.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::path::FilePath;
use crate::{DATABASE, report};

/// Folders that are left out wherever they are.
const LEFT_OUT: [&str; 2] = [".git", "target"];

/// How many unreadable folders are named.
const NAMED: usize = 100;

/// What a walk met beside files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Met {
    /// Links, pipes, sockets and devices.
    pub(crate) others: u64,
    /// Folders that cannot be read.
    pub(crate) unreadable_folders: u64,
    /// The first of them, each with the reason.
    pub(crate) named: Vec<(FilePath, String)>,
}

/// Hands every regular file below `root` to `found`, until it answers `false`. Files that this program writes into `own` are left
/// out. Fails only if `root` itself cannot be read.
pub(crate) fn walk(root: &Path, own: &Path, mut found: impl FnMut(PathBuf) -> bool) -> io::Result<Met> {
    let mut met = Met::default();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if folder == root => return Err(error),
            Err(error) => {
                met.unreadable(folder, &error);
                continue;
            }
        };
        for entry in entries {
            match entry.and_then(|entry| Ok((entry.file_type()?, entry))) {
                Ok((_, entry)) if folder == own && is_own(&entry) => {}
                Ok((kind, entry)) if kind.is_dir() => {
                    if !LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
                        folders.push(entry.path());
                    }
                }
                Ok((kind, entry)) if kind.is_file() => {
                    if !found(entry.path()) {
                        return Ok(met);
                    }
                }
                Ok(_) => met.others += 1,
                Err(error) => {
                    met.unreadable(folder.clone(), &error);
                    break;
                }
            }
        }
    }
    Ok(met)
}

impl Met {
    fn unreadable(&mut self, folder: PathBuf, error: &io::Error) {
        // What is gone was not to be read.
        if error.kind() == io::ErrorKind::NotFound {
            return;
        }
        self.unreadable_folders += 1;
        if self.named.len() < NAMED {
            self.named.push((folder.into(), error.to_string()));
        }
    }
}

/// The database, its side files and side folder, and the report.
fn is_own(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let Some(name) = name.to_str() else { return false };
    let side = name.strip_prefix(DATABASE).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    side || name == report::FILE || name == report::UNFINISHED_FILE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_files_links_and_left_out_folders_are_no_files() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["a", "sub/b", "sub/report.md", "target/c", "sub/.git/d", "report.md", "quickstart.db", "quickstart.db-wal"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::create_dir(folder.path().join("quickstart.db-workers")).unwrap();
        fs::write(folder.path().join("quickstart.db-workers/1"), "").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path(), folder.path().join("sub/round")).unwrap();
        let mut files = Vec::new();
        let met = walk(folder.path(), folder.path(), |path| {
            files.push(path.strip_prefix(folder.path()).unwrap().to_owned());
            true
        });
        files.sort();
        assert_eq!(files, ["a", "sub/b", "sub/report.md"].map(PathBuf::from));
        assert_eq!(met.unwrap(), Met { others: cfg!(unix).into(), ..Met::default() });
    }

    #[test]
    fn a_missing_root_is_an_error() {
        assert!(walk(Path::new("/no/such/folder"), Path::new("/"), |_| true).is_err());
    }
}
