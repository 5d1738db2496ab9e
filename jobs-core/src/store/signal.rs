//! The signal by which a store wakes those who wait for it.

use tokio::sync::watch;

/// Wakes those who wait for a store: a pair of counters that only grow.
#[derive(Debug)]
pub struct Signal {
    sender: watch::Sender<Changes>,
}

/// How often things have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Jobs may have come or come free.
    pub jobs: u64,
    /// Running jobs may have been asked to stop, queues paused or resumed, or schedules changed.
    pub commands: u64,
}

impl Default for Signal {
    fn default() -> Self {
        Self { sender: watch::Sender::new(Changes::default()) }
    }
}

impl Signal {
    /// Says that jobs may be there to claim.
    pub fn jobs(&self) {
        self.sender.send_modify(|changes| changes.jobs += 1);
    }

    /// Says that there may be cancellations, paused or resumed queues, or changed schedules.
    pub fn commands(&self) {
        self.sender.send_modify(|changes| changes.commands += 1);
    }

    /// Says that anything may have changed.
    pub fn all(&self) {
        self.sender.send_modify(|changes| {
            changes.jobs += 1;
            changes.commands += 1;
        });
    }

    /// Listens from now on.
    #[must_use]
    pub fn listen(&self) -> watch::Receiver<Changes> {
        self.sender.subscribe()
    }
}
