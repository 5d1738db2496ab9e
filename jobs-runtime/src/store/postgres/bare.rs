//! What the benchmark, tests and fuzzing need of the insides: the statements that recur, and the reading of a URL. No part of the public API.

pub use super::claim::TAKE_FIRST;
pub use super::complete::FINISH;
pub use super::enqueue::INSERT;

/// Every statement that runs again and again by itself: its name, its text, and the types of its parameters.
pub const RECURRING: [(&str, &str, &str); 18] = [
    ("look", super::heads::LOOK, "timestamptz, uuid, text[]"),
    ("take_first", TAKE_FIRST, "timestamptz, uuid, text, text, bigint, smallint, timestamptz, bigint"),
    ("heads", super::claim::HEADS, "text[], text[], smallint[], timestamptz[], bigint[], bigint"),
    ("heads_on_probation", super::claim::HEADS_ON_PROBATION, "text[], text[]"),
    ("take_chosen", super::claim::TAKE_CHOSEN, "timestamptz, uuid, bigint[]"),
    ("promote", super::heads::PROMOTE, "timestamptz, bigint"),
    ("next_due", super::heads::NEXT_DUE, "timestamptz"),
    ("finish", FINISH, "timestamptz, bigint[], uuid[], bigint[], timestamptz[], text[], text[], text[], boolean[], boolean[]"),
    ("go_on", super::complete::GO_ON, "timestamptz, bigint[], uuid[], bigint[], text[], timestamptz[], bigint[], text[], text[]"),
    ("end_unfenced", super::complete::END, "timestamptz, bigint[], text[], text[]"),
    ("beat", super::lease::BEAT, "timestamptz, uuid"),
    ("held", super::lease::HELD, "bigint, uuid[], bigint[]"),
    ("deserted", super::lease::DESERTED, "uuid[], bigint[]"),
    ("orphans", super::rescue::ORPHANS, "bigint"),
    ("done", super::rescue::DONE, ""),
    ("strangers", super::rescue::STRANGERS, ""),
    ("survey", super::rescue::SURVEY, "timestamptz"),
    ("unserved", super::manage::UNSERVED, ""),
];

/// The text of a statement in a schema that needs no quotes.
#[must_use]
pub fn text(template: &str, schema: &str) -> String {
    super::connection::text(template, schema)
}

/// What a connection of the hot path sets.
#[must_use]
pub fn settings() -> String {
    let settings = super::open::settings(std::time::Duration::from_secs(600), true);
    settings.iter().fold(String::new(), |text, (name, value)| text + "SET " + name + " = " + value + "; ")
}

/// Reads a URL as the opening of a store does, and answers how it is shown.
pub fn read_url(url: &str) -> Result<String, jobs_core::StoreError> {
    super::url::parse(&super::PostgresOptions::new(url)).map(|parts| parts.shown)
}
