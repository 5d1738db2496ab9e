//! What the referee knows of schedules, and the rules of their changes and their ticks. It knows the rows and the accounts as the store
//! answered last, finds the ticks of a schedule one by one, and so what a change or a tick must have made of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jobs_core::JobId;
use jobs_core::schedule::{GRACE, Misfire, Overlap, Schedule, Times};
use jobs_core::store::{
    Deal, Fire, Fired, KnownWorkers, NewSchedule, Occasion, RETIRED_FOR, ScheduleChange, ScheduleRecord, Skip, TickOutcome,
    TickRecord,
};

/// By how much the ticks of a schedule are behind at most where a healthy process fires them.
const BEHIND: Duration = Duration::from_secs(15);

/// How long it takes a healthy process at most to find out that a schedule has changed, or that a run is over, if it hears nothing.
const FOUND_OUT: Duration = Duration::from_secs(80);

type Broken = Option<&'static str>;

/// All that the store has told.
#[derive(Clone, Default)]
pub(super) struct Schedules {
    rows: BTreeMap<String, ScheduleRecord>,
    accounts: BTreeMap<(String, Timestamp), TickRecord>,
    /// The ticks that got a job.
    fired: BTreeSet<(String, Timestamp)>,
    /// When each row was last changed.
    changed: BTreeMap<String, Duration>,
    /// Since when no job of a schedule lives.
    idle: BTreeMap<String, Duration>,
}

/// A job of a schedule that has not ended.
#[derive(Clone, Copy)]
pub(super) struct Living {
    pub(super) id: JobId,
    pub(super) runs: bool,
}

/// A tick that was dealt with, and what came of it.
pub(super) struct Shot<'a> {
    pub(super) fire: &'a Fire,
    pub(super) fired: Fired,
    /// By the store's clock.
    pub(super) now: Timestamp,
    /// What the policy makes of what was due, where that is known: this tick, and whether it gets a job.
    pub(super) planned: Option<Planned>,
    /// The jobs of the schedule that lived before.
    pub(super) before: &'a [Living],
    /// Those of them that neither have ended nor were asked to stop.
    pub(super) unasked: usize,
    pub(super) row: Option<ScheduleRecord>,
    pub(super) accounts: Vec<TickRecord>,
}

/// What a process must have made of a schedule that was due.
pub(super) type Planned = Option<(Timestamp, Plan)>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    Job,
    Missed,
    Ended,
}

fn just_before(instant: Timestamp) -> Timestamp {
    instant.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MIN)
}

fn times_of(row: &ScheduleRecord) -> Option<Schedule> {
    let (spec, zone) = row.times_text();
    match Times::parse(spec, zone).ok()? {
        Times::At(schedule) => Some(schedule),
        _ => None,
    }
}

/// The ticks of a row after its last one, up to this instant, one by one.
fn ticks_until(row: &ScheduleRecord, until: Timestamp) -> Vec<Timestamp> {
    let Some(times) = times_of(row) else { return Vec::new() };
    let NewSchedule { starts_at, ends_at, .. } = row.schedule;
    let after = starts_at.map_or(row.last_tick, |starts| row.last_tick.max(just_before(starts)));
    let until = ends_at.map_or(until, |ends| until.min(just_before(ends)));
    std::iter::successors(times.next_after(after), |tick| times.next_after(*tick)).take_while(|tick| *tick <= until).collect()
}

