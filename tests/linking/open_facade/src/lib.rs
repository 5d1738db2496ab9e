//! Names the crate with the jobs, so whoever names this names it too.

pub use my_jobs;
