//! A crate is named that names the crate with the jobs.

jobs_runtime::jobs!(open_facade);

fn main() {
    show::check();
}
