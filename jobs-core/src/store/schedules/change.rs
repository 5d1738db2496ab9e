//! What a change does to the rows of schedules: one meaning for all stores. A store reads the rows in the scope of a change, asks
//! here, and writes what comes back, in one transaction in which nobody else changes a schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{
    NewSchedule, OverrideTimes, RETIRED_FOR, ScheduleAnswer, ScheduleChange, ScheduleRecord, Skip, TickOutcome, TickRecord,
};
use crate::schedule::{ONCE, Times, passed};

/// A last tick that lies further ahead of the store's clock was made by a wrong clock: 3 hours, as in cronie (`cron.c`), which takes a larger
/// difference for a clock that was set.
pub const AHEAD: SignedDuration = SignedDuration::from_hours(3);

/// Processes whose starts lie this close together have started at once, and none of them takes from the other.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(1);

/// The schedules that stand in the code of known workers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownWorkers {
    /// By key: the builds that have it, each with the latest start of a process of it.
    schedules: BTreeMap<String, BTreeMap<String, Timestamp>>,
}

impl KnownWorkers {
    /// Counts in a worker of this build, whose process started then.
    pub fn add(&mut self, build: &str, started_at: Timestamp, schedules: impl IntoIterator<Item = String>) {
        for key in schedules {
            let latest = self.schedules.entry(key).or_default().entry(build.to_owned()).or_insert(started_at);
            *latest = started_at.max(*latest);
        }
    }

    /// Whether any of them has this schedule.
    #[must_use]
    pub fn have(&self, key: &str) -> bool {
        self.schedules.contains_key(key)
    }

    /// The latest start of a process of this build that has this schedule.
    #[must_use]
    pub fn start_of(&self, key: &str, build: &str) -> Option<Timestamp> {
        self.schedules.get(key)?.get(build).copied()
    }

    /// Whether the code of `other` stays in force beside a process of `own` that says that it started at `since`: a process of the other
    /// build started later, or at once with it. Where both are known it goes by what is stored, so that two can never take from each
    /// other in turn, whatever clocks do.
    fn has_later(&self, key: &str, (own, since): (&str, Timestamp), other: &str) -> bool {
        let since = self.start_of(key, own).map_or(since, |start| start.min(since));
        self.start_of(key, other).is_some_and(|start| since.duration_since(start) <= AT_ONCE)
    }
}

/// The rows that a change may concern: those of any of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeScope {
    /// Of these keys.
    pub keys: Vec<String>,
    /// Of this group.
    pub group: Option<String>,
    /// Of code, with these kinds. Then the [`KnownWorkers`] are wanted, too.
    pub kinds: Option<Arc<BTreeSet<String>>>,
}

impl ScheduleChange {
    /// The rows that it may concern.
    #[must_use]
    pub fn scope(&self) -> ChangeScope {
        let of = |schedules: &[NewSchedule]| schedules.iter().map(|schedule| schedule.key.clone()).collect();
        match self {
            Self::Declare { schedules, kinds } | Self::Maintain { schedules, kinds, .. } => {
                ChangeScope { keys: of(schedules), group: None, kinds: Some(Arc::clone(kinds)) }
            }
            Self::Save { schedules } => ChangeScope { keys: of(schedules), ..ChangeScope::default() },
            Self::ReplaceGroup { group, schedules } => {
                ChangeScope { keys: of(schedules), group: Some(group.clone()), kinds: None }
            }
            Self::Remove { keys } | Self::Pause { keys } | Self::Resume { keys } | Self::Recount { keys } => {
                ChangeScope { keys: keys.clone(), ..ChangeScope::default() }
            }
            Self::Override { key, .. } => ChangeScope { keys: vec![key.clone()], ..ChangeScope::default() },
        }
    }
}

