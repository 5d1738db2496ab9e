//! An example is a crate of its own: it names the crate with the jobs like any program.

jobs_runtime::jobs!(my_jobs);

fn main() {
    show::start();
}
