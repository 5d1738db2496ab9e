//! Which SQLite is linked, and whether two connections may use one file.

use std::borrow::Cow;

/// SQLite 3.51.3, the first without the WAL-reset bug: earlier ones can damage a file that two connections write and checkpoint at
/// once (sqlite.org/wal.html). They are in the field, because Cargo takes an older one when another crate holds it back.
const SAFE: i32 = 3_051_003;

/// Whether this version (as `sqlite3_libversion_number` writes it) may have many connections.
pub(super) fn allows_many_connections(version: i32) -> bool {
    version >= SAFE
}

/// What a person should know when only one connection is allowed.
pub(super) fn single_note(version: &str) -> Cow<'static, str> {
    Cow::Owned(format!(
        "SQLite {version} can damage a file that several connections write (the WAL-reset bug, mended in 3.51.3), so only this one \
         process may use it; `cargo update -p rusqlite`, or in Cargo.toml `rusqlite = \"0.39\"` or newer, lifts the limit"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_before_the_mend_get_one_connection() {
        assert!(!allows_many_connections(3_007_000));
        assert!(!allows_many_connections(3_051_002));
        assert!(allows_many_connections(3_051_003));
    }
}
