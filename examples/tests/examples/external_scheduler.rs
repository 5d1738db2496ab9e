//! Deliveries of another scheduler, over real HTTP.

use crate::http::ask;
use crate::place::{Place, on};

on!(memory, sqlite, postgres: a_delivery_made_twice_makes_one_job);

fn a_delivery_made_twice_makes_one_job(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let mut program = place.start(env!("CARGO_BIN_EXE_external_scheduler"), folder.path(), &["127.0.0.1:0"]);
    program.line("0 schedules of our own");
    let address = program.line("listening on http://").trim_start_matches("listening on http://").to_owned();
    let deliver = |id: &str, kind: &str, payload: &str| {
        let call = format!(r#"{{"kind":"{kind}","schedule":"monthly","id":"{id}","payload":{payload}}}"#);
        ask(&address, "POST /deliver", &call)
    };
    let march = r#"{"month":"March"}"#;
    let first = deliver("1", "send_invoices", march);
    let again = deliver("1", "send_invoices", march);
    assert!((first.status, again.status) == (201, 200) && first.body == again.body, "{first:?} {again:?}");
    program.line("the invoices of March are sent");
    let after = deliver("1", "send_invoices", march);
    assert!(after.status == 200 && after.body == first.body, "{after:?}");
    let next = deliver("2", "send_invoices", r#"{"month":"April"}"#);
    assert!(next.status == 201 && next.body != first.body, "{next:?}");
    program.line("the invoices of April are sent");
    assert_eq!(deliver("3", "measure", "{}").status, 201);
    program.line("measured");
    for (kind, payload, status) in [("nothing", "{}", 404), ("measure", "{", 400)] {
        assert_eq!(deliver("4", kind, payload).status, status);
    }
    program.signal("INT");
    let lines = program.end().well();
    for line in ["the invoices of March are sent", "measured"] {
        assert_eq!(lines.iter().filter(|found| *found == line).count(), 1, "{lines:#?}");
    }
}