/// What the policy makes of what is due at `now`.
pub(super) fn planned(row: &ScheduleRecord, now: Timestamp) -> Vec<(Timestamp, Plan)> {
    let ticks = ticks_until(row, now);
    let Some(latest) = ticks.last().copied() else {
        // What comes at the end or after it is passed over.
        let ends = row.schedule.ends_at.filter(|ends| *ends <= now && row.last_tick < *ends);
        let after = ends.and_then(|_| times_of(row)?.next_after(row.last_tick)).filter(|tick| *tick <= now);
        return after.map(|tick| (tick, Plan::Ended)).into_iter().collect();
    };
    let age = |tick: Timestamp| now.duration_since(tick);
    let in_time = age(latest) <= SignedDuration::try_from(GRACE).unwrap_or(SignedDuration::MAX);
    let jobs: Vec<Timestamp> = match row.schedule.misfire {
        Misfire::Once => return vec![(latest, Plan::Job)],
        Misfire::Skip => in_time.then_some(latest).into_iter().collect(),
        Misfire::All { limit, within } => {
            let within = SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX);
            let wanted = ticks.iter().copied().filter(|tick| age(*tick) <= within || (in_time && *tick == latest));
            let wanted: Vec<Timestamp> = wanted.collect();
            wanted[wanted.len().saturating_sub(limit as usize)..].to_vec()
        }
    };
    let missed = ticks.iter().copied().rfind(|tick| jobs.first().is_none_or(|first| tick < first));
    missed.map(|tick| (tick, Plan::Missed)).into_iter().chain(jobs.into_iter().map(|tick| (tick, Plan::Job))).collect()
}

impl Schedules {
    pub(super) fn row(&self, key: &str) -> Option<&ScheduleRecord> {
        self.rows.get(key)
    }

    /// Takes note of the accounts of a schedule. Answers those that are new or have changed, each with what it was before.
    fn news(&mut self, accounts: Vec<TickRecord>) -> Vec<(Option<TickRecord>, TickRecord)> {
        let mut news = Vec::new();
        for account in accounts {
            let at = (account.schedule.clone(), account.instant);
            if self.accounts.get(&at) != Some(&account) {
                news.push((self.accounts.insert(at, account.clone()), account));
            }
        }
        news
    }

    /// The rule that a tick has broken.
    pub(super) fn fired(&mut self, at: Duration, shot: &Shot<'_>) -> Broken {
        let Shot { fire, fired, now, row, .. } = shot;
        let before = self.rows.get(&fire.key).cloned();
        let known = self.accounts.get(&(fire.key.clone(), fire.tick)).map(|account| account.outcome);
        if before != *row {
            self.changed.insert(fire.key.clone(), at);
        }
        match row {
            Some(row) => drop(self.rows.insert(fire.key.clone(), row.clone())),
            None => drop(self.rows.remove(&fire.key)),
        }
        let news = self.news(shot.accounts.clone());
        let is_job = matches!(fired, Fired::Job(_));
        if is_job && !self.fired.insert((fire.key.clone(), fire.tick)) {
            return Some("a tick has one job");
        }
        let (Some(before), Some(row)) = (before, row) else {
            return (*fired != Fired::Lost || !news.is_empty()).then_some("a schedule that is gone does not tick");
        };
        let mut expected = before.clone();
        match (fired, &fire.occasion) {
            (Fired::Early(_), _) if fire.tick <= *now => return Some("a tick whose time has come is not refused as early"),
            // What ran beside the times at this very instant stands for it.
            (Fired::Lost, Occasion::Time { .. }) if known.is_some() && row.last_tick == fire.tick => {
                expected.last_tick = fire.tick;
            }
            (Fired::Lost | Fired::Early(_), _) | (Fired::Queued, Occasion::Queued { .. }) => {}
            (_, Occasion::Time { last_tick, version }) => {
                if let Some(rule) = time_is_right(shot, &before, (*last_tick, *version)) {
                    return Some(rule);
                }
                expected.last_tick = fire.tick;
                if let Some(rule) = meets_others(shot, &before, &mut expected) {
                    return Some(rule);
                }
            }
            (_, Occasion::Queued { version }) => {
                if *version != before.version || !before.is_active() {
                    return Some("a tick that waits is fired by one who knows the row, and not while it is paused");
                }
                if before.queued.first() != Some(&fire.tick) {
                    return Some("ticks that wait get their jobs in order");
                }
                if !shot.before.is_empty() {
                    return Some("a tick that waits gets its job when no job of its schedule lives");
                }
                expected.queued.remove(0);
            }
            (_, Occasion::Start { .. } | Occasion::Request) => expected.started.clone_from(&row.started),
        }
        if *row != expected {
            return Some(if row.queued == expected.queued {
                "the last tick only grows, and is the last that was dealt with"
            } else {
                "ticks that wait stay in order until they get their jobs, and none is lost"
            });
        }
        accounted(shot, &before, known, &news)
    }

