//! The macro that names the crates with jobs, so that they are linked.

/// Names the crates that hold jobs, so that their jobs are found: a crate that no code names is not linked, though it stands in
/// `Cargo.toml`.
///
/// Write it once in `main.rs`, and once in each integration test, example and benchmark that starts a runtime: each of them is a
/// crate of its own. The crate of the program itself needs no mention. The guide has the [whole story](crate::guide::linking).
///
/// ```standalone_crate
/// # extern crate self as my_jobs;
/// # extern crate self as billing;
/// # pub mod jobs { #[jobs_runtime::job] pub async fn bill() {} }
/// jobs_runtime::jobs!(my_jobs, billing::jobs);
///
/// # fn main() {
/// jobs_runtime::Runtime::builder().check().expect("the jobs are found");
/// # }
/// ```
///
/// A path begins with the name of a crate, as `Cargo.toml` has it, and leads to the crate or to a module in it. Either links the
/// whole crate; the module is there for readers, and must exist. For a crate this is `use my_jobs as _;`, and no lint has a word on
/// it. For a module it comes with `#[allow(unused_imports)]`, so under `#![forbid(unused_imports)]` name the crate.
///
/// ```compile_fail,E0432
/// jobs_runtime::jobs!(no_such_crate);
/// ```
#[macro_export]
macro_rules! jobs {
    ($($(::)? $krate:ident $(:: $module:ident)*),+ $(,)?) => {
        $($crate::__name_linked! { $krate $($module)* })+
    };
    () => {
        $crate::__private::compile_error!("name the crates that hold jobs: `jobs_runtime::jobs!(my_jobs, billing);`");
    };
}

/// One import. The path is absolute, so that it means a crate also where a module of the same name is in sight, and under
/// `#![no_implicit_prelude]`.
#[doc(hidden)]
#[macro_export]
macro_rules! __name_linked {
    ($krate:ident) => {
        use ::$krate as _;
    };
    ($krate:ident $($module:ident)+) => {
        #[allow(unused_imports)]
        use ::$krate $(::$module)+ as _;
    };
}
