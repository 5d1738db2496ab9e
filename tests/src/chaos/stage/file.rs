//! A SQLite file on a small disk of its own, which can be filled.
//!
//! `max_page_count` would be no full disk: it belongs to a connection, and those of the workers are not ours. So the file lies on a tmpfs
//! of a few megabytes. Mounting one needs no root where the system gives namespaces to users, and in a namespace of its own the mount
//! is gone with this program, however it ends. Where that is refused the disk is never filled, and the run says so.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use jobs_core::{BoxError, JobId};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::Schedule;
use crate::chaos::effects::TABLE;
use crate::chaos::evidence::{Effect, Tick};
use crate::chaos::plan::Plan;

/// Set for the program that runs in a mount namespace of its own.
const APART: &str = "JOBS_CHAOS_APART";

/// Runs this program again in a mount namespace of its own, in its place. Comes back where there is none to be had, and there.
pub fn go_apart() {
    if std::env::var_os(APART).is_some() {
        return;
    }
    for way in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        if silent(Command::new("unshare").args(way).arg("true"))
            && let Ok(program) = std::env::current_exe()
        {
            let arguments = std::env::args_os().skip(1);
            // It only comes back with an error, and then all goes on here.
            let _ = Command::new("unshare").args(way).arg("--").arg(program).args(arguments).env(APART, "1").exec();
        }
    }
}

/// Whether a command succeeds.
fn silent(command: &mut Command) -> bool {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The file.
pub(crate) struct File {
    folder: TempDir,
    /// How many bytes the small disk has: nothing here ever fills more than that, wherever it lies.
    pub(in crate::chaos) size: u64,
    /// Whether it lies on a disk that may be filled.
    pub(in crate::chaos) is_on_small_disk: bool,
}

impl File {
    pub(super) fn new(plan: &Plan) -> Result<Self, BoxError> {
        let folder = tempfile::tempdir()?;
        // What a run needs, and some.
        let megabytes = 32 + plan.length.as_secs();
        let size = format!("size={megabytes}m,mode=700");
        let is_on_small_disk = std::env::var_os(APART).is_some()
            && silent(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "jobs-chaos"]).arg(folder.path()));
        Ok(Self { folder, size: megabytes << 20, is_on_small_disk })
    }

    pub(super) fn url(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }

    /// Where it is.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("jobs.db")
    }

    /// Where something else may grow until the disk is full.
    pub(in crate::chaos) fn filler(&self) -> PathBuf {
        self.folder.path().join("filler")
    }

    pub(super) fn schedule(&self) -> Result<Schedule, BoxError> {
        let connection = somebody(&self.path())?;
        let mut statement = connection.prepare("SELECT instant / 1000, missed, job FROM jobs_tick ORDER BY instant")?;
        let ticks = statement.query_map([], |row| {
            let job = row.get::<_, Option<[u8; 16]>>(2)?.map(JobId::from_bytes);
            Ok(Tick { instant: row.get(0)?, missed: row.get(1)?, job })
        })?;
        let ticks = ticks.collect::<Result<_, _>>()?;
        let last = "SELECT last_tick / 1000 FROM jobs_schedule WHERE key = 'tick'";
        let last_tick = connection.query_row(last, [], |row| row.get(0))?;
        Ok(Schedule { ticks, last_tick })
    }

    pub(super) fn make_effects(&self) -> Result<(), BoxError> {
        Ok(somebody(&self.path())?.execute_batch(TABLE)?)
    }

    pub(super) fn effects(&self) -> Result<Vec<Effect>, BoxError> {
        let connection = somebody(&self.path())?;
        let mut statement = connection.prepare("SELECT job, token, run FROM effect ORDER BY at")?;
        let mut rows = statement.query([])?;
        let mut effects = Vec::new();
        while let Some(row) = rows.next()? {
            effects.push(Effect { job: row.get::<_, String>(0)?.parse()?, token: row.get(1)?, run: row.get(2)? });
        }
        Ok(effects)
    }

    pub(super) fn damage(&self) -> Result<Option<String>, BoxError> {
        let says: String = somebody(&self.path())?.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        Ok((says != "ok").then_some(says))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if self.is_on_small_disk {
            silent(Command::new("umount").arg(self.folder.path()));
        }
    }
}

/// A connection of somebody else to a file that is there.
pub(crate) fn somebody(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}
