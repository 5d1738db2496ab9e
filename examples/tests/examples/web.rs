//! The web application, over real HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

use crate::program::{PATIENCE, Program};

/// An application that listens, and where.
struct Web {
    program: Program,
    address: String,
}

/// An answer of it.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Web {
    fn start(folder: &Path) -> Self {
        let mut program = Program::start(env!("CARGO_BIN_EXE_web"), folder, &["127.0.0.1:0"]);
        let line = program.line("listening on http://");
        let address = line.trim_start_matches("listening on http://").to_owned();
        Self { program, address }
    }

    fn ask(&self, request: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a minute is a timeout");
        let length = body.len();
        let head = format!(
            "{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {length}\r\n\r\n"
        );
        stream.write_all((head + body).as_bytes()).expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers");
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer has a status");
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Orders a receipt, and answers the path of its page.
    fn order(&self, to: &str) -> String {
        let answer = self.ask("POST /receipts", &format!("to={to}"));
        assert_eq!(answer.status, 303, "{answer:?}");
        let line = answer.head.lines().find_map(|line| line.strip_prefix("location: "));
        line.unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    /// Looks at the page of a job until it has completed.
    fn wait_for(&self, page: &str) -> Answer {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.ask(&format!("GET {page}"), "");
            assert_eq!(answer.status, 200, "{answer:?}");
            if answer.body.contains("send_receipt: completed") {
                return answer;
            }
            assert!(Instant::now() < deadline, "{answer:?}");
        }
    }
}

#[test]
fn what_a_handler_enqueues_is_done_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut web = Web::start(folder.path());
    assert!(web.ask("GET /", "").body.contains("<form"));
    let page = web.order("Ann+%3CB%3E");
    web.program.line("sent a receipt to Ann <B>");
    assert!(web.wait_for(&page).body.contains("a receipt for Ann &lt;B&gt;"));
    let health = web.ask("GET /health", "");
    assert!(health.status == 200 && health.body.contains("heartbeat: Running"), "{health:?}");
    let unknown = "GET /jobs/01890000-0000-7000-8000-000000000000";
    for (request, body, status) in [("POST /receipts", "to=+", 422), (unknown, "", 404), ("GET /jobs/nonsense", "", 400)] {
        assert_eq!(web.ask(request, body).status, status, "{request}");
    }
}

#[test]
fn asked_to_stop_it_ends_well_and_no_accepted_job_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(folder.path());
    // More than run at once, so that some run and some wait when it stops.
    let pages: Vec<String> = (0..20).map(|number| web.order(&format!("visitor+{number}"))).collect();
    web.program.signal("TERM");
    let lines = web.program.end().well();
    assert_eq!(lines.last().map(String::as_str), Some("stopped"), "{lines:#?}");
    let web = Web::start(folder.path());
    for page in &pages {
        web.wait_for(page);
    }
}

#[test]
fn killed_it_loses_no_accepted_job() {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(folder.path());
    let pages: Vec<String> = (0..20).map(|number| web.order(&format!("visitor+{number}"))).collect();
    assert!(web.program.kill().was_killed());
    let web = Web::start(folder.path());
    for page in &pages {
        web.wait_for(page);
    }
}

#[test]
fn an_address_in_use_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let end = Program::start(env!("CARGO_BIN_EXE_web"), folder.path(), &[&address]).end();
    assert!(end.status.code() == Some(1) && end.errors.starts_with(&format!("web: cannot listen on {address}: ")), "{end:?}");
}
