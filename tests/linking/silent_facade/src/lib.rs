//! Has the crate with the jobs as a dependency, and never names it.
