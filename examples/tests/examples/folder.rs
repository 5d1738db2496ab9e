//! A folder of 3,001 files, and the report that the quickstart must write of it.

use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// How many of the files can be read.
pub(crate) const READABLE: usize = 3_000;

/// The folder, and what is known of it.
pub(crate) struct Folder {
    /// Removed with this value.
    _temporary: TempDir,
    /// The same without links on the way.
    pub(crate) path: PathBuf,
    bytes: usize,
    files: usize,
    unreadable: PathBuf,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let temporary = tempfile::tempdir().expect("there is room for a folder");
        let path = temporary.path().canonicalize().expect("it was just made");
        let unreadable = unreadable(&path);
        let mut folder = Self { _temporary: temporary, path, bytes: 0, files: 0, unreadable };
        for name in ["copies/a1", "copies/deep/a2", "a3"] {
            folder.write(name, &vec![b'a'; 50_000]);
        }
        for name in ["copies/b1", "copies/b2"] {
            folder.write(name, &[b'b'; 1_000]);
        }
        for number in 0..40 {
            folder.write(format!("small/{number:02}"), b"copy\n");
        }
        for number in 0..10_u8 {
            folder.write(format!("large/{number}"), &vec![number; 100_000 + usize::from(number)]);
            folder.write(format!("empty/{number}"), b"");
        }
        folder.write(OsStr::from_bytes(b"no text \xff"), b"a name that is no text");
        folder.write("back`tick", b"a name that would end the code");
        folder.write("target is a file", b"only folders of that name are left out");
        while folder.files < READABLE {
            let number = folder.files;
            folder.write(format!("unique/{}/{number}.txt", number % 50), format!("the only {number}").as_bytes());
        }
        folder.add_what_is_left_out();
        folder
    }

    fn write(&mut self, name: impl AsRef<Path>, content: &[u8]) {
        write(&self.path.join(name), content);
        self.bytes += content.len();
        self.files += 1;
    }

    fn add_what_is_left_out(&self) {
        for name in [".git/HEAD", "target/debug/program", "small/target/file"] {
            write(&self.path.join(name), b"left out");
        }
        symlink(&self.path, self.path.join("small/round")).expect("links can be made");
        symlink("nowhere", self.path.join("dangling")).expect("links can be made");
        // The socket stays as a file when the listener is gone.
        drop(UnixListener::bind(self.path.join("socket")).expect("sockets can be made"));
    }

    /// Where the report is when the folder is also the current one.
    pub(crate) fn report(&self) -> PathBuf {
        self.path.join("report.md")
    }

    /// The report, to the letter.
    pub(crate) fn expected(&self) -> String {
        let mut text = format!(
            "# Files of `{}`\n\n- 3,000 files, {} bytes\n- 42 duplicates of another file\n- 10 empty files\n- 1 unreadable\n\
             - 0 vanished while this ran\n- 3 left out: symbolic links, pipes, sockets and devices\n\n## Largest files\n\n",
            self.path.display(),
            grouped(self.bytes),
        );
        for number in (0..10).rev() {
            let _ = writeln!(text, "- `large/{number}`: 100,00{number} bytes");
        }
        let _ = write!(
            text,
            "\n## Duplicates\n\n- 3 files of 50,000 bytes, SHA-256 {}\n  - `a3`\n  - `copies/a1`\n  - `copies/deep/a2`\n\
             - 2 files of 1,000 bytes, SHA-256 {}\n  - `copies/b1`\n  - `copies/b2`\n- 40 files of 5 bytes, SHA-256 {}\n",
            sha256(&vec![b'a'; 50_000]),
            sha256(&[b'b'; 1_000]),
            sha256(b"copy\n"),
        );
        for number in 0..40 {
            let _ = writeln!(text, "  - `small/{number:02}`");
        }
        let _ = write!(text, "\n## Unreadable\n\n- `{}`: File name too long (os error 36)\n", self.unreadable.display());
        text
    }

    /// The last line but one of the console.
    pub(crate) fn summary(&self) -> String {
        format!("done: 3,000 files, {} bytes, 42 duplicates, 1 unreadable, 0 vanished", grouped(self.bytes))
    }
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().expect("it is below the folder")).expect("folders can be made");
    fs::write(path, content).expect("files can be written");
}

/// Makes a file that nobody can open, not even root: its path is longer than Linux takes (`PATH_MAX` of limits.h, 4,096 bytes), and
/// that of its folder is not. It is made from inside that folder. Answers its path below `root`.
fn unreadable(root: &Path) -> PathBuf {
    let name = "n".repeat(250);
    let mut folder = root.to_owned();
    while folder.as_os_str().len() + name.len() <= 4_096 {
        folder.push("f".repeat(200));
    }
    fs::create_dir_all(&folder).expect("its path is short enough");
    let made = Command::new("sh").args(["-c", &format!("echo x > {name}")]).current_dir(&folder).status();
    assert!(made.expect("sh runs").success());
    folder.join(name).strip_prefix(root).expect("it is below").to_owned()
}

fn sha256(content: &[u8]) -> String {
    Sha256::digest(content)[..8].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Numbers from a thousand to a billion, with commas.
fn grouped(number: usize) -> String {
    assert!((1_000_000..1_000_000_000).contains(&number));
    format!("{},{:03},{:03}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000)
}
