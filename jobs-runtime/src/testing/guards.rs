//! The guards of the engine, of the memory store and of the store on PostgreSQL, by name. A build with the feature `mutants` can switch one
//! off for the thread that asks, and for the thread of a store that is opened there, so that a simulation or a race can show that it
//! would notice: a check that cannot fail is worth nothing.
//!
//! Without the feature every guard is on, and asking costs nothing.

use std::fmt;

/// A guard of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Guard {
    /// The store records an outcome only under the newest token of a running job.
    Fence,
    /// Each claim gives its job a greater token.
    Token,
    /// A claim gets something only for a worker whose lease holds.
    LeaseAtClaim,
    /// A lease that has run out is not renewed.
    ExpiredStaysExpired,
    /// A job is taken from its worker only when the lease of that worker has run out.
    RescueOfTheDeadOnly,
    /// The id of a finished job is remembered.
    RepeatWindow,
    /// So is that of one whose contents are pruned.
    PrunedIds,
    /// Nothing is pruned before its retention is over.
    Retention,
    /// A tick is fired only by who knows the last one.
    CompareAndSwap,
    /// A tick is fired only by who knows the row of its schedule as it stands.
    RowVersion,
    /// No tick is fired before its time by the store's clock.
    EarlyTicks,
    /// Of ticks that were missed those are fired that the policy of their schedule names, and not all.
    MisfirePolicy,
    /// Nor are none fired where the policy names some.
    MissedFire,
    /// A tick that comes while a run of its schedule is not over meets what the policy says.
    Overlaps,
    /// A tick that cancels asks the runs before it to stop.
    CancelBefore,
    /// Ticks that wait get their jobs in order.
    QueuedOrder,
    /// They are looked at when a run ends, and now and then.
    QueuedLook,
    /// A schedule that is paused does not tick.
    PausedSchedules,
    /// A schedule that a known worker has is not retired.
    RetireUnheld,
    /// What a later start has declared stays while its worker is known.
    LaterStart,
    /// What passed before an edit or a resume is accounted for.
    PassedAccounts,
    /// Other times, and those of a schedule that is resumed, count from now.
    EditNoMisfire,
    /// A job with a crash runs beside no other that has one.
    Probation,
    /// The first crash of a job does not count towards its quarantine, since any job of its worker may have caused it.
    FirstCrash,
    /// A job that keeps killing its worker is quarantined.
    Quarantine,
    /// A job that was asked to stop does not run again.
    StopStays,
    /// A transaction that completes a job fails where the job is not held under its token any more.
    FencedCommit,
    /// A job whose commit was not answered for is not taken for completed.
    CommitInDoubt,
    /// An outcome that does not count stores no follower.
    Followers,
    /// Only kinds that were asked for are claimed.
    KnownKinds,
    /// Nothing of a paused queue is claimed.
    PausedQueues,
    /// Nothing of a queue begins in a process that has heard that it is paused.
    PauseHolds,
    /// What such a process has fetched ahead of it goes back.
    PauseHandsBack,
    /// A parked job keeps the shapes that could not decode it.
    ParkedShapes,
    /// A rescue uses no attempt.
    NoAttempt,
    /// A process lets go of its jobs at its own deadline.
    OwnDeadline,
    /// That deadline counts from the moment at which a renewal was sent.
    DeadlineFromSent,
    /// It lies before the moment at which others may judge.
    Margin,
    /// The jobs of a lost lease are gone before they are handed back.
    GoneBeforeHandBack,
    /// A worker that lost its lease begins again under a new id.
    NewId,
    /// A worker that lost its lease and lives takes its crashes back.
    Abandon,
    /// After a claim whose answer was lost the store is told what arrived.
    Reconcile,
    /// An outcome whose answer was lost is written again.
    WriteAgain,
    /// A heartbeat that finds jobs waiting lets the process look for them, though no signal came.
    SafetyNet,
    /// Chance comes from the seeded source alone.
    SeededChance,
    /// What is woken at one instant runs in the order of its birth, or in one that follows from the seed. It is the simulation's own.
    OrderOfBirth,
    /// Of several things that have come at once the engine takes the one that stands first.
    BiasedOrder,
    /// A claim on PostgreSQL locks the row of its worker, so that nobody ends it meanwhile.
    KeyShare,
    /// A rescue on PostgreSQL looks for the jobs of a worker in a statement that begins when its row is gone.
    TwoStepRescue,
}

