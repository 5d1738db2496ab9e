//! The differences that are allowed, each with our rule, what the oracle does, and why ours is right.

/// In what an oracle may differ from us. What it answers then is recomputed by its module, tick for tick.
///
/// Our rules are those of crontab(5) and of the program that it describes, cronie: for the fields, its `entry.c`; for changes of the clock,
/// the end of cron(8) and the loop in `cron.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Difference {
    /// Ours: an item `*` may stand in a list, such as `*,5`. croner refuses it. crontab(5): "A field may contain an asterisk", and a list is
    /// of ranges, which `*` stands for; cronie reads it.
    RefusesAStarInAList,
    /// Ours: `@midnight` is `@daily`. croner does not know it. cronie: `entry.c` takes both words.
    RefusesMidnight,
    /// Ours: all nicknames. cronexpr knows none. crontab(5), "Extensions".
    RefusesNicknames,
    /// Ours: a step may be as large as the field, `*/60` is minute 0. cronexpr refuses more than the largest value. cronie: `entry.c` refuses
    /// only 0 and what is larger than the field's highest value, and we count the values instead, so that `*/24` of hours is `0`.
    RefusesAFullStep,
    /// Ours: `FRI-SUN` is `5-7`. cronexpr reads `5-0` and refuses it. cronie: Sunday at the end of a range is 7.
    RefusesARangeUpToSunday,

    /// Ours: either day suffices unless one of the two fields begins with `*`, and then both must match. croner: either suffices unless one
    /// is `*` alone, so `*/2` is a field like others. crontab(5): "if both fields are restricted (i.e., do not contain the "*" character)".
    StarWithStepIsRestricted,
    /// Ours: `SUN-SUN` is Sunday, and so is `0-SUN`. croner reads `0-7`, the whole week. cronie turns a Sunday at the end of a range into 7
    /// only when the range would run backwards.
    SundayToSundayIsAWeek,

    /// Ours: times are fixed if neither minute nor hour begins with `*`, and such a time runs once when the clock shows it twice, and at the
    /// end of the gap when it is skipped. croner: only one second of one minute of one hour, written without a step, is fixed; several times
    /// follow the clock on the wall. cron(8): it is wildcard jobs that follow the clock, and those are known by the `*`.
    OnlyOneTimeIsFixed,
    /// Ours: a fixed time that is skipped runs at the end of the gap, whatever day that is. croner drops it when the gap ends on a day that
    /// does not match. cronie: the minutes that the clock jumped over are run for the day on which they would have been.
    EndOfGapMustMatchTheDay,
    /// Ours: a fixed time of a skipped day runs once, at the jump. croner answers with an error if the end of the gap is more than two hours
    /// away. A schedule that ends in an error has lost all ticks that follow.
    GivesUpInALongGap,

    /// Ours: a fixed time runs once when the clock shows it twice, and at the end of the gap when it is skipped. cronexpr: all times follow
    /// the clock on the wall, twice and never. cron(8): only wildcard jobs do.
    AllFollowTheWall,
    /// Ours: no tick is passed over. cronexpr leaves an hour by adding an hour and rounding down on the wall, and a day likewise. Where the
    /// clock changes at a minute other than 0, that jumps over ticks or finds some in the past.
    StepsOverOddChanges,
    /// Ours: every search ends. cronexpr rounds down to a time before the change of the clock at a minute other than 0, again and again.
    NeverEnds,
    /// Ours: ticks are looked for up to 2099. cronexpr: for four years, so that a leap day on a Sunday is an error.
    GivesUpAfterFourYears,

    /// Ours: there are no ticks after 2099. Both oracles go on. The limit is ours, crontab(5) has none, and no one can know the rules of zones so
    /// far ahead.
    GoesOnAfter2099,
}