    /// The rule that a change has broken. `held` is what the workers with a lease have.
    pub(super) fn changed(
        &mut self,
        at: Duration,
        (change, now): (&ScheduleChange, Timestamp),
        rows: Vec<ScheduleRecord>,
        accounts: Vec<TickRecord>,
        held: &KnownWorkers,
    ) -> Option<(&'static str, String)> {
        let rows: BTreeMap<String, ScheduleRecord> = rows.into_iter().map(|row| (row.schedule.key.clone(), row)).collect();
        let before = std::mem::replace(&mut self.rows, rows.clone());
        let mut news: BTreeMap<String, Vec<(Option<TickRecord>, TickRecord)>> = BTreeMap::new();
        for new in self.news(accounts) {
            news.entry(new.1.schedule.clone()).or_default().push(new);
        }
        let keys: BTreeSet<&String> = before.keys().chain(rows.keys()).chain(news.keys()).collect();
        for key in keys {
            let (old, new) = (before.get(key), rows.get(key));
            let news = news.get(key).map(Vec::as_slice).unwrap_or_default();
            if old != new {
                self.changed.insert(key.clone(), at);
                // What is resumed waits from now on, and who hears nothing finds that out later.
                self.idle.remove(key);
                // Another one of the same key has ticks of its own.
                if old.is_none() || new.is_none() {
                    self.fired.retain(|(of, _)| of != key);
                }
            }
            let rule = match (old, new) {
                (None, None) => None,
                (None, Some(new)) => created(change, now, new, news),
                (Some(old), None) => removed((change, now), old, news, held),
                (Some(old), Some(new)) if old == new => {
                    (!news.is_empty()).then_some("nothing is accounted for where nothing has changed")
                }
                (Some(old), Some(new)) if old.retired_at != new.retired_at && new.retired_at.is_some() => {
                    retired(change, now, (old, new), news, held)
                }
                (Some(old), Some(_)) if takes_over(change, now, old, held) => {
                    Some("a build that runs takes nothing from one that started later")
                }
                (Some(old), Some(new)) => {
                    let known = |instant| self.accounts.contains_key(&(key.clone(), instant));
                    edited(change, now, (old, new), known, news)
                }
            };
            if let Some(rule) = rule {
                return Some((rule, format!("{key}: {old:?} -> {new:?}, {news:?}")));
            }
        }
        None
    }

    /// The schedules of which jobs live.
    pub(super) fn look(&mut self, at: Duration, live: &BTreeSet<String>) {
        self.idle.retain(|key, _| !live.contains(key));
        for key in self.rows.keys().filter(|key| !live.contains(*key)) {
            self.idle.entry(key.clone()).or_insert(at);
        }
    }

    /// The rule that is broken by what has not come to pass, although somebody who is healthy fires these schedules.
    pub(super) fn behind(
        &self,
        at: Duration,
        now: Timestamp,
        served: impl Fn(&ScheduleRecord) -> bool,
    ) -> Option<(&'static str, String)> {
        let is_long_ago = |since: &Duration| at.saturating_sub(*since) > FOUND_OUT;
        let until = now.saturating_sub(SignedDuration::try_from(BEHIND).ok()?).ok()?;
        self.rows.values().filter(|row| row.is_active() && served(row)).find_map(|row| {
            let key = &row.schedule.key;
            if !ticks_until(row, until).is_empty() && self.changed.get(key).is_none_or(is_long_ago) {
                return Some(("every tick is dealt with soon", format!("{key} is at {}", row.last_tick)));
            }
            let is_idle = self.idle.get(key).is_some_and(is_long_ago);
            (is_idle && !row.queued.is_empty()).then(|| ("nothing waits for a run that has ended", key.clone()))
        })
    }
}

