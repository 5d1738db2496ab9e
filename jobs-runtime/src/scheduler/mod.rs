//! The scheduler: fires the ticks of the stored schedules. There is no leader; whoever is first wins the compare and swap.
//!
//! Everyone fires what the stored row says, not what his own build was written with: the newest start decides. A process fires the
//! schedules that its own code has, and those that the store alone has where it knows the kind.

pub(crate) mod declare;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jobs_core::job::TickId;
use jobs_core::schedule::{Due, DueTick, Fate, Frame, Misfire, ONCE, Times, delay};
use jobs_core::store::{
    AHEAD, Changes, Deal, Fire, Fired, NewSchedule, Occasion, ScheduleAnswer, ScheduleChange, ScheduleFilter, ScheduleRecord,
    Skip,
};
use jobs_core::{JobId, NewJob, StoreError, When};
use tokio::sync::{Notify, watch};

use crate::env::first;
use crate::telemetry;
use crate::testing::guards::Guard;
use crate::worker::Shared;
use crate::worker::lease::Lease;
use crate::worker::supervisor::Part;

/// How often the schedules are read again though nobody said that they changed.
const SAFETY_NET: Duration = Duration::from_secs(60);

/// For how long schedules must be far ahead of the store's clock before they count from now: perhaps it is the clock that is wrong, as that of
/// a machine that has just been switched on, and is soon put right.
const DOUBT: Duration = Duration::from_secs(600);

/// The longest sleep, since the wall clock may be set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// How often a tick that waits for the last run looks for its end, though nobody said that it ended.
const QUEUE: Duration = Duration::from_secs(5);

/// The shortest time between two looks at what waits for runs that end, and between two reads of all schedules.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);
const BETWEEN_READS: Duration = Duration::from_secs(1);

/// How many ticks are fired in one transaction, for which everybody else waits.
pub(crate) const BITE: usize = 100;

/// Tells the scheduler that runs have ended, while a tick waits for that.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    awaited: AtomicBool,
    over: Notify,
}

impl Runs {
    /// Runs are over, in the store.
    pub(crate) fn over(&self) {
        if self.awaited.load(Ordering::Relaxed) {
            self.over.notify_one();
        }
    }
}

/// Fires ticks.
pub(crate) struct Scheduler {
    shared: Arc<Shared>,
    lease: Arc<Lease>,
    changes: watch::Receiver<Changes>,
    commands: Option<u64>,
    read_at: Duration,
    /// By how much the store's clock is ahead of this process's.
    ahead: SignedDuration,
    rows: BTreeMap<String, Row>,
    /// When the ticks that wait for the last run are looked at again; `None` while none waits.
    look_at: Option<Duration>,
    looked_at: Duration,
    /// Since when schedules are far ahead of the store's clock.
    ahead_since: Option<Duration>,
    /// When it last put in order what other builds have left.
    maintained_at: Option<Duration>,
}

/// A schedule that this process fires.
struct Row {
    record: ScheduleRecord,
    /// `None` where its times cannot be read here, which is reported once.
    times: Option<Times>,
    /// Nothing is due before.
    rests_until: Option<Timestamp>,
    /// The store does not take its jobs, which is reported once.
    refused: bool,
}

impl Row {
    fn new(record: ScheduleRecord, before: Option<Self>) -> Self {
        let known = before.filter(|row| row.record.times_text() == record.times_text());
        if let Some(Self { record: old, times, rests_until, refused }) = known
            && old.unreadable == record.unreadable
        {
            let same = old.version == record.version;
            let rests_until = rests_until.filter(|_| same && old.last_tick == record.last_tick);
            return Self { record, times, rests_until, refused: refused && same };
        }
        let (spec, zone) = record.times_text();
        let times = match (&record.unreadable, Times::parse(spec, zone)) {
            (None, Ok(times)) => Some(times),
            (Some(unreadable), _) => {
                telemetry::schedule_unusable(&record.schedule.key, &unreadable.because);
                None
            }
            (None, Err(error)) => {
                telemetry::schedule_unusable(&record.schedule.key, &error.to_string());
                None
            }
        };
        Self { record, times, rests_until: None, refused: false }
    }

    /// Whether this process fires it.
    fn is_active(&self) -> bool {
        (self.record.is_active() || !Guard::PausedSchedules.is_on()) && !self.refused
    }

