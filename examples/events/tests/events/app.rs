//! A running application, and HTTP as a client speaks it, one request for each connection.

use std::fs::File;
use std::process::{ExitStatus, Stdio};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::place::{PATIENCE, Place};

/// A process. It is killed when the test lets go of it.
pub(crate) struct App {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    address: String,
}

/// An answer: its status and its body.
pub(crate) type Answer = (u16, String);

impl App {
    /// Starts it, and waits until it listens.
    pub(crate) async fn start(place: &Place) -> Self {
        let errors =
            File::options().create(true).append(true).open(place.folder.path().join("errors")).expect("files can be made");
        let mut command = Command::new(env!("CARGO_BIN_EXE_events"));
        // A developer's own settings are no part of a test.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("JOBS_")) {
            command.env_remove(name);
        }
        command.envs([("DATABASE_URL", place.url.as_str()), ("MAIL_DIR", "mail"), ("LISTEN", "127.0.0.1:0")]);
        command.envs(place.variables.iter().copied()).current_dir(place.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).kill_on_drop(true);
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is a pipe")).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.expect("it says something in time").expect("it says text");
        let address = line.as_deref().and_then(|line| line.strip_prefix("listening on http://"));
        let address = address.unwrap_or_else(|| panic!("{line:?}, {}", errors_of(place))).to_owned();
        Self { child, lines, address }
    }

    /// Sends a request such as `POST /users` with this body, and answers nothing if it dies meanwhile.
    pub(crate) async fn try_ask(&self, request: &str, body: &str) -> Option<Answer> {
        let length = body.len();
        let head = format!(
            "{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n"
        );
        let mut text = String::new();
        let exchange = async {
            let mut stream = TcpStream::connect(&self.address).await?;
            stream.write_all((head + body).as_bytes()).await?;
            stream.read_to_string(&mut text).await
        };
        timeout(PATIENCE, exchange).await.expect("it answers in time").ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Some((status.expect("an answer has a status"), body.to_owned()))
    }

    pub(crate) async fn ask(&self, request: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.try_ask(request, &body).await.expect("it answers")
    }

    /// Creates something, and answers its number.
    pub(crate) async fn create(&self, path: &str, body: &Value) -> i64 {
        let (status, text) = self.ask(&format!("POST {path}"), body).await;
        assert_eq!(status, 201, "{path} {body}: {text}");
        let created: Value = serde_json::from_str(&text).expect("it is JSON");
        created["id"].as_i64().expect("it is a number")
    }

    /// Kills it, as a power cut would.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("it is ours to kill");
    }

    /// Asks it to stop, and answers how it ended and what it said last.
    pub(crate) async fn stop(mut self) -> (ExitStatus, Option<String>) {
        let kill = format!("kill -TERM {}", self.child.id().expect("it runs"));
        let sent = Command::new("sh").args(["-c", &kill]).status().await.expect("sh runs");
        assert!(sent.success(), "{kill}");
        let status = timeout(PATIENCE, self.child.wait()).await.expect("it ends in time").expect("it is ours to wait for");
        let mut last = None;
        while let Some(line) = self.lines.next_line().await.expect("it says text") {
            last = Some(line);
        }
        (status, last)
    }
}

/// What the application complained about.
pub(crate) fn errors_of(place: &Place) -> String {
    std::fs::read_to_string(place.folder.path().join("errors")).expect("it is text")
}
