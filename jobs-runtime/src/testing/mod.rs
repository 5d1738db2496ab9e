//! What tests need: a clock to turn by hand, the suite that every store passes, a list to compare the jobs of a program with, and the
//! guards of the protocol by name.

pub mod clock;
pub mod conformance;
pub mod guards;
pub mod registered;

pub use clock::TestClock;