    /// What of it is due.
    fn due(&mut self, now: Timestamp) -> Vec<DueTick> {
        let Some(times) = self.times.as_ref().filter(|_| self.is_active()) else { return Vec::new() };
        if self.rests_until.is_some_and(|until| now < until) {
            return Vec::new();
        }
        let schedule = &self.record.schedule;
        let misfire = match schedule.misfire {
            _ if !Guard::MisfirePolicy.is_on() => Misfire::ALL,
            _ if !Guard::MissedFire.is_on() => Misfire::Skip,
            misfire => misfire,
        };
        let frame = Frame { times, misfire, starts: schedule.starts_at, ends: schedule.ends_at };
        match frame.due(self.record.last_tick, now) {
            Due::Now(ticks) => {
                self.rests_until = None;
                ticks
            }
            Due::Later(at) => {
                self.rests_until = Some(at);
                Vec::new()
            }
            Due::Never => {
                self.rests_until = Some(Timestamp::MAX);
                Vec::new()
            }
        }
    }

    /// The next one of its ticks, with its job or without.
    fn fire(&self, due: &DueTick, last_tick: Timestamp, id: JobId, now: Timestamp) -> Fire {
        let schedule = &self.record.schedule;
        let instant = if due.tick >= ONCE { now } else { due.tick };
        let deal = match due.fate {
            Fate::Missed => Deal::Skip(Skip::Misfire),
            Fate::Ended => Deal::Skip(Skip::Ended),
            Fate::Fire => {
                let mut job = job_of(&self.record, instant, id);
                if due.tick < ONCE {
                    let late = self.times.as_ref().map(|times| delay(&schedule.key, times, due.tick, schedule.jitter));
                    job.when = When::At(due.tick.saturating_add(late.unwrap_or_default()).unwrap_or(due.tick));
                }
                Deal::Job(Box::new(job))
            }
        };
        Fire {
            key: schedule.key.clone(),
            occasion: Occasion::Time { last_tick, version: self.record.version },
            tick: due.tick,
            missed: due.missed,
            overlap: schedule.overlap,
            deal,
        }
    }

    /// The tick that waits for the last run.
    fn queued(&self, id: JobId, now: Timestamp) -> Option<Fire> {
        let tick = *self.record.queued.first().filter(|_| self.is_active())?;
        let schedule = &self.record.schedule;
        Some(Fire {
            key: schedule.key.clone(),
            occasion: Occasion::Queued { version: self.record.version },
            tick,
            missed: 0,
            overlap: schedule.overlap,
            deal: Deal::Job(Box::new(job_of(&self.record, if tick >= ONCE { now } else { tick }, id))),
        })
    }

    /// Takes note of an answer. `false` if what is known of the row is old.
    fn note(&mut self, fire: &Fire, fired: Fired) -> bool {
        let record = &mut self.record;
        match (&fire.occasion, fired) {
            (_, Fired::Lost) => return false,
            (_, Fired::Early(_)) | (Occasion::Queued { .. }, Fired::Queued) => {}
            (Occasion::Queued { .. }, _) => record.queued.retain(|tick| *tick != fire.tick),
            (_, Fired::Queued) => {
                if fire.overlap == jobs_core::schedule::Overlap::Cancel {
                    record.queued.clear();
                }
                record.queued.push(fire.tick);
                record.last_tick = fire.tick;
            }
            (_, Fired::Job(_) | Fired::Skipped(_)) => record.last_tick = fire.tick,
        }
        self.rests_until = None;
        true
    }
}

/// The job of a tick.
pub(crate) fn job_of(record: &ScheduleRecord, instant: Timestamp, id: JobId) -> NewJob {
    let mut job = record.schedule.job.clone();
    job.id = Some(id);
    job.fresh = true;
    job.tick = Some(TickId { schedule: record.schedule.key.clone(), instant });
    job
}

/// Declares the schedules of this build, which starts. Answers the keys that belong to somebody else, which are reported.
pub(crate) async fn declare(shared: &Shared) -> Result<Vec<String>, StoreError> {
    let answers = put(shared, |schedules, kinds| ScheduleChange::Declare { schedules, kinds }).await?;
    let mut taken = Vec::new();
    for (key, answer) in shared.schedules.keys().zip(answers) {
        if let ScheduleAnswer::Taken(owner) = answer {
            telemetry::schedule_taken(key, &owner);
            taken.push(key.clone());
        }
    }
    Ok(taken)
}

