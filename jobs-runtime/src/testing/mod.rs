//! What tests need: a clock to turn by hand, and the suite that every store passes.

pub mod clock;
pub mod conformance;

pub use clock::TestClock;
