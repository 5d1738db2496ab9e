//! Real worker processes, which are killed, frozen and asked to stop by real signals.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::bounded;

/// A process of the program `worker`, and what it says.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Worker {
    /// Starts `program` on the store of a URL with options such as `lease=3s`. It is killed at the end of the test.
    #[must_use]
    pub fn start(program: &str, store: impl AsRef<OsStr>, options: &[&str]) -> Self {
        Self::start_with(program, store, options, &[])
    }

    /// The same with variables of its own.
    #[must_use]
    pub fn start_with(program: &str, store: impl AsRef<OsStr>, options: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program);
        command.envs(variables.iter().copied());
        command.arg(store).args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the worker starts");
        let (sender, lines) = mpsc::unbounded_channel();
        let output = child.stdout.take().expect("its output");
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let input = child.stdin.take();
        Self { child, input, lines }
    }

    /// Its next line, or `None` when it has ended.
    pub async fn next(&mut self) -> Option<String> {
        bounded("a line of a worker", self.lines.recv()).await
    }

    /// Waits for a line that begins so, and answers what follows.
    pub async fn line(&mut self, beginning: &str) -> String {
        loop {
            match self.next().await {
                Some(line) if line.starts_with(beginning) => return line[beginning.len()..].trim().to_owned(),
                Some(_) => {}
                None => panic!("the worker ended before it said `{beginning}`"),
            }
        }
    }

    /// All that it has said so far and was not read.
    pub fn said(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.lines.try_recv().ok()).collect()
    }

    /// What followed this beginning in each line that it said until it ended and that was not read.
    pub async fn rest(&mut self, beginning: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.next().await {
            lines.extend(line.strip_prefix(beginning).map(|rest| rest.trim().to_owned()));
        }
        lines
    }

    /// Lets this process run what another stores, and kills both once the store has answered for so many jobs. Answers all of these,
    /// also the very last of which the other could say so.
    pub async fn killed_while_it_runs(mut self, mut storing: Self, stored: usize) -> Vec<String> {
        let mut acknowledged = Vec::new();
        for _ in 0..stored {
            acknowledged.push(storing.line("stored").await);
        }
        self.line("quick").await;
        storing.signal("KILL");
        self.kill().await;
        storing.ended().await;
        acknowledged.extend(storing.rest("stored").await);
        acknowledged
    }

    /// Says something to it.
    pub fn say(&mut self, line: &str) {
        if let Some(input) = &mut self.input {
            // A process that has ended hears nothing.
            let _ = writeln!(input, "{line}");
        }
    }

    /// Sends it a signal such as `STOP`.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status().expect("a shell");
    }

    /// The number by which the system knows it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as the system would.
    pub async fn kill(mut self) {
        self.signal("KILL");
        self.ended().await;
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        bounded("the end of a worker", async {
            loop {
                if let Some(status) = self.child.try_wait().expect("it is a child") {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
