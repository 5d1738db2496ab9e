//! A PostgreSQL of a test's own: in a temporary folder, on a free port, with settings of its own. It can be stopped the hard way and
//! started again, and is gone at the end of the test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A cluster.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

/// A command of the server, by a user that is not root.
fn command(program: &Path) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The folder of the server's programs: `JOBS_TEST_PG_BIN`, or where packages put them.
fn programs() -> Option<PathBuf> {
    if let Ok(folder) = std::env::var("JOBS_TEST_PG_BIN") {
        return Some(PathBuf::from(folder));
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<PathBuf> = versions.flatten().map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.into_iter().rfind(|folder| folder.join("initdb").exists())
}

/// Gives a file to the user of the server, where that is another one.
fn own(path: &Path) {
    let _ = Command::new("chown").arg("postgres:").arg(path).stderr(Stdio::null()).status();
}

impl Cluster {
    /// Whether there is a server to make one with. Where there is none, says so.
    #[must_use]
    pub fn is_installed() -> bool {
        let is_installed = programs().is_some();
        if !is_installed {
            crate::left_out("JOBS_TEST_PG_BIN names no folder with initdb and pg_ctl, and /usr/lib/postgresql has none");
        }
        is_installed
    }

    /// A cluster with these lines in its `postgresql.conf`, not started yet; none where the server is not installed.
    #[must_use]
    pub fn new(settings: &[&str]) -> Option<Self> {
        if !Self::is_installed() {
            return None;
        }
        let programs = programs()?;
        let folder = tempfile::tempdir().expect("a folder");
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let cluster = Self { programs, folder, port };
        own(cluster.folder.path());
        let made = command(&cluster.programs.join("initdb"))
            .arg("-D")
            .arg(cluster.data())
            .args(["-A", "trust", "-U", "jobs", "--locale=C", "-E", "UTF8", "--no-sync"])
            .status();
        assert!(made.is_ok_and(|status| status.success()), "initdb failed");
        let basics = [
            "listen_addresses = '127.0.0.1'".to_owned(),
            format!("port = {port}"),
            format!("unix_socket_directories = '{}'", cluster.folder.path().display()),
            "fsync = off".to_owned(),
        ];
        let lines: Vec<&str> = basics.iter().map(String::as_str).chain(settings.iter().copied()).collect();
        cluster.write("postgresql.conf", &lines.join("\n"));
        Some(cluster)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Writes a file into the folder of the data, which only the server's user can read.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.data().join(name);
        std::fs::write(&path, text).expect("the file is written");
        Command::new("chmod").arg("600").arg(&path).status().expect("chmod");
        own(&path);
    }

    /// Starts the server and waits until it can be used.
    pub async fn start(&self) {
        self.control(&["-w", "-t", "60", "start"]).await;
    }

    /// Stops the server at once, as when its power is cut.
    pub async fn crash(&self) {
        self.control(&["-m", "immediate", "-w", "stop"]).await;
    }

    async fn control(&self, what: &'static [&'static str]) {
        let mut control = command(&self.programs.join("pg_ctl"));
        control.arg("-D").arg(self.data()).arg("-l").arg(self.folder.path().join("log")).args(what);
        let done = tokio::task::spawn_blocking(move || control.status()).await.expect("a thread");
        let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        assert!(done.is_ok_and(|status| status.success()), "pg_ctl {what:?} failed:\n{}", log());
    }

    /// Where its sockets and its log are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The port that it listens at, at 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of its database for the user `jobs`, who may do everything.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://jobs@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = command(&self.programs.join("pg_ctl"));
        // It may not run.
        let _ = stop.arg("-D").arg(self.data()).args(["-m", "immediate", "-w", "stop"]).status();
    }
}
