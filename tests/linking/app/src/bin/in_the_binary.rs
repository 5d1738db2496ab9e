//! All jobs stand in the program itself.

#[path = "../../../my_jobs/src/lib.rs"]
#[allow(dead_code)]
mod my_jobs;

fn main() {
    show::check();
}
