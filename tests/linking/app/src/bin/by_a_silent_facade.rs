//! A crate is named that depends on the crate with the jobs, but does not name it.

jobs_runtime::jobs!(silent_facade);

fn main() {
    show::check();
}
