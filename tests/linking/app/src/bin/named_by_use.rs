//! The crate with the jobs is named once.

use my_jobs as _;

fn main() {
    show::start();
}
