//! One worker process as its keeper sees it: started, signalled, waited for.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// A process. It is killed with its value.
pub(crate) struct Process {
    pub(super) name: String,
    child: Child,
}

impl Process {
    /// Starts this very program as a worker of this name, on the store of this URL, with its files in this folder.
    pub(super) fn start(name: String, url: &str, folder: &Path) -> std::io::Result<Self> {
        let errors = File::create(folder.join(format!("{name}.err")))?;
        let child = Command::new(std::env::current_exe()?)
            .args(["worker", &name, url])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()?;
        Ok(Self { name, child })
    }

    /// Sends it a signal. One that has ended hears nothing.
    pub(super) fn signal(&mut self, signal: Signal) {
        // The number of one that was waited for may be another's by now.
        if self.ended().is_none() {
            let _ = kill_process(Pid::from_child(&self.child), signal);
        }
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is a child")
    }

    /// Waits until it has ended, but not longer than this.
    pub(super) async fn end_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let ended = async {
            loop {
                if let Some(status) = self.ended() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(limit, ended).await.ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
