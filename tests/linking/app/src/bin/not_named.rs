//! The crate with the jobs is a dependency, and nobody names it.

fn main() {
    show::check();
}
