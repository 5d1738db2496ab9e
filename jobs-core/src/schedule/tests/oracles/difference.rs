//! The differences that are allowed, each with our rule, what the oracle does, and why ours is right.

/// In what an oracle may differ from us. What it answers then is recomputed by its module, tick for tick.
///
/// Our rules are those of cronie, version of 2025-11: for fields crontab(5) and `get_range` in `entry.c`; for changes of the clock cron(8),
/// "Daylight Saving Time and other time changes", and the loop of `cron.c`. (One paragraph of that crontab(5) still says that skipped times
/// do not run and repeated ones run twice. The program does as cron(8) says.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Difference {
    /// Ours: an item `*` may stand in a list, such as `*,5`. croner refuses it. cronie: each item of a list may be `*`.
    RefusesAStarInAList,
    /// Ours: `@midnight` is `@daily`. croner does not know it. cronie: `entry.c` takes both words.
    RefusesMidnight,
    /// Ours: all nicknames. cronexpr knows none. cronie: `entry.c` has them.
    RefusesNicknames,
    /// Ours: a step may be as large as the field, `*/60` is minute 0. cronexpr refuses a step above the largest value. cronie refuses only 0;
    /// larger steps than the field we refuse too, as they cannot be meant.
    RefusesAFullStep,
    /// Ours: `FRI-SUN` is `5-7`. cronexpr reads `5-0` and refuses it. cronie: a 0 at the end of a range that runs backwards is 7.
    RefusesARangeUpToSunday,

    /// Ours: either day suffices unless one of the two fields begins with `*`, and then both must match. croner: either suffices unless one
    /// is `*` alone, so `*/2` is a field like others. crontab(5): either suffices if both "do not contain the * character"; cronie looks at
    /// the first.
    StarWithStepIsRestricted,
    /// Ours: `SUN-SUN` is Sunday, and so is `0-SUN`. croner reads `0-7`, the whole week. cronie: Sunday becomes 7 only where the range would
    /// run backwards.
    SundayToSundayIsAWeek,

    /// Ours: times are fixed if neither minute nor hour begins with `*`, and such a time runs once when the clock shows it twice, and at the
    /// end of the gap when it is skipped. croner: only one second of one minute of one hour, written without a step, is fixed; several times
    /// follow the clock on the wall. cron(8): jobs at a specific time do not, and cronie knows the others by the `*`.
    OnlyOneTimeIsFixed,
    /// Ours: a fixed time that is skipped runs at the end of the gap, whatever day that is. croner drops it when the gap ends on a day that
    /// does not match. cronie: each minute that was jumped over is looked up with its own day.
    EndOfGapMustMatchTheDay,
    /// Ours: all fixed times of a gap are one tick at its end, however long it is. croner answers with an error if the end of the gap is more
    /// than two hours away, going back if its beginning is, and so for ever after. cron(8) does as we do for changes of less than three hours.
    /// It takes others for a clock put right by hand and runs nothing; we know that they are rules of the zone, and a daily job would lose a
    /// day.
    GivesUpInALongGap,

    /// Ours: a fixed time runs once when the clock shows it twice, and at the end of the gap when it is skipped. cronexpr: all times follow
    /// the clock on the wall, twice and never. cron(8): jobs at a specific time do not.
    AllFollowTheWall,
    /// Ours: every tick is found, and lies ahead. cronexpr leaves an hour by adding an hour and rounding down on the wall, and a day likewise.
    /// Where the clock changes at a minute other than 0, or from one day into another, that jumps over ticks or finds some in the past.
    /// cronie looks at every minute.
    StepsOverOddChanges,
    /// Ours: every search ends. cronexpr rounds down to a time before such a change, again and again. cronie does not search.
    NeverEnds,
    /// Ours: ticks are looked for up to 2099. cronexpr: for four years, so that a leap day that is a Sunday is an error. cronie has no limit.
    GivesUpAfterFourYears,

    /// Ours: ticks lie in the years 1970 to 2099. Both oracles go on. cronie has no limit; ours is written in the documentation of
    /// `Schedule`, and keeps every search short.
    GoesBeyondOurYears,
}
