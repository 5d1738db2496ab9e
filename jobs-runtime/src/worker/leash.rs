//! The leash: by what a running job is stopped, first by asking, then by dropping it.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio_util::sync::CancellationToken;

/// By what a running job is stopped.
#[derive(Debug, Default)]
pub(crate) struct Leash {
    /// Asks it to stop.
    pub(crate) stop: CancellationToken,
    /// Drops it.
    pub(crate) abort: CancellationToken,
    reason: AtomicU8,
}

/// Why a job is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Reason {
    /// Somebody cancelled it.
    Cancelled = 1,
    /// Its time is up.
    Timeout = 2,
    /// The process shuts down.
    Shutdown = 3,
    /// The lease is lost.
    Lost = 4,
    /// Its transaction was open for too long.
    Overlong = 5,
}

impl Leash {
    /// Asks the job to stop. A lost lease outranks every other reason; otherwise the first one stays.
    pub(crate) fn stop(&self, reason: Reason) {
        if reason == Reason::Lost {
            self.reason.store(reason as u8, Ordering::Release);
        } else {
            let _ = self.reason.compare_exchange(0, reason as u8, Ordering::AcqRel, Ordering::Acquire);
        }
        self.stop.cancel();
    }

    /// Why it was asked to stop, if it was.
    pub(crate) fn reason(&self) -> Option<Reason> {
        [Reason::Cancelled, Reason::Timeout, Reason::Shutdown, Reason::Lost, Reason::Overlong]
            .into_iter()
            .find(|reason| *reason as u8 == self.reason.load(Ordering::Acquire))
    }
}
