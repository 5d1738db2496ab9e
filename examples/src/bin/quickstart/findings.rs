//! What a run found, gathered from its finished jobs, and how the report says it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use jobs_runtime::{JobId, JobRecord, State};
use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::numbers::{Grouped, of};
use crate::path::{FilePath, markdown};
use crate::walk::Met;

/// How many of the largest files are listed.
const LARGEST: usize = 10;

/// How many groups of duplicates are listed.
const GROUPS: usize = 100;

/// The numbers of a report. Kept with the finished report as its output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) duplicates: u64,
    pub(crate) unreadable: u64,
    pub(crate) vanished: u64,
}

/// All that a run found.
#[derive(Debug)]
pub(crate) struct Findings {
    root: PathBuf,
    met: Met,
    bytes: u64,
    empty: u64,
    vanished: u64,
    /// The paths of each content.
    contents: BTreeMap<(u64, String), Vec<PathBuf>>,
    unreadable: Vec<(PathBuf, String)>,
}

/// The arguments of a fingerprint, as they are stored.
#[derive(Deserialize)]
struct Arguments {
    run: JobId,
    path: FilePath,
}

impl Findings {
    pub(crate) fn new(root: &Path, met: Met) -> Self {
        let named = met.named.iter().map(|(folder, error)| (folder.as_ref().to_owned(), error.clone()));
        let unreadable = named.collect();
        Self { root: root.to_owned(), met, bytes: 0, empty: 0, vanished: 0, contents: BTreeMap::new(), unreadable }
    }

    /// Adds a finished fingerprint, if it is one of this run.
    pub(crate) fn add(&mut self, run: JobId, job: &JobRecord) -> Result<(), serde_json::Error> {
        let arguments: Arguments = serde_json::from_str(&job.payload)?;
        if arguments.run != run {
            return Ok(());
        }
        let path = arguments.path.as_ref().to_owned();
        match (job.state, &job.output) {
            (State::Completed, Some(output)) => {
                let Fingerprint { size, sha256 } = serde_json::from_str(output)?;
                self.bytes += size;
                self.empty += u64::from(size == 0);
                self.contents.entry((size, sha256)).or_default().push(path);
            }
            (State::Cancelled, _) => self.vanished += 1,
            _ => self.unreadable.push((path, job.error.clone().unwrap_or_else(|| "for no known reason".to_owned()))),
        }
        Ok(())
    }

    pub(crate) fn summary(&self) -> Summary {
        let files: usize = self.contents.values().map(Vec::len).sum();
        let duplicates: usize = self.groups().iter().map(|(_, paths)| paths.len() - 1).sum();
        let unnamed = self.met.unreadable_folders - self.met.named.len() as u64;
        Summary {
            files: files as u64,
            bytes: self.bytes,
            duplicates: duplicates as u64,
            unreadable: self.unreadable.len() as u64 + unnamed,
            vanished: self.vanished,
        }
    }

    /// Contents that several files have, those that waste most first. Nothing is wasted by empty files.
    fn groups(&self) -> Vec<(&(u64, String), &Vec<PathBuf>)> {
        let mut groups: Vec<_> = self.contents.iter().filter(|((size, _), paths)| *size > 0 && paths.len() > 1).collect();
        groups.sort_by_key(|((size, _), paths)| std::cmp::Reverse(size * (paths.len() as u64 - 1)));
        groups
    }

    fn shown(&self, path: &Path) -> String {
        let relative = path.strip_prefix(&self.root).unwrap_or(path);
        markdown(if relative.as_os_str().is_empty() { path } else { relative })
    }

    /// The same findings give the same text, whichever job ended first.
    pub(crate) fn markdown(&self) -> String {
        let Summary { files, bytes, duplicates, unreadable, vanished } = self.summary();
        let mut text = format!(
            "# Files of {}\n\n- {}, {}\n- {} of another file\n- {}\n- {} unreadable\n- {} vanished while this ran\n\
             - {} left out: symbolic links, pipes, sockets and devices\n",
            markdown(&self.root),
            of(files, "file"),
            of(bytes, "byte"),
            of(duplicates, "duplicate"),
            of(self.empty, "empty file"),
            Grouped(unreadable),
            Grouped(vanished),
            Grouped(self.met.others),
        );
        self.write_largest(&mut text);
        self.write_duplicates(&mut text);
        self.write_unreadable(&mut text);
        text
    }

    fn write_largest(&self, text: &mut String) {
        let mut files: Vec<(u64, &Path)> = Vec::new();
        for ((size, _), paths) in self.contents.iter().rev() {
            if files.len() >= LARGEST && files.last().is_none_or(|(smallest, _)| size < smallest) {
                break;
            }
            files.extend(paths.iter().map(|path| (*size, path.as_path())));
        }
        files.sort_by(|(a_size, a), (b_size, b)| b_size.cmp(a_size).then(a.cmp(b)));
        heading(text, "Largest files", files.is_empty());
        for (size, path) in files.into_iter().take(LARGEST) {
            let _ = writeln!(text, "- {}: {}", self.shown(path), of(size, "byte"));
        }
    }

    fn write_duplicates(&self, text: &mut String) {
        let groups = self.groups();
        heading(text, "Duplicates", groups.is_empty());
        for ((size, sha256), paths) in groups.iter().take(GROUPS) {
            let _ = writeln!(text, "- {} files of {}, SHA-256 {}", Grouped(paths.len() as u64), of(*size, "byte"), &sha256[..16]);
            let mut paths: Vec<&PathBuf> = paths.iter().collect();
            paths.sort();
            for path in paths {
                let _ = writeln!(text, "  - {}", self.shown(path));
            }
        }
        if groups.len() > GROUPS {
            let _ = writeln!(text, "- and {} more contents", Grouped((groups.len() - GROUPS) as u64));
        }
    }

    fn write_unreadable(&self, text: &mut String) {
        heading(text, "Unreadable", self.unreadable.is_empty());
        let mut unreadable: Vec<_> = self.unreadable.iter().collect();
        unreadable.sort();
        for (path, error) in unreadable {
            let _ = writeln!(text, "- {}: {error}", self.shown(path));
        }
    }
}

fn heading(text: &mut String, title: &str, empty: bool) {
    let _ = write!(text, "\n## {title}\n\n{}", if empty { "None.\n" } else { "" });
}
