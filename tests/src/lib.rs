//! What the black-box tests share: a world with a store and a clock to turn by hand, jobs that follow a script, a store that can be
//! made to fail, and real worker processes; and for a real server, networks that fail and clusters of a test's own.
//!
//! Beside them stand four proofs, each with a program (`simulate`, `chaos`, `haste`, `fuzz`): [`simulation`], [`chaos`], [`haste`] and [`fuzz`].
//!
//! A test waits for signals only: for a run of a [`script()`], for a call of a [`Tap`], for a line of a [`process::Worker`]. Every wait
//! is bounded by [`PATIENCE`], so that a test that waits in vain says for what.

#![allow(clippy::missing_panics_doc, clippy::missing_errors_doc, reason = "whatever goes wrong here is a test that fails")]

pub mod around;
pub mod caller;
pub mod chaos;
pub mod cluster;
pub mod database;
pub mod fuzz;
pub mod haste;
pub mod process;
pub mod proxy;
pub mod script;
pub mod simulation;
pub mod tap;
pub mod world;

use std::future::Future;
use std::io::Write;
use std::time::Duration;

pub use caller::{Caller, Refusal};
pub use cluster::Cluster;
pub use database::{Database, Ledger, enqueue_surely};
pub use proxy::{Proxy, Way};
pub use script::{Run, Script, Step, script};
pub use tap::{Fault, Tap};
pub use world::{World, enqueue, enqueue_many, finished, on_every_shared_store, on_every_store, stop, try_enqueue};

/// The longest that anything in a test is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Says on the terminal, past what keeps the output of tests that pass, that this test is left out.
pub fn left_out(why: &str) {
    let test = std::thread::current();
    let _ = writeln!(std::io::stderr(), "{}: left out: {why}", test.name().unwrap_or("a test"));
}

/// Waits for `future`, but not for ever.
pub async fn bounded<T>(what: &str, future: impl Future<Output = T>) -> T {
    bounded_by(PATIENCE, what, future).await
}

/// Waits for `future`, but not longer than this.
pub async fn bounded_by<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    let answer = tokio::time::timeout(limit, future).await;
    answer.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// Waits until `look` finds something, by looking again and again.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    bounded(what, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}