async fn put(
    shared: &Shared,
    change: impl FnOnce(Vec<NewSchedule>, Arc<BTreeSet<String>>) -> ScheduleChange,
) -> Result<Vec<ScheduleAnswer>, StoreError> {
    let own = |schedule: &NewSchedule| {
        let mut schedule = schedule.clone();
        schedule.build = Some(shared.options.build.clone());
        schedule
    };
    let change = change(shared.schedules.values().map(own).collect(), Arc::clone(&shared.kinds));
    shared.within_patience(shared.store.change_schedules(shared.env.now(), change)).await
}

/// By how much the store's clock is ahead of this process's, as far as can be known: what lies between the question and the answer is no
/// difference of the clocks.
fn ahead(asked: Timestamp, by_the_store: Timestamp, answered: Timestamp) -> SignedDuration {
    if by_the_store < asked {
        by_the_store.duration_since(asked)
    } else if by_the_store > answered {
        by_the_store.duration_since(answered)
    } else {
        SignedDuration::ZERO
    }
}

/// An instant beside a schedule's times, as exact as stores keep it.
pub(crate) fn beside(now: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

impl Scheduler {
    pub(crate) fn new(shared: &Arc<Shared>, lease: &Arc<Lease>) -> Self {
        Self {
            shared: Arc::clone(shared),
            lease: Arc::clone(lease),
            changes: shared.store.signal().listen(),
            commands: None,
            read_at: Duration::ZERO,
            ahead: SignedDuration::ZERO,
            rows: BTreeMap::new(),
            look_at: None,
            looked_at: Duration::ZERO,
            ahead_since: None,
            maintained_at: None,
        }
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        let commands = self.changes.borrow_and_update().commands;
        let asked = self.shared.env.now();
        let found = self.shared.within_patience(self.shared.store.schedules(asked, ScheduleFilter::default())).await?;
        let answered = self.shared.env.now();
        self.ahead = ahead(asked.wall, found.now, answered.wall);
        let mut before = std::mem::take(&mut self.rows);
        // What other builds have left, or may have left.
        let mut has_others = false;
        let mut missing = self.shared.schedules.len();
        let mut far_ahead = Vec::new();
        for record in found.schedules {
            let schedule = &record.schedule;
            let is_known = self.shared.kinds.contains(&*schedule.job.kind);
            let is_in_code = self.shared.schedules.contains_key(&schedule.key);
            if is_in_code && record.retired_at.is_none() {
                missing -= 1;
                has_others |= schedule.build.as_ref().is_some_and(|build| *build != self.shared.options.build);
            }
            if is_known && (schedule.build.is_none() || is_in_code) {
                if record.last_tick < ONCE && record.last_tick.duration_since(found.now) > AHEAD {
                    far_ahead.push(schedule.key.clone());
                }
                let key = schedule.key.clone();
                let known = before.remove(&key);
                self.rows.insert(key, Row::new(record, known));
            } else {
                has_others |= is_known && record.retired_at.is_none();
            }
        }
        self.commands = Some(commands);
        self.read_at = answered.steady;
        self.look_at = self.waits().then_some(self.next_look(answered.steady));
        let ahead_since = (!far_ahead.is_empty()).then(|| self.ahead_since.unwrap_or(answered.steady));
        self.ahead_since = ahead_since;
        if ahead_since.is_some_and(|since| answered.steady.saturating_sub(since) >= DOUBT) {
            let recount = ScheduleChange::Recount { keys: far_ahead };
            self.shared.within_patience(self.shared.store.change_schedules(answered, recount)).await?;
        }
        // Where some are missing, others took this process for gone, or somebody has put back an older state.
        let rested = self.maintained_at.is_none_or(|at| answered.steady.saturating_sub(at) >= SAFETY_NET);
        if missing > 0 || (has_others && rested) {
            self.maintained_at = Some(answered.steady);
            let up_for = self.shared.up_for();
            put(&self.shared, |schedules, kinds| ScheduleChange::Maintain { schedules, kinds, up_for }).await?;
        }
        Ok(())
    }

    /// Whether a tick waits for the last run.
    fn waits(&self) -> bool {
        let waits = self.rows.values().any(|row| row.is_active() && !row.record.queued.is_empty());
        let waits = waits && Guard::QueuedLook.is_on();
        self.shared.runs.awaited.store(waits, Ordering::Relaxed);
        waits
    }

    /// The ticks that are due.
    fn due(&mut self, now: Timestamp) -> Vec<Fire> {
        let mut fires = Vec::new();
        for row in self.rows.values_mut() {
            let mut last = row.record.last_tick;
            for due in row.due(now) {
                fires.push(row.fire(&due, last, self.shared.env.job_id(), now));
                last = due.tick;
            }
        }
        fires
    }

    /// Fires ticks, a bite at a time. What a store refuses is tried apart, so that one bad schedule holds up no other.
    async fn fire_all(&mut self, fires: Vec<Fire>) -> Result<(), StoreError> {
        for bite in fires.chunks(BITE) {
            match self.fire(bite).await {
                Err(StoreError::Refused { .. }) => {
                    for fire in bite {
                        match self.fire(std::slice::from_ref(fire)).await {
                            Err(StoreError::Refused { message, .. }) => self.refuse(&fire.key, &message),
                            answer => answer?,
                        }
                    }
                }
                answer => answer?,
            }
        }
        if self.waits() {
            let soon = self.shared.env.now().steady + QUEUE;
            self.look_at = Some(self.look_at.map_or(soon, |at| at.min(soon)));
        } else {
            self.look_at = None;
        }
        Ok(())
    }

    fn refuse(&mut self, key: &str, message: &str) {
        if let Some(row) = self.rows.get_mut(key).filter(|row| !row.refused) {
            row.refused = true;
            telemetry::schedule_unusable(key, message);
        }
    }

    async fn fire(&mut self, fires: &[Fire]) -> Result<(), StoreError> {
        let now = self.shared.env.now();
        let answers = self.shared.within_patience(self.shared.store.fire(now, fires.to_vec())).await?;
        let mut lost = false;
        for (fire, answer) in fires.iter().zip(&answers) {
            if let Fired::Early(by_the_store) = answer {
                self.ahead = ahead(now.wall, *by_the_store, self.shared.env.now().wall);
            } else {
                telemetry::tick(&fire.key, fire.tick, fire.missed, *answer);
            }
            let known = self.rows.get_mut(&fire.key);
            lost |= known.is_some_and(|row| !row.note(fire, *answer));
        }
        self.shared.board.ticks(answers.iter().filter(|answer| matches!(answer, Fired::Job(_))).count());
        if lost {
            // Somebody was first, or the row has changed: what is known of it is old.
            self.commands = None;
        }
        Ok(())
    }

    /// When what waits may be looked at again, at the earliest now.
    fn next_look(&self, now: Duration) -> Duration {
        now.max(self.looked_at + BETWEEN_LOOKS)
    }

    /// Fires the ticks that waited for a run that is over.
    async fn fire_queued(&mut self) -> Result<(), StoreError> {
        let env = self.shared.env.clone();
        let now = env.now();
        self.looked_at = now.steady;
        self.look_at = Some(now.steady + QUEUE);
        let fires = self.rows.values().filter_map(|row| row.queued(env.job_id(), now.wall)).collect();
        self.fire_all(fires).await
    }
}

impl Part for Scheduler {
    async fn run_once(&mut self) -> Result<(), StoreError> {
        // A process that has lost its lease has lost touch: others fire.
        self.lease.wait_until_held().await;
        let env = self.shared.env.clone();
        let now = env.now();
        let commands = self.changes.borrow_and_update().commands;
        let since_read = now.steady.saturating_sub(self.read_at);
        let is_old = self.commands.is_some_and(|known| known != commands);
        if self.commands.is_none() || since_read >= SAFETY_NET || (is_old && since_read >= BETWEEN_READS) {
            // The step ends here: what follows may wait for long, and health shall not say all the while that the read has failed.
            return self.read().await;
        }
        let by_the_store = now.wall.saturating_add(self.ahead).unwrap_or(now.wall);
        let fires = self.due(by_the_store);
        if !fires.is_empty() {
            return self.fire_all(fires).await;
        }
        if self.look_at.is_some_and(|at| at <= now.steady) {
            return self.fire_queued().await;
        }
        let next = self.rows.values().filter(|row| row.is_active()).filter_map(|row| row.rests_until).min();
        let until = next.map(|next| Duration::try_from(next.duration_since(by_the_store)).unwrap_or(Duration::ZERO));
        let queue = self.look_at.map(|at| at.saturating_sub(now.steady));
        let news = is_old.then(|| BETWEEN_READS.saturating_sub(since_read));
        let waits = [until, queue, news];
        let pause = waits.into_iter().flatten().min().unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP);
        let shared = Arc::clone(&self.shared);
        first! {
            // What has changed is looked at when the next step begins.
            _ = self.changes.changed() => {}
            () = shared.runs.over.notified() => {
                let soon = self.next_look(env.now().steady);
                self.look_at = self.look_at.map(|at| at.min(soon));
            }
            () = env.sleep(pause) => {}
        }
        Ok(())
    }
}
