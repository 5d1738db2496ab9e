//! What the compiler says to users of `#[job]`: `ui/pass` compiles and runs, each file of `ui/fail` holds the mistake that it is
//! named by. The recorded messages are those of one compiler; `TRYBUILD=overwrite` writes them anew.

use std::process::Command;

/// The compiler whose words are recorded.
const RECORDED_WITH: &str = "rustc 1.95.";

#[test]
fn mistakes_are_reported_once_and_where_they_are() {
    let tests = trybuild::TestCases::new();
    tests.pass("ui/pass/*.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("rustc answers");
    let version = String::from_utf8_lossy(&version.stdout);
    if version.starts_with(RECORDED_WITH) {
        tests.compile_fail("ui/fail/*.rs");
    } else {
        println!("skipped ui/fail: its messages are those of {RECORDED_WITH}x, this is {version}");
    }
}
