//! The command line.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Fingerprints every file of a folder with one durable job per file, and writes report.md.

Usage: quickstart [FOLDER] [--serve]

  FOLDER    what to fingerprint; unless given: this repository under `cargo run`, else the current folder
  --serve   keep running after the report, until Ctrl-C
  --help    print this

The state is kept in quickstart.db in the current folder, or where JOBS_STORE says (sqlite://PATH, postgres://…,
memory:). Kill this at any moment and run it again: it goes on where it was. Run it again after the report, and it
begins anew. Symbolic links are not followed; folders named .git or target, and the files that this writes itself,
are left out.

Exit codes: 0 the report is written, 1 it is not, 2 the command line is wrong, 130 stopped by Ctrl-C.";

/// What a person asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Run(Arguments),
    Help,
}

/// How to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// An existing folder, as an absolute path without links.
    pub(crate) folder: PathBuf,
    pub(crate) serve: bool,
}

/// Reads the command line without the program's name.
pub(crate) fn read(words: impl Iterator<Item = OsString>) -> Result<Request, String> {
    let mut folder: Option<PathBuf> = None;
    let mut serve = false;
    let mut options = true;
    for word in words {
        match word.to_str() {
            Some("--") if options => options = false,
            Some("--help" | "-h") if options => return Ok(Request::Help),
            Some("--serve") if options => serve = true,
            Some(text) if options && text.starts_with('-') => return Err(format!("unknown option `{text}`")),
            _ if folder.is_some() => return Err(format!("a second folder `{}`: only one can be given", word.display())),
            _ => folder = Some(word.into()),
        }
    }
    let folder = existing(&folder.unwrap_or_else(default_folder))?;
    Ok(Request::Run(Arguments { folder, serve }))
}

fn existing(folder: &Path) -> Result<PathBuf, String> {
    let shown = folder.display();
    let absolute = folder.canonicalize().map_err(|error| format!("cannot open the folder `{shown}`: {error}"))?;
    if absolute.is_dir() { Ok(absolute) } else { Err(format!("`{shown}` is no folder")) }
}

/// The workspace around this package when cargo runs it, else the current folder.
fn default_folder() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR")
        .and_then(|package| Some(Path::new(&package).parent()?.to_owned()))
        .filter(|workspace| workspace.join("Cargo.toml").is_file())
        .unwrap_or_else(|| PathBuf::from("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_words(words: &[&str]) -> Result<Request, String> {
        read(words.iter().map(OsString::from))
    }

    #[test]
    fn options_stand_anywhere_and_end_at_two_dashes() {
        let folder = env::temp_dir().canonicalize().unwrap();
        let text = folder.to_str().unwrap();
        let run = |serve| Ok(Request::Run(Arguments { folder: folder.clone(), serve }));
        assert_eq!(read_words(&["--serve", text]), run(true));
        assert_eq!(read_words(&[text, "--serve"]), run(true));
        assert_eq!(read_words(&["--", text]), run(false));
        assert_eq!(read_words(&[text, "--help"]), Ok(Request::Help));
    }

    #[test]
    fn mistakes_name_the_word() {
        let file = env::current_exe().unwrap();
        for (words, part) in [
            (&["--server"][..], "unknown option `--server`"),
            (&["a", "b"], "a second folder `b`"),
            (&["/no/such/folder"], "cannot open the folder `/no/such/folder`"),
            (&["--", "--serve"], "cannot open the folder `--serve`"),
            (&[file.to_str().unwrap()], "is no folder"),
        ] {
            let mistake = read_words(words).unwrap_err();
            assert!(mistake.contains(part), "{mistake}");
        }
    }
}