impl Guard {
    /// All guards.
    pub const ALL: [Self; 49] = [
        Self::Fence,
        Self::Token,
        Self::LeaseAtClaim,
        Self::ExpiredStaysExpired,
        Self::RescueOfTheDeadOnly,
        Self::RepeatWindow,
        Self::PrunedIds,
        Self::Retention,
        Self::CompareAndSwap,
        Self::RowVersion,
        Self::EarlyTicks,
        Self::MisfirePolicy,
        Self::MissedFire,
        Self::Overlaps,
        Self::CancelBefore,
        Self::QueuedOrder,
        Self::QueuedLook,
        Self::PausedSchedules,
        Self::RetireUnheld,
        Self::LaterStart,
        Self::PassedAccounts,
        Self::EditNoMisfire,
        Self::Probation,
        Self::FirstCrash,
        Self::Quarantine,
        Self::StopStays,
        Self::FencedCommit,
        Self::CommitInDoubt,
        Self::Followers,
        Self::KnownKinds,
        Self::PausedQueues,
        Self::PauseHolds,
        Self::PauseHandsBack,
        Self::ParkedShapes,
        Self::NoAttempt,
        Self::OwnDeadline,
        Self::DeadlineFromSent,
        Self::Margin,
        Self::GoneBeforeHandBack,
        Self::NewId,
        Self::Abandon,
        Self::Reconcile,
        Self::WriteAgain,
        Self::SafetyNet,
        Self::SeededChance,
        Self::OrderOfBirth,
        Self::BiasedOrder,
        Self::KeyShare,
        Self::TwoStepRescue,
    ];

    /// Whether it guards against a race between statements of PostgreSQL. To a simulation a call of the store is one instant.
    #[must_use]
    pub const fn is_of_postgres(self) -> bool {
        matches!(self, Self::KeyShare | Self::TwoStepRescue)
    }

    /// Whether without it one seed may give several histories, and nothing else need go wrong.
    #[must_use]
    pub const fn is_of_order(self) -> bool {
        matches!(self, Self::SeededChance | Self::OrderOfBirth | Self::BiasedOrder)
    }

    /// Whether this guard is on.
    #[cfg(not(feature = "mutants"))]
    #[inline(always)]
    #[allow(clippy::inline_always, clippy::unused_self, reason = "nothing of it shall be left in a program")]
    pub(crate) const fn is_on(self) -> bool {
        true
    }

    /// Whether this guard is on.
    #[cfg(feature = "mutants")]
    #[must_use]
    pub fn is_on(self) -> bool {
        OFF.get() != Some(self)
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `RepeatWindow` reads `repeat window`.
        for (nth, letter) in format!("{self:?}").chars().enumerate() {
            let gap = if letter.is_uppercase() && nth > 0 { " " } else { "" };
            write!(f, "{gap}{}", letter.to_ascii_lowercase())?;
        }
        Ok(())
    }
}

#[cfg(feature = "mutants")]
thread_local! {
    static OFF: std::cell::Cell<Option<Guard>> = const { std::cell::Cell::new(None) };
}

/// `work` for another thread, with the guard off there that is off here.
#[cfg(all(feature = "mutants", feature = "postgres"))]
pub(crate) fn carried<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let off = OFF.get();
    move || without(off, work)
}

/// `work` for another thread.
#[cfg(all(not(feature = "mutants"), feature = "postgres"))]
pub(crate) const fn carried<W>(work: W) -> W {
    work
}

/// Switches one guard off for all that `work` does on this thread; none for `None`.
#[cfg(feature = "mutants")]
pub fn without<T>(guard: Option<Guard>, work: impl FnOnce() -> T) -> T {
    struct Before(Option<Guard>);
    impl Drop for Before {
        fn drop(&mut self) {
            OFF.set(self.0);
        }
    }
    let _before = Before(OFF.replace(guard));
    work()
}
