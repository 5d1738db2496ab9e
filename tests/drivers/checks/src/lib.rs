//! What every driver is put to: one story, told by an [`Application`] that is written with that driver, and the facts that must hold.
//!
//! The story: guests sign up, and are charged. Signing up writes the guest and stores the job that charges him, in one transaction of the
//! application. The job writes the charge and its own completion in one transaction, its unit of work.
//!
//! `application` is what a driver's file gives, `place` the database, `stage` one test with both, `facts` what must hold, `process` the
//! process that is killed in the midst of a transaction, `ear` what the runtime says.

pub mod application;
pub mod ear;
pub mod facts;
pub mod place;
pub mod process;
pub mod stage;

pub use application::{Application, BeforeCommit, Terminal};
pub use place::Place;
pub use stage::check;

/// What anything here answers; whatever goes wrong is a test that fails.
pub type Result<T = (), E = jobs_runtime::BoxError> = std::result::Result<T, E>;

/// Makes a module of tests for each driver: its name, which is also that of the module in the package where its `App` is.
#[macro_export]
macro_rules! tests {
    ($place:ty, $program:expr; $package:ident :: { $($driver:ident),* $(,)? }) => {
        $($crate::tests!(@driver $place, $program, $package, $driver; [
            what_is_committed_is_stored_and_runs
            what_is_rolled_back_was_never_there
            a_duplicate_is_answered_and_the_transaction_goes_on
            the_writes_of_a_job_and_its_completion_are_one_commit
            the_writes_of_a_job_that_fails_are_gone
            the_writes_that_complete_under_an_old_token_are_gone
            a_process_killed_before_its_commit_leaves_nothing
            a_job_killed_before_its_commit_has_its_effect_once
        ]);)*
    };
    (@driver $place:ty, $program:expr, $package:ident, $driver:ident; [$($fact:ident)*]) => {
        mod $driver {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $fact() -> $crate::Result {
                    let program = (stringify!($driver), $program);
                    $crate::check::<$place, $package::$driver::App>(program, async |stage| $crate::facts::$fact(stage).await).await
                }
            )*
        }
    };
}
