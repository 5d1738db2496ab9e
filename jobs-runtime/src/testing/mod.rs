//! What tests need: a clock to turn by hand, the suite that every store passes, and a list to compare the jobs of a program with.

pub mod clock;
pub mod conformance;
#[cfg(feature = "mutants")]
pub mod guards;
#[cfg(not(feature = "mutants"))]
pub(crate) mod guards;
pub mod registered;

pub use clock::TestClock;