/// The rule of its time that a tick breaks.
fn time_is_right(shot: &Shot<'_>, before: &ScheduleRecord, (last, version): (Timestamp, i64)) -> Broken {
    let fire = shot.fire;
    if !before.is_active() {
        return Some("a schedule that is paused or not enabled does not tick");
    }
    if last != before.last_tick || version != before.version || fire.tick <= last {
        return Some("a tick is fired by one who knows the row");
    }
    if fire.tick > shot.now {
        return Some("nothing is fired before its time by the store's clock");
    }
    let plan = match &fire.deal {
        Deal::Job(_) => Plan::Job,
        Deal::Skip(Skip::Ended) => Plan::Ended,
        Deal::Skip(_) => Plan::Missed,
    };
    let passed = ticks_until(before, fire.tick);
    let is_last = passed.last() == Some(&fire.tick) && passed.len() == fire.missed as usize + 1;
    if plan != Plan::Ended && !is_last {
        return Some("every tick is fired or counted as missed");
    }
    if shot.planned.is_some_and(|planned| planned != Some((fire.tick, plan))) {
        return Some("of what was missed that is fired which the policy names");
    }
    None
}

/// The rule of overlaps that a tick breaks.
fn meets_others(shot: &Shot<'_>, before: &ScheduleRecord, expected: &mut ScheduleRecord) -> Broken {
    let fire = shot.fire;
    let overlap = before.schedule.overlap;
    if fire.overlap != overlap {
        return Some("a tick meets others as its row says");
    }
    let is_busy = !shot.before.is_empty() || !before.queued.is_empty();
    let is_job = matches!(shot.fired, Fired::Job(_));
    let is_right = match (&fire.deal, overlap) {
        (Deal::Skip(reason), _) => shot.fired == Fired::Skipped(*reason),
        (Deal::Job(_), Overlap::Allow) => is_job,
        (Deal::Job(_), _) if !is_busy => is_job,
        (Deal::Job(_), Overlap::Skip) => shot.fired == Fired::Skipped(Skip::Overlap),
        (Deal::Job(_), Overlap::Queue) if before.queued.len() >= Overlap::MOST_QUEUED => {
            shot.fired == Fired::Skipped(Skip::Overlap)
        }
        (Deal::Job(_), Overlap::Queue) => shot.fired == Fired::Queued,
        (Deal::Job(_), Overlap::Cancel) => {
            if shot.unasked > 0 {
                return Some("a tick that cancels asks the runs before it to stop");
            }
            expected.queued.clear();
            let runs = shot.before.iter().any(|living| living.runs);
            if runs { shot.fired == Fired::Queued } else { is_job }
        }
    };
    if shot.fired == Fired::Queued {
        expected.queued.push(fire.tick);
    }
    (!is_right).then_some("a tick that comes while a job of its schedule lives meets what its policy says")
}