/// What to write.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScheduleEdit {
    /// One answer for each schedule or key of the change, in order.
    pub answers: Vec<ScheduleAnswer>,
    /// The rows to insert or to replace.
    pub write: Vec<ScheduleRecord>,
    /// The keys of the rows to remove.
    pub remove: Vec<String>,
    /// The accounts of ticks to insert, or to replace.
    pub ticks: Vec<TickRecord>,
}

/// What `change` does at `now`, where `rows` are those in its scope.
#[must_use]
pub fn change(now: Timestamp, change: ScheduleChange, rows: Vec<ScheduleRecord>, known: &KnownWorkers) -> ScheduleEdit {
    let mut book = Book::new(now, rows);
    let mut answers = Vec::new();
    match change {
        ScheduleChange::Declare { schedules, kinds } => {
            let keys = keys_of(&schedules);
            answers.extend(schedules.into_iter().map(|schedule| book.declare(schedule)));
            book.retire(&kinds, |key| keys.contains(key) || known.have(key));
        }
        ScheduleChange::Maintain { schedules, kinds, up_for } => {
            let keys = keys_of(&schedules);
            let up_for = SignedDuration::try_from(up_for).unwrap_or(SignedDuration::MAX);
            let since = now.saturating_sub(up_for).unwrap_or(now);
            answers.extend(schedules.into_iter().map(|schedule| book.maintain(schedule, since, known)));
            book.retire(&kinds, |key| keys.contains(key) || known.have(key));
        }
        ScheduleChange::Recount { keys } => answers.extend(keys.iter().map(|key| book.recount(key))),
        ScheduleChange::Save { schedules } => return book.save_all(schedules, None),
        ScheduleChange::ReplaceGroup { group, schedules } => return book.save_all(schedules, Some(&group)),
        ScheduleChange::Remove { keys } => answers.extend(keys.iter().map(|key| book.remove(key))),
        ScheduleChange::Pause { keys } => answers.extend(keys.iter().map(|key| book.pause(key))),
        ScheduleChange::Resume { keys } => answers.extend(keys.iter().map(|key| book.resume(key))),
        ScheduleChange::Override { key, times } => answers.push(book.give_times(&key, times)),
    }
    book.close(answers)
}

fn keys_of(schedules: &[NewSchedule]) -> BTreeSet<String> {
    schedules.iter().map(|schedule| schedule.key.clone()).collect()
}

/// The rows, and what of them has changed.
struct Book {
    now: Timestamp,
    before: BTreeMap<String, ScheduleRecord>,
    rows: BTreeMap<String, ScheduleRecord>,
    ticks: Vec<TickRecord>,
}

