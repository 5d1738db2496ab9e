//! Every fact for every driver, and that all of them are linked with one SQLite that several connections may use.

checks::tests! {
    drivers_on_sqlite::file::File, env!("CARGO_BIN_EXE_killed");
    drivers_on_sqlite::{diesel, rusqlite, sqlx}
}

#[test]
fn several_connections_may_use_a_file() {
    assert!(::rusqlite::version_number() >= 3_051_003, "this SQLite, {}, allows one connection", ::rusqlite::version());
}