/// The rule of accounts that a tick breaks.
fn accounted(
    shot: &Shot<'_>,
    before: &ScheduleRecord,
    known: Option<TickOutcome>,
    news: &[(Option<TickRecord>, TickRecord)],
) -> Broken {
    let fire = shot.fire;
    let outcome = match shot.fired {
        Fired::Job(_) => TickOutcome::Fired,
        Fired::Queued if !matches!(fire.occasion, Occasion::Queued { .. }) => TickOutcome::Queued,
        Fired::Skipped(skip) => TickOutcome::Skipped(skip),
        _ => return (!news.is_empty()).then_some("nothing is accounted for where nothing was dealt with"),
    };
    let is_planned = matches!(fire.occasion, Occasion::Time { .. });
    let own = |(old, new): &(Option<TickRecord>, TickRecord)| {
        let (since, missed) = match (old, is_planned) {
            (Some(old), _) if old.outcome == TickOutcome::Queued => (old.since, old.missed),
            (_, true) => (before.last_tick, fire.missed),
            (_, false) => (fire.tick, 0),
        };
        let job = if let Fired::Job(id) = shot.fired { Some(id) } else { None };
        new.outcome == outcome && new.since == since && new.missed == missed && new.job == job && new.dealt_at == shot.now
    };
    let replaced = |(_, new): &(Option<TickRecord>, TickRecord)| {
        before.queued.contains(&new.instant) && new.outcome == TickOutcome::Skipped(Skip::Replaced)
    };
    let takes_over = fire.overlap == Overlap::Cancel && is_planned && matches!(fire.deal, Deal::Job(_));
    let others = if takes_over { before.queued.len() } else { 0 };
    // What an earlier schedule of this key skipped, by a clock that was ahead, is not skipped once more.
    let is_told = matches!((known, outcome), (Some(TickOutcome::Skipped(_)), TickOutcome::Skipped(_)));
    let is_right = news.len() == usize::from(!is_told) + others
        && news.iter().all(|new| if new.1.instant == fire.tick { own(new) } else { replaced(new) });
    (!is_right).then_some("every tick is accounted for once, and as what became of it")
}

fn created(change: &ScheduleChange, now: Timestamp, row: &ScheduleRecord, news: &[(Option<TickRecord>, TickRecord)]) -> Broken {
    let asked = match change {
        ScheduleChange::Declare { schedules, .. }
        | ScheduleChange::Maintain { schedules, .. }
        | ScheduleChange::Save { schedules }
        | ScheduleChange::ReplaceGroup { schedules, .. } => schedules.iter().any(|schedule| schedule.key == row.schedule.key),
        _ => false,
    };
    let fresh = *row == ScheduleRecord::new(row.schedule.clone(), now);
    (!asked || !fresh || !news.is_empty())
        .then_some("a schedule that is new begins when it was asked for, with nothing behind it")
}

/// Whether a change says that a schedule of code is in that of its build no more.
fn is_gone_from(change: &ScheduleChange, row: &ScheduleRecord) -> bool {
    let NewSchedule { key, build, job, .. } = &row.schedule;
    let is_of = |kinds: &BTreeSet<String>| build.is_some() && kinds.contains(&*job.kind);
    match change {
        ScheduleChange::Declare { schedules, kinds } | ScheduleChange::Maintain { schedules, kinds, .. } => {
            is_of(kinds) && schedules.iter().all(|schedule| schedule.key != *key)
        }
        _ => false,
    }
}

fn retired(
    change: &ScheduleChange,
    now: Timestamp,
    (old, new): (&ScheduleRecord, &ScheduleRecord),
    news: &[(Option<TickRecord>, TickRecord)],
    held: &KnownWorkers,
) -> Broken {
    if held.have(&old.schedule.key) {
        return Some("a schedule is retired only when no known worker has it");
    }
    let mut expected = old.clone();
    (expected.retired_at, expected.version) = (Some(now), old.version + 1);
    (!is_gone_from(change, old) || *new != expected || !news.is_empty())
        .then_some("a schedule that is gone from code is retired, and stays as it was")
}