impl Book {
    fn new(now: Timestamp, rows: Vec<ScheduleRecord>) -> Self {
        let rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.schedule.key.clone(), row)).collect();
        Self { now, before: rows.clone(), rows, ticks: Vec::new() }
    }

    fn close(self, answers: Vec<ScheduleAnswer>) -> ScheduleEdit {
        let Self { before, rows, ticks, .. } = self;
        let remove = before.keys().filter(|key| !rows.contains_key(*key)).cloned().collect();
        let write = rows.into_iter().filter(|(key, row)| before.get(key) != Some(row)).map(|(_, row)| row).collect();
        ScheduleEdit { answers, write, remove, ticks }
    }

    /// Puts a schedule in the place of what is there.
    fn put(&mut self, schedule: NewSchedule) -> ScheduleAnswer {
        let now = self.now;
        let Some(row) = self.rows.get_mut(&schedule.key) else {
            self.rows.insert(schedule.key.clone(), ScheduleRecord::new(schedule, now));
            return ScheduleAnswer::Created;
        };
        if row.schedule == schedule && row.unreadable.is_none() && row.retired_at.is_none() {
            return ScheduleAnswer::Unchanged;
        }
        let old = &row.schedule;
        let times = row.override_times.is_none() && (&old.spec, &old.zone) != (&schedule.spec, &schedule.zone);
        let limits = (old.starts_at, old.ends_at) != (schedule.starts_at, schedule.ends_at);
        if times || limits || row.unreadable.is_some() || (!old.enabled && schedule.enabled) {
            self.ticks.extend(recount(row, now));
        }
        row.schedule = schedule;
        (row.unreadable, row.retired_at) = (None, None);
        row.version += 1;
        ScheduleAnswer::Changed
    }

    fn declare(&mut self, schedule: NewSchedule) -> ScheduleAnswer {
        match self.rows.get(&schedule.key) {
            Some(row) if row.schedule.build.is_none() => {
                ScheduleAnswer::Taken("the store has a schedule of this key that no code declares".to_owned())
            }
            _ => self.put(schedule),
        }
    }

    /// Declares what no later start has declared.
    fn maintain(&mut self, schedule: NewSchedule, since: Timestamp, known: &KnownWorkers) -> ScheduleAnswer {
        let own = schedule.build.as_deref().unwrap_or_default();
        let stays = |row: &ScheduleRecord| match &row.schedule.build {
            Some(build) => row.retired_at.is_none() && (build == own || known.has_later(&schedule.key, (own, since), build)),
            None => false,
        };
        match self.rows.get(&schedule.key) {
            Some(row) if stays(row) => ScheduleAnswer::Unchanged,
            _ => self.declare(schedule),
        }
    }

    fn recount(&mut self, key: &str) -> ScheduleAnswer {
        let now = self.now;
        let Some(row) = self.rows.get_mut(key) else { return ScheduleAnswer::Unknown };
        if row.last_tick >= ONCE || row.last_tick.duration_since(now) <= AHEAD {
            return ScheduleAnswer::Unchanged;
        }
        row.last_tick = now;
        row.version += 1;
        ScheduleAnswer::Changed
    }

    fn retire(&mut self, kinds: &BTreeSet<String>, stays: impl Fn(&str) -> bool) {
        let gone = |row: &ScheduleRecord| {
            row.schedule.build.is_some() && kinds.contains(&*row.schedule.job.kind) && !stays(&row.schedule.key)
        };
        let now = self.now;
        let mut over = Vec::new();
        for row in self.rows.values_mut().filter(|row| gone(row)) {
            match row.retired_at {
                None => {
                    row.retired_at = Some(now);
                    row.version += 1;
                }
                Some(since) if since.saturating_add(RETIRED_FOR).is_ok_and(|until| until <= now) => {
                    over.push(row.schedule.key.clone());
                }
                Some(_) => {}
            }
        }
        for key in over {
            self.drop_row(&key);
        }
    }

    fn drop_row(&mut self, key: &str) {
        let Some(row) = self.rows.remove(key) else { return };
        let removed = TickOutcome::Skipped(Skip::Removed);
        self.ticks.extend(row.queued.iter().map(|tick| TickRecord::new(key, *tick, *tick, self.now, removed)));
    }

    fn save_all(mut self, schedules: Vec<NewSchedule>, group: Option<&String>) -> ScheduleEdit {
        let mut listed = BTreeSet::new();
        let mut answers = Vec::with_capacity(schedules.len());
        for mut schedule in schedules {
            schedule.build = None;
            schedule.group = group.cloned().or(schedule.group);
            let answer = if listed.insert(schedule.key.clone()) {
                match self.owner(&schedule) {
                    Some(owner) => ScheduleAnswer::Taken(owner),
                    None => self.put(schedule),
                }
            } else {
                ScheduleAnswer::Taken("two schedules of this call have this key".to_owned())
            };
            answers.push(answer);
        }
        if answers.iter().any(|answer| matches!(answer, ScheduleAnswer::Taken(_))) {
            return ScheduleEdit { answers, ..ScheduleEdit::default() };
        }
        if group.is_some() {
            let gone = |row: &&ScheduleRecord| row.schedule.group.as_ref() == group && !listed.contains(&row.schedule.key);
            let keys: Vec<String> = self.rows.values().filter(gone).map(|row| row.schedule.key.clone()).collect();
            for key in keys {
                self.drop_row(&key);
            }
        }
        self.close(answers)
    }

    /// To whom the key of this schedule belongs, if not to it.
    fn owner(&self, schedule: &NewSchedule) -> Option<String> {
        let NewSchedule { build, group, .. } = &self.rows.get(&schedule.key)?.schedule;
        match group {
            _ if build.is_some() => Some("code declares it: pause it or override its times instead".to_owned()),
            Some(other) if schedule.group.as_ref() != Some(other) => {
                Some(format!("it belongs to the group `{other}`, which is replaced as a whole"))
            }
            None if schedule.group.is_some() => Some("it exists beside all groups".to_owned()),
            _ => None,
        }
    }

    fn remove(&mut self, key: &str) -> ScheduleAnswer {
        match self.rows.get(key) {
            None => ScheduleAnswer::Unknown,
            Some(row) if row.schedule.build.is_some() => {
                ScheduleAnswer::Taken("code declares it: pause it, or take it out of the code".to_owned())
            }
            Some(_) => {
                self.drop_row(key);
                ScheduleAnswer::Changed
            }
        }
    }

    fn pause(&mut self, key: &str) -> ScheduleAnswer {
        let Some(row) = self.rows.get_mut(key) else { return ScheduleAnswer::Unknown };
        if row.paused_at.is_some() {
            return ScheduleAnswer::Unchanged;
        }
        row.paused_at = Some(self.now);
        row.version += 1;
        ScheduleAnswer::Changed
    }

    fn resume(&mut self, key: &str) -> ScheduleAnswer {
        let Some(row) = self.rows.get_mut(key) else { return ScheduleAnswer::Unknown };
        if row.paused_at.is_none() {
            return ScheduleAnswer::Unchanged;
        }
        let passed = passed_over(row, self.now);
        self.ticks.extend(passed);
        // What fired once and for ever stays so.
        row.last_tick = row.last_tick.max(self.now);
        row.paused_at = None;
        row.version += 1;
        ScheduleAnswer::Changed
    }

    fn give_times(&mut self, key: &str, times: Option<OverrideTimes>) -> ScheduleAnswer {
        let Some(row) = self.rows.get_mut(key) else { return ScheduleAnswer::Unknown };
        if row.override_times == times {
            return ScheduleAnswer::Unchanged;
        }
        let before = row.clone();
        row.override_times = times;
        if row.times_text() != before.times_text() {
            self.ticks.extend(passed_over(&before, self.now));
            row.last_tick = recounted(row.last_tick, self.now);
        }
        row.version += 1;
        ScheduleAnswer::Changed
    }
}

