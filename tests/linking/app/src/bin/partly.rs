//! One of two crates with jobs is named, by a module of it, and a job of the other waits in the store.
#![deny(warnings)]

jobs_runtime::jobs!(billing::jobs);

fn main() {
    show::start_where_waits("at_the_root");
}