fn removed(
    (change, now): (&ScheduleChange, Timestamp),
    row: &ScheduleRecord,
    news: &[(Option<TickRecord>, TickRecord)],
    held: &KnownWorkers,
) -> Broken {
    let NewSchedule { key, build, group, .. } = &row.schedule;
    let may_go = match change {
        ScheduleChange::Declare { .. } | ScheduleChange::Maintain { .. } => {
            let over = |since: Timestamp| since.saturating_add(RETIRED_FOR).is_ok_and(|until| until <= now);
            is_gone_from(change, row) && row.retired_at.is_some_and(over)
        }
        ScheduleChange::Remove { keys } => build.is_none() && keys.contains(key),
        ScheduleChange::ReplaceGroup { group: of, schedules } => {
            build.is_none() && group.as_ref() == Some(of) && schedules.iter().all(|schedule| schedule.key != *key)
        }
        _ => false,
    };
    if !may_go {
        return Some("a schedule is removed by who may do so");
    }
    if build.is_some() && held.have(key) {
        return Some("a schedule is retired only when no known worker has it");
    }
    let is_removed = |(_, new): &(Option<TickRecord>, TickRecord)| {
        row.queued.contains(&new.instant) && new.outcome == TickOutcome::Skipped(Skip::Removed)
    };
    (news.len() != row.queued.len() || !news.iter().all(is_removed))
        .then_some("what waits when its schedule is removed is accounted for")
}

/// Whether a change takes what a build has declared that runs and started later.
fn takes_over(change: &ScheduleChange, now: Timestamp, old: &ScheduleRecord, held: &KnownWorkers) -> bool {
    let ScheduleChange::Maintain { up_for, .. } = change else { return false };
    let start = old.schedule.build.as_ref().and_then(|build| held.start_of(&old.schedule.key, build));
    old.retired_at.is_none() && start.is_some_and(|start| start + *up_for > now)
}

fn edited(
    change: &ScheduleChange,
    now: Timestamp,
    (old, new): (&ScheduleRecord, &ScheduleRecord),
    known: impl Fn(Timestamp) -> bool,
    news: &[(Option<TickRecord>, TickRecord)],
) -> Broken {
    let resumed = old.paused_at.is_some() && new.paused_at.is_none();
    let is_asked = match change {
        ScheduleChange::Pause { .. } => new.paused_at == Some(now) && old.paused_at.is_none(),
        ScheduleChange::Resume { .. } => resumed,
        ScheduleChange::Override { times, .. } => new.override_times == *times,
        ScheduleChange::Declare { .. } | ScheduleChange::Maintain { .. } => {
            old.schedule.build.is_some() && new.schedule.build.is_some()
        }
        ScheduleChange::Save { .. } | ScheduleChange::ReplaceGroup { .. } => new.schedule.build.is_none(),
        _ => false,
    };
    let limits = |row: &ScheduleRecord| (row.schedule.starts_at, row.schedule.ends_at);
    let is_back = matches!(change, ScheduleChange::Declare { .. } | ScheduleChange::Maintain { .. }) && new.retired_at.is_none();
    if !is_asked || new.version != old.version + 1 || (old.retired_at != new.retired_at && !is_back) {
        return Some("a row changes as it was asked to, and its version grows");
    }
    let restarts = resumed
        || old.times_text() != new.times_text()
        || limits(old) != limits(new)
        || (!old.schedule.enabled && new.schedule.enabled);
    let last = if restarts { old.last_tick.max(now) } else { old.last_tick };
    if new.last_tick != last {
        return Some("other times count from now, and the last tick only grows");
    }
    if new.queued != old.queued {
        return Some("what waits outlives a change of its schedule");
    }
    let passed = if restarts { ticks_until(old, now) } else { Vec::new() };
    let why = if old.is_active() { Skip::Edited } else { Skip::Paused };
    let fine = match (passed.last(), news) {
        (None, []) => true,
        (Some(instant), []) => known(*instant),
        // Of an earlier schedule of this key, by a clock that was ahead.
        (Some(instant), [(Some(before), _)]) => before.instant == *instant,
        (Some(instant), [(None, account)]) => {
            account.instant == *instant
                && account.since == old.last_tick
                && account.outcome == TickOutcome::Skipped(why)
                && account.missed as usize + 1 == passed.len()
        }
        _ => false,
    };
    (!fine).then_some("what passed before an edit or a resume is accounted for, as such")
}
