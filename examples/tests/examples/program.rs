//! A running example, its output as it comes, and waits that end.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long any wait may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A process. It is killed, with all that it has started, when the test lets go of it.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
    /// Its standard output so far.
    pub(crate) seen: Vec<String>,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) status: ExitStatus,
    pub(crate) lines: Vec<String>,
    pub(crate) errors: String,
}

impl Program {
    /// Starts a program in `folder`.
    pub(crate) fn start(program: &str, folder: &Path, words: &[&str]) -> Self {
        Self::start_with(program, folder, words, &[])
    }

    /// The same with variables.
    pub(crate) fn start_with(program: &str, folder: &Path, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program);
        command.args(words).current_dir(folder);
        // A developer's own settings are no part of a test.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("JOBS_")) {
            command.env_remove(name);
        }
        // A group of its own, as a terminal gives it.
        command.envs(variables.iter().copied()).process_group(0);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let mut errors = child.stderr.take().expect("its errors are a pipe");
        let (line, lines) = mpsc::channel();
        // Both threads end with the pipes of the process.
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|text| line.send(text)));
        let errors = thread::spawn(move || {
            let mut text = String::new();
            let _ = errors.read_to_string(&mut text);
            text
        });
        Self { child, lines, errors: Some(errors), seen: Vec::new() }
    }

    /// Waits for a line that contains `part`.
    pub(crate) fn line(&mut self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(part) {
                        return line;
                    }
                }
                Err(error) => panic!("no line with `{part}` ({error}); seen: {:#?}", self.seen),
            }
        }
    }

    /// Waits until it closes its output, for so long at most. Answers whether it did.
    pub(crate) fn is_done_within(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    /// Sends a signal by its name in kill(1).
    pub(crate) fn signal(&self, name: &str) {
        Self::send(name, &self.child.id().to_string());
    }

    /// Sends a signal to it and to all that it has started, as the keyboard does.
    pub(crate) fn signal_group(&self, name: &str) {
        Self::send(name, &format!("-{}", self.child.id()));
    }

    fn send(name: &str, to: &str) {
        let kill = format!("kill -{name} {to}");
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("sh runs").success(), "{kill}");
    }

    /// Kills it, as a power cut would.
    pub(crate) fn kill(mut self) -> End {
        self.child.kill().expect("it is ours to kill");
        self.end()
    }

    /// Waits until it ends by itself.
    pub(crate) fn end(mut self) -> End {
        assert!(self.is_done_within(PATIENCE), "it does not end; seen: {:#?}", self.seen);
        let status = self.child.wait().expect("it is ours to wait for");
        let errors = self.errors.take().expect("nobody else takes it").join().expect("reading does not panic");
        End { status, lines: std::mem::take(&mut self.seen), errors }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Nobody else has the number of a process that was not waited for.
        if self.errors.is_some() {
            self.signal_group("KILL");
        }
        let _ = self.child.wait();
    }
}

impl End {
    /// The lines of a program that ended well and complained about nothing.
    #[track_caller]
    pub(crate) fn well(self) -> Vec<String> {
        assert!(self.status.success() && self.errors.is_empty(), "{self:#?}");
        self.lines
    }

    pub(crate) fn was_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }
}
