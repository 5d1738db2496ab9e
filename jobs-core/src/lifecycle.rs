//! The states of a job and the one table of moves between them, which every store obeys.
//!
//! | from | to | because |
//! |---|---|---|
//! | scheduled | available | its time came |
//! | scheduled | cancelled | a person or another job cancelled it |
//! | available | running | a worker claimed it |
//! | available | cancelled | a person or another job cancelled it |
//! | available | parked | no live worker knows its kind |
//! | running | completed | it returned well |
//! | running | retryable | it failed and may try again |
//! | running | scheduled | it snoozed |
//! | running | available | it was handed back or rescued |
//! | running | failed | its attempts are used up, it was discarded or quarantined |
//! | running | cancelled | it ended after it was cancelled |
//! | running | parked | its arguments do not decode here |
//! | retryable | available | its time came |
//! | retryable | cancelled | a person or another job cancelled it |
//! | parked | available | a worker came that may run it, or a person freed it |
//! | parked | cancelled | a person or another job cancelled it |
//! | blocked | available | the jobs it waited for ended |
//! | blocked | cancelled | a person or another job cancelled it |
//! | completed | available | a person requeued it |
//! | failed | available | a person requeued it |
//! | cancelled | available | a person requeued it |

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::{printable, shown};

/// Where a job stands. The text of a state is the same in SQL, in JSON, in logs and on screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// Waits for its time.
    Scheduled,
    /// Ready for the next free worker.
    Available,
    /// Held by a worker under a lease.
    Running,
    /// Failed, and waits for its next attempt.
    Retryable,
    /// Waits for other jobs.
    Blocked,
    /// Nobody here can run it: the kind is unknown to every live worker, or its arguments do not decode.
    Parked,
    /// Ended well.
    Completed,
    /// Ended badly and is kept for a person to look at (the dead letter).
    Failed,
    /// Stopped on request.
    Cancelled,
}

/// One allowed move: from, to, and the cause in words.
pub type Move = (State, State, &'static str);

use State::{Available, Blocked, Cancelled, Completed, Failed, Parked, Retryable, Running, Scheduled};

const CANCELLED: &str = "a person or another job cancelled it";

/// Every allowed move. The table in this module's documentation is held equal to it by a test.
pub const MOVES: &[Move] = &[
    (Scheduled, Available, "its time came"),
    (Scheduled, Cancelled, CANCELLED),
    (Available, Running, "a worker claimed it"),
    (Available, Cancelled, CANCELLED),
    (Available, Parked, "no live worker knows its kind"),
    (Running, Completed, "it returned well"),
    (Running, Retryable, "it failed and may try again"),
    (Running, Scheduled, "it snoozed"),
    (Running, Available, "it was handed back or rescued"),
    (Running, Failed, "its attempts are used up, it was discarded or quarantined"),
    (Running, Cancelled, "it ended after it was cancelled"),
    (Running, Parked, "its arguments do not decode here"),
    (Retryable, Available, "its time came"),
    (Retryable, Cancelled, CANCELLED),
    (Parked, Available, "a worker came that may run it, or a person freed it"),
    (Parked, Cancelled, CANCELLED),
    (Blocked, Available, "the jobs it waited for ended"),
    (Blocked, Cancelled, CANCELLED),
    (Completed, Available, "a person requeued it"),
    (Failed, Available, "a person requeued it"),
    (Cancelled, Available, "a person requeued it"),
];

impl State {
    /// All states, in the order of a job's life.
    pub const ALL: [State; 9] = [Scheduled, Available, Running, Retryable, Blocked, Parked, Completed, Failed, Cancelled];

    /// The text of the state, as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheduled => "scheduled",
            Available => "available",
            Running => "running",
            Retryable => "retryable",
            Blocked => "blocked",
            Parked => "parked",
            Completed => "completed",
            Failed => "failed",
            Cancelled => "cancelled",
        }
    }

    /// Whether the job has ended and lives in the history.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(self, Completed | Failed | Cancelled)
    }

    /// Whether [`MOVES`] has a move from this state to `next`.
    #[must_use]
    pub fn may_become(self, next: State) -> bool {
        MOVES.iter().any(|(from, to, _)| *from == self && *to == next)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no state, as far as it can be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no state of a job: use scheduled, available, running, retryable, blocked, parked, completed, failed or cancelled"
)]
pub struct UnknownState(pub String);

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownState(shown(&printable(text.to_owned())).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_table_is_the_table() {
        let documented: Vec<String> = include_str!("lifecycle.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | "))
            .skip(1)
            .map(str::to_owned)
            .collect();
        let real: Vec<String> = MOVES.iter().map(|(from, to, cause)| format!("{from} | {to} | {cause} |")).collect();
        assert_eq!(documented, real);
    }

    #[test]
    fn a_finished_job_moves_only_by_requeue() {
        for (from, to, _) in MOVES.iter().filter(|(from, ..)| from.is_finished()) {
            assert_eq!(*to, Available, "{from}");
        }
    }

    #[test]
    fn every_state_is_left_and_reads_back_from_its_text() {
        for state in State::ALL {
            assert!(MOVES.iter().any(|(from, ..)| *from == state), "{state}");
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert_eq!("done".parse::<State>(), Err(UnknownState("done".to_owned())));
        assert_eq!("a\0".parse::<State>(), Err(UnknownState("a\\u{0}".to_owned())));
        assert!("x".repeat(10_000).parse::<State>().unwrap_err().to_string().len() < 200);
    }
}
