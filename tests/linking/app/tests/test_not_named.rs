//! An integration test that names nothing finds nothing, whatever the program beside it names.

#[test]
fn start() {
    show::start();
}
