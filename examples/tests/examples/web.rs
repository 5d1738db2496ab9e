//! The web application, over real HTTP.

use std::path::Path;
use std::time::Instant;

use crate::http::{Answer, ask};
use crate::place::{Place, on};
use crate::program::{PATIENCE, Program};

const WEB: &str = env!("CARGO_BIN_EXE_web");

/// An application that listens, and where.
struct Web {
    program: Program,
    address: String,
}

impl Web {
    fn start(place: &Place, folder: &Path) -> Self {
        let mut program = place.start(WEB, folder, &["127.0.0.1:0"]);
        let line = program.line("listening on http://");
        let address = line.trim_start_matches("listening on http://").to_owned();
        Self { program, address }
    }

    fn ask(&self, request: &str, form: &str) -> Answer {
        ask(&self.address, request, form)
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

on!(memory, sqlite, postgres: what_a_handler_enqueues_is_done_and_shown);

fn what_a_handler_enqueues_is_done_and_shown(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let mut web = Web::start(place, folder.path());
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

// Not in memory, which ends with its process.
on!(sqlite, postgres: asked_to_stop_it_ends_well_and_no_accepted_job_is_lost);

fn asked_to_stop_it_ends_well_and_no_accepted_job_is_lost(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(place, folder.path());
    // More than run at once, so that some run and some wait when it stops.
    let pages: Vec<String> = (0..20).map(|number| web.order(&format!("visitor+{number}"))).collect();
    web.program.signal("TERM");
    let lines = web.program.end().well();
    assert_eq!(lines.last().map(String::as_str), Some("stopped"), "{lines:#?}");
    let web = Web::start(place, folder.path());
    for page in &pages {
        web.wait_for(page);
    }
}

// Not in memory, which ends with its process.
on!(sqlite, postgres: killed_it_loses_no_accepted_job);

fn killed_it_loses_no_accepted_job(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(place, folder.path());
    let pages: Vec<String> = (0..20).map(|number| web.order(&format!("visitor+{number}"))).collect();
    assert!(web.program.kill().was_killed());
    let web = Web::start(place, folder.path());
    for page in &pages {
        web.wait_for(page);
    }
}

#[test]
fn an_address_in_use_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let end = Program::start(WEB, folder.path(), &[&address]).end();
    assert!(end.status.code() == Some(1) && end.errors.starts_with(&format!("web: cannot listen on {address}: ")), "{end:?}");
}
