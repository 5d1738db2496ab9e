//! An integration test is a crate of its own: it names the crate with the jobs like any program.

jobs_runtime::jobs!(my_jobs);

#[test]
fn start() {
    show::start();
}
