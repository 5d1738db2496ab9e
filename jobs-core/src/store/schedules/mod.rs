//! What schedules and their ticks are to a store.
//!
//! A store keeps rows ([`StoredSchedule`]) and ticks, and gives transactions; what they mean is judged here, for all stores alike:
//! `change` says what an edit does to the rows, `judge` what becomes of a tick, and `stored` how a schedule is written down.

mod change;
mod judge;
mod new;
mod record;
mod stored;
mod tick;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub use self::change::{AHEAD, ChangeScope, KnownWorkers, ScheduleEdit, change};
pub use self::judge::{FireRow, Judgement, Live, judge};
pub use self::new::{MAX_JITTER, NewSchedule};
pub use self::record::{OverrideTimes, ScheduleFilter, ScheduleList, ScheduleRecord, Unreadable};
pub use self::stored::StoredSchedule;
pub use self::tick::{Deal, Fire, Fired, Occasion, Skip, TickCause, TickFilter, TickOutcome, TickRecord};

/// How long a schedule that is gone from all code is kept, with what people changed of it by hand.
pub const RETIRED_FOR: Duration = Duration::from_secs(7 * 86_400);

/// The most schedules of one call.
pub const MAX_SCHEDULES: usize = 10_000;

/// A change of schedules, in one step.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ScheduleChange {
    /// The schedules of a starting build, which knows these kinds: the newest start wins. A schedule of code of such a kind that is not
    /// among them, and that no known worker has, is retired: it ticks no more, and is removed after [`RETIRED_FOR`]. One that is declared
    /// again before goes on where it was. One answer for each of them.
    Declare {
        /// The schedules.
        schedules: Vec<NewSchedule>,
        /// The kinds.
        kinds: Arc<BTreeSet<String>>,
    },
    /// What a build that runs puts in order from time to time. It declares those of its schedules that are gone, that are retired, or
    /// whose build has no known worker that started after its own process; the others stay as a later start has left them. What nobody
    /// has is retired, as above. One answer for each schedule.
    Maintain {
        /// The schedules.
        schedules: Vec<NewSchedule>,
        /// The kinds.
        kinds: Arc<BTreeSet<String>>,
        /// For how long this process has run.
        up_for: Duration,
    },
    /// Lets schedules count from now whose last tick lies ahead of the store's clock by more than [`AHEAD`]: the clock was wrong when they
    /// ticked, and they would be silent until then.
    Recount {
        /// Their keys.
        keys: Vec<String>,
    },
    /// Creates or changes schedules that exist in the store alone: all or none.
    Save {
        /// The schedules.
        schedules: Vec<NewSchedule>,
    },
    /// Makes these schedules all that the group has: all or none.
    ReplaceGroup {
        /// The group.
        group: String,
        /// The schedules.
        schedules: Vec<NewSchedule>,
    },
    /// Removes schedules that exist in the store alone.
    Remove {
        /// Their keys.
        keys: Vec<String>,
    },
    /// Stops schedules from ticking.
    Pause {
        /// Their keys.
        keys: Vec<String>,
    },
    /// Lets them tick again. What passed meanwhile is accounted for as skipped.
    Resume {
        /// Their keys.
        keys: Vec<String>,
    },
    /// Gives a schedule other times than its own, or its own again.
    Override {
        /// Its key.
        key: String,
        /// The times.
        times: Option<OverrideTimes>,
    },
}

/// What became of one schedule of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleAnswer {
    /// It is new.
    Created,
    /// It has changed, or is gone.
    Changed,
    /// It was so before.
    Unchanged,
    /// There is none of this key.
    Unknown,
    /// It belongs to somebody else, which is said here, and is left alone. Where all or none are saved, none is.
    Taken(String),
}