/// Lets a schedule count from now: an edit is not a misfire. Answers the account of what passed by its old times.
fn recount(row: &mut ScheduleRecord, now: Timestamp) -> Option<TickRecord> {
    let account = passed_over(row, now);
    row.last_tick = recounted(row.last_tick, now);
    account
}

/// The time from which other times count. What fired once and for ever goes on.
fn recounted(last: Timestamp, now: Timestamp) -> Timestamp {
    if last >= ONCE { now } else { last.max(now) }
}

/// The account of the ticks that passed up to now, and get no job.
fn passed_over(row: &ScheduleRecord, now: Timestamp) -> Option<TickRecord> {
    let (spec, zone) = row.times_text();
    let NewSchedule { starts_at, ends_at, .. } = row.schedule;
    // No tick before the beginning, none at the end or after it.
    let just_before = |instant: Timestamp| instant.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MIN);
    let after = starts_at.map_or(row.last_tick, |starts| row.last_tick.max(just_before(starts)));
    let until = ends_at.map_or(now, |ends| now.min(just_before(ends)));
    let (instant, missed) = passed(&Times::parse(spec, zone).ok()?, after, until)?;
    let skip = if row.is_active() { Skip::Edited } else { Skip::Paused };
    let account = TickRecord::new(&*row.schedule.key, instant, row.last_tick, now, TickOutcome::Skipped(skip));
    Some(TickRecord { missed, ..account })
}
