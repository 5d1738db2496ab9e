//! The crate with the jobs is named by the macro, under lints that forgive nothing.
#![no_implicit_prelude]
#![deny(warnings, unused, unreachable_pub, rust_2018_idioms, unused_qualifications)]
#![forbid(unused_imports, unused_crate_dependencies)]

::jobs_runtime::jobs!(my_jobs,);

fn main() {
    ::show::check();
}
