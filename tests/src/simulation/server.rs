//! The store as a server of its own: each call takes effect at one instant, is written into the history, and is judged.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jobs_core::schedule::Overlap;
use jobs_core::store::contract::completions_from_text;
use jobs_core::store::{
    Beat, CancelAnswer, Claim, ClaimRequest, Completion, CompletionAnswer, Enqueued, Fire, Fired, Held, JobStore, ManageStore,
    NewWorker, Now, Occasion, PausedQueue, Rescue, Retention, ScheduleAnswer, ScheduleChange, ScheduleFilter, ScheduleList,
    ScheduleStore, Signal, StoreFuture, StoreInfo, TickFilter, TickRecord,
};
use jobs_core::{JobId, JobRecord, NewJob, StoreError, WorkerId};
use jobs_runtime::env::Clock;
use jobs_runtime::store::memory::{MemoryStore, Snapshot};

use super::life::Life;
use super::referee::Referee;
use super::rules::{Cause, Round};
use super::schedules::{Living, Shot};
use super::unit::{Commits, Effects};
use super::wire::Fates;

/// The store, its history, and its referee.
pub(super) struct Server {
    store: MemoryStore,
    /// Tells the time, where the store does so itself.
    clock: Option<Life>,
    origin: Life,
    book: Mutex<Book>,
    counts: Mutex<Counts>,
    /// How often the store was put back to a copy.
    restored: AtomicU64,
}

/// A copy of the store, and what the referee knew when it was made.
pub(super) struct Copy {
    made: Duration,
    store: Snapshot,
    effects: Effects,
    referee: Referee,
}

/// What happened, and what to think of it.
pub(super) struct Book {
    pub(super) lines: Vec<String>,
    pub(super) referee: Referee,
    /// What jobs have written by transactions of their own.
    pub(super) effects: Effects,
}

/// How often things happened.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) fates: Fates,
    pub(super) troubles: BTreeMap<&'static str, u64>,
    pub(super) commits: Commits,
}

impl Book {
    /// Every job that was completed by a transaction has what it wrote there, once, and no other has.
    pub(super) fn look_at_effects(&mut self) {
        let Self { referee, effects, .. } = self;
        referee.look_at_effects(effects);
    }
}

impl Server {
    /// A server whose clock is that of `origin`, and which goes by it itself if `own_clock`.
    pub(super) fn new(origin: &Life, own_clock: bool) -> Self {
        Self {
            store: MemoryStore::new(),
            clock: own_clock.then(|| origin.clone()),
            origin: origin.clone(),
            book: Mutex::new(Book { lines: Vec::new(), referee: Referee::default(), effects: Effects::default() }),
            counts: Mutex::default(),
            restored: AtomicU64::new(0),
        }
    }

    /// The history and the referee.
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of all there is.
    pub(super) fn copy(&self) -> Copy {
        self.note("", "a copy of the store is made");
        let (made, store, book) = (self.time(), self.store.snapshot(), self.book());
        Copy { made, store, effects: book.effects.clone(), referee: book.referee.clone() }
    }

    /// Puts a copy back. What is under way comes to nothing.
    pub(super) fn put_back(&self, copy: &Copy) {
        self.note("", format_args!("the store is put back to the copy of {} ms", copy.made.as_millis()));
        self.restored.fetch_add(1, Ordering::Relaxed);
        self.store.restore(&copy.store);
        let mut book = self.book();
        book.effects.clone_from(&copy.effects);
        book.referee.put_back(&copy.referee);
    }

    /// How often the store was put back to a copy.
    pub(super) fn restored(&self) -> u64 {
        self.restored.load(Ordering::Relaxed)
    }

    /// Writes a line into the history.
    pub(super) fn note(&self, who: &str, what: impl std::fmt::Display) {
        let at = self.time();
        let mut line = String::with_capacity(96);
        let _ = write!(line, "{:>8}.{:03}  {who:<11} {what}", at.as_secs(), at.subsec_millis());
        self.book().lines.push(line);
    }

    /// The time since the beginning.
    pub(super) fn time(&self) -> Duration {
        self.origin.now().steady
    }

    /// The time of the store.
    pub(super) fn own_now(&self) -> Now {
        self.origin.now()
    }

    pub(super) fn signal(&self) -> &Signal {
        self.store.signal()
    }

    pub(super) fn info(&self) -> StoreInfo {
        self.store.info()
    }

    /// A look that changes nothing.
    pub(super) fn ask<'a, T>(&'a self, look: impl FnOnce(&'a MemoryStore) -> StoreFuture<'a, T>) -> Result<T, StoreError> {
        at_once(look(&self.store))
    }

    /// A job as it stands.
    pub(super) fn record(&self, id: JobId) -> Option<JobRecord> {
        at_once(self.store.job(id)).ok().flatten()
    }

    fn now(&self, callers: Now) -> Now {
        self.clock.as_ref().map_or(callers, Clock::now)
    }

    /// Compares every job that is not finished with what it was before.
    fn look_over(&self, cause: &Cause<'_>) {
        let ids = self.book().referee.unfinished();
        self.look_at(cause, ids);
    }

    fn look_at(&self, cause: &Cause<'_>, ids: impl IntoIterator<Item = JobId>) {
        for id in ids {
            let record = self.record(id);
            let moved = self.book().referee.saw(cause, id, record);
            if let Some(moved) = moved {
                self.note("", format_args!("  {moved}"));
            }
        }
    }

    pub(super) fn enqueue(&self, life: &Life, now: Now, jobs: &[NewJob]) -> Result<Vec<Enqueued>, StoreError> {
        let ids: Vec<JobId> = jobs.iter().filter_map(|job| job.id).collect();
        let answers = at_once(self.store.enqueue(self.now(now), jobs.to_vec()))?;
        let created = answers.iter().filter(|answer| answer.created).count();
        self.note(&life.name(), format_args!("enqueue {} {} -> {created} created", jobs[0].kind, short(&ids)));
        self.book().referee.enqueued(jobs, &answers);
        self.look_at(&Cause::Enqueue, ids);
        Ok(answers)
    }

    pub(super) fn register(&self, life: &Life, now: Now, worker: &NewWorker) -> Result<(), StoreError> {
        let now = self.now(now);
        at_once(self.store.register(now, worker.clone()))?;
        self.note(&life.name(), format_args!("register {} build {}", id_text(worker.id), worker.build));
        self.book().referee.registered(life, now, worker);
        self.look_over(&Cause::Register);
        Ok(())
    }

    pub(super) fn heartbeat(&self, life: &Life, now: Now, worker: WorkerId) -> Result<Beat, StoreError> {
        let now = self.now(now);
        let beat = at_once(self.store.heartbeat(now, worker))?;
        let wants = if beat.rescue { " rescue" } else { "" };
        self.note(&life.name(), format_args!("heartbeat {} -> alive {}{wants}", id_text(worker), beat.alive));
        self.book().referee.beaten(now, worker, beat);
        Ok(beat)
    }

    pub(super) fn rescue(&self, life: &Life, now: Now, by: WorkerId) -> Result<Rescue, StoreError> {
        let now = self.now(now);
        let rescue = at_once(self.store.rescue(now, by))?;
        let Rescue { workers, freed, quarantined, parked, .. } = rescue;
        self.note(
            &life.name(),
            format_args!("rescue -> {workers} workers, {freed} freed, {quarantined} quarantined, {parked} parked"),
        );
        self.look_over(&Cause::Rescue { now });
        self.book().referee.buried(now);
        Ok(rescue)
    }

    pub(super) fn leave(&self, life: &Life, now: Now, worker: WorkerId) -> Result<(), StoreError> {
        at_once(self.store.leave(self.now(now), worker))?;
        self.note(&life.name(), format_args!("leave {}", id_text(worker)));
        self.look_over(&Cause::HandBack { worker });
        self.book().referee.left(worker);
        Ok(())
    }

    pub(super) fn abandon(&self, life: &Life, now: Now, held: Vec<Held>) -> Result<u64, StoreError> {
        let ids: Vec<JobId> = held.iter().map(|held| held.id).collect();
        let taken_back = at_once(self.store.abandon(self.now(now), held.clone()))?;
        self.note(&life.name(), format_args!("abandon {} -> {taken_back}", short(&ids)));
        for Held { id, token } in held {
            self.look_at(&Cause::Abandon { token }, [id]);
        }
        Ok(taken_back)
    }

    pub(super) fn claim(&self, life: &Life, now: Now, request: &ClaimRequest) -> Result<Claim, StoreError> {
        let now = self.now(now);
        let claim = at_once(self.store.claim(now, request.clone()))?;
        if claim.lost || !claim.jobs.is_empty() {
            let ids: Vec<JobId> = claim.jobs.iter().map(|job| job.id).collect();
            let lost = if claim.lost { "lost" } else { "" };
            self.note(&life.name(), format_args!("claim {} -> {}{lost}", id_text(request.worker), short(&ids)));
        }
        self.book().referee.claimed(now, request, &claim);
        self.look_at(&Cause::Claim { worker: request.worker }, claim.jobs.iter().map(|job| job.id));
        Ok(claim)
    }

    pub(super) fn complete(&self, life: &Life, now: Now, outcomes: &[Completion]) -> Result<Vec<CompletionAnswer>, StoreError> {
        let answers = at_once(self.store.complete(self.now(now), outcomes.to_vec()))?;
        // Of two outcomes of one job the late one has changed nothing: what is seen of the job is what the other did.
        let (applied, others): (Vec<_>, Vec<_>) =
            outcomes.iter().zip(&answers).partition(|(_, answer)| **answer == CompletionAnswer::Applied);
        for (outcome, answer) in applied.into_iter().chain(others) {
            let Completion { id, token, decision, .. } = outcome;
            self.note(&life.name(), format_args!("outcome {} token {token} {decision:?} -> {answer:?}", job_text(*id)));
            self.book().referee.settled(outcome, answer);
            self.look_at(&Cause::Outcome { decision, answer }, [*id]);
        }
        // A commit may have stored a job that has run since then, and ends in the same call.
        for (outcome, answer) in outcomes.iter().zip(&answers) {
            for follower in outcome.followers.iter().filter_map(|follower| follower.id) {
                let stored = self.record(follower);
                self.book().referee.followed(outcome, answer, follower, stored);
            }
        }
        self.book().look_at_effects();
        Ok(answers)
    }

    /// A transaction of a job's own: rows, and the completion of the job.
    pub(super) fn commit(&self, life: &Life, now: Now, rows: &[JobId], completion: &str) -> Result<(), StoreError> {
        let outcomes = completions_from_text(completion)?;
        let answer = self.store.transaction(self.now(now), |transaction| {
            transaction.complete(completion)?;
            let mut book = self.book();
            for outcome in &outcomes {
                for job in rows {
                    book.effects.add(*job, outcome.token);
                }
            }
            Ok(())
        });
        self.counts().commits.add(answer.is_ok());
        let (how, settled) =
            if answer.is_ok() { ("done", CompletionAnswer::Applied) } else { ("refused", CompletionAnswer::Stale) };
        for outcome in &outcomes {
            let Completion { id, token, decision, followers, .. } = outcome;
            self.note(&life.name(), format_args!("commit {} token {token} with {} rows -> {how}", job_text(*id), rows.len()));
            self.book().referee.committed(outcome, answer.is_ok());
            self.look_at(&Cause::Outcome { decision, answer: &settled }, [*id]);
            for follower in followers.iter().filter_map(|follower| follower.id) {
                let stored = self.record(follower);
                self.book().referee.followed(outcome, &settled, follower, stored);
            }
        }
        self.book().look_at_effects();
        answer
    }

    pub(super) fn reconcile(&self, life: &Life, now: Now, worker: WorkerId, known: Vec<Held>) -> Result<u64, StoreError> {
        let handed_back = at_once(self.store.reconcile(self.now(now), worker, known))?;
        self.note(&life.name(), format_args!("reconcile {} -> {handed_back}", id_text(worker)));
        self.look_over(&Cause::HandBack { worker });
        Ok(handed_back)
    }

    pub(super) fn change_schedules(
        &self,
        life: &Life,
        now: Now,
        change: &ScheduleChange,
    ) -> Result<Vec<ScheduleAnswer>, StoreError> {
        let what = match change {
            ScheduleChange::Declare { .. } => "declare",
            ScheduleChange::Maintain { .. } => "maintain",
            ScheduleChange::Save { .. } => "save",
            ScheduleChange::ReplaceGroup { .. } => "replace group",
            ScheduleChange::Remove { .. } => "remove",
            ScheduleChange::Pause { .. } => "pause schedule",
            ScheduleChange::Resume { .. } => "resume schedule",
            ScheduleChange::Override { .. } => "override",
            _ => "change schedules",
        };
        let scope = change.scope();
        let now = self.now(now);
        let before = self.schedules(now, ScheduleFilter::default())?.schedules;
        let answers = at_once(self.store.change_schedules(now, change.clone()))?;
        self.note(&life.name(), format_args!("{what} {} -> {answers:?}", scope.keys.join(" ")));
        let rows = self.schedules(now, ScheduleFilter::default())?.schedules;
        let changed = before.iter().filter(|row| !rows.contains(row)).map(|row| &row.schedule.key);
        let accounts = changed.flat_map(|key| self.accounts(key)).collect();
        for row in rows.iter().filter(|row| !before.contains(row)) {
            let (text, _) = row.times_text();
            self.note("", format_args!("  {} {text} from {} on, version {}", row.schedule.key, row.last_tick, row.version));
        }
        for row in before.iter().filter(|row| rows.iter().all(|other| other.schedule.key != row.schedule.key)) {
            self.note("", format_args!("  {} is gone", row.schedule.key));
        }
        self.book().referee.changed(now, change, rows, accounts);
        Ok(answers)
    }

    /// The accounts of the ticks of a schedule.
    fn accounts(&self, key: &str) -> Vec<TickRecord> {
        let filter = TickFilter { schedule: key.to_owned(), ..TickFilter::default() };
        at_once(self.store.ticks(filter)).unwrap_or_default()
    }

    pub(super) fn schedules(&self, now: Now, filter: ScheduleFilter) -> Result<ScheduleList, StoreError> {
        at_once(self.store.schedules(self.now(now), filter))
    }

    /// Fires ticks, one after another, in one instant.
    pub(super) fn fire(&self, life: &Life, now: Now, ticks: &[Fire]) -> Result<Vec<Fired>, StoreError> {
        let callers = life.knows_the_time().then_some(now.wall);
        let now = self.now(now);
        let mut plans = BTreeMap::new();
        for Fire { key, .. } in ticks {
            let plan = || self.book().referee.planned(key, callers);
            plans.entry(key.as_str()).or_insert_with(plan);
        }
        let mut answers = Vec::with_capacity(ticks.len());
        for fire in ticks {
            let before = self.book().referee.living_of(&fire.key);
            let fired = at_once(self.store.fire(now, vec![fire.clone()]))?.first().copied().unwrap_or(Fired::Lost);
            let Fire { key, tick, missed, .. } = fire;
            let answer = match fired {
                Fired::Job(id) => job_text(id),
                other => format!("{other:?}"),
            };
            self.note(&life.name(), format_args!("fire {key} {tick} missed {missed} -> {answer}"));
            // Others may have dealt with the first ones of a call: the rest then follows on theirs.
            let planned = match (&fire.occasion, plans.get(key.as_str())) {
                (Occasion::Time { .. }, Some(Some(plan))) => Some(plan.iter().find(|(of, _)| of == tick).copied()),
                _ => None,
            };
            if fire.overlap == Overlap::Cancel {
                self.look_at(&Cause::Cancel, before.iter().map(|living| living.id));
            }
            let unasked = |living: &&Living| {
                let record = self.record(living.id);
                record.is_some_and(|record| !record.state.is_finished() && !record.cancel_requested)
            };
            let unasked = before.iter().filter(unasked).count();
            let row = self.schedules(now, ScheduleFilter::default())?.schedules.into_iter().find(|row| row.schedule.key == *key);
            let accounts = self.accounts(key);
            let shot = Shot { fire, fired, now: now.wall, planned, before: &before, unasked, row, accounts };
            self.book().referee.fired(now.steady, &shot);
            if let Fired::Job(id) = fired {
                self.look_at(&Cause::Enqueue, [id]);
            }
            answers.push(fired);
        }
        Ok(answers)
    }

    pub(super) fn cancel(&self, life: &Life, now: Now, ids: Vec<JobId>, reason: String) -> Result<Vec<CancelAnswer>, StoreError> {
        let answers = at_once(self.store.cancel(self.now(now), ids.clone(), reason))?;
        self.note(&life.name(), format_args!("cancel {} -> {answers:?}", short(&ids)));
        self.look_at(&Cause::Cancel, ids);
        Ok(answers)
    }

    pub(super) fn requeue(&self, life: &Life, now: Now, ids: Vec<JobId>) -> Result<Vec<bool>, StoreError> {
        let answers = at_once(self.store.requeue(self.now(now), ids.clone()))?;
        self.note(&life.name(), format_args!("requeue {} -> {answers:?}", short(&ids)));
        self.look_at(&Cause::Requeue, ids);
        Ok(answers)
    }

    pub(super) fn pause(&self, life: &Life, now: Now, queues: &[String]) -> Result<Vec<bool>, StoreError> {
        let answers = at_once(self.store.pause(self.now(now), queues.to_owned()))?;
        self.note(&life.name(), format_args!("pause {} -> {answers:?}", queues.join(" ")));
        let at = self.time();
        self.book().referee.paused(at, queues, &answers);
        Ok(answers)
    }

    pub(super) fn resume(&self, life: &Life, queues: &[String]) -> Result<Vec<bool>, StoreError> {
        let answers = at_once(self.store.resume(queues.to_owned()))?;
        self.note(&life.name(), format_args!("resume {} -> {answers:?}", queues.join(" ")));
        let at = self.time();
        self.book().referee.resumed(at, queues, &answers);
        Ok(answers)
    }

    pub(super) fn paused(&self) -> Result<Vec<PausedQueue>, StoreError> {
        let paused = at_once(self.store.paused())?;
        self.book().referee.asked_for_pauses(&paused);
        Ok(paused)
    }

    /// The answer of a claim has reached its process.
    pub(super) fn arrived(&self, life: &Life, claim: &Claim) {
        let at = self.time();
        self.book().referee.arrived(at, life, claim);
    }

    /// A process has heard which queues are paused.
    pub(super) fn heard(&self, life: &Life, paused: &[PausedQueue]) {
        let at = self.time();
        let is_news = self.book().referee.heard(at, life, paused);
        if is_news {
            let queues: Vec<&str> = paused.iter().map(|paused| &*paused.queue).collect();
            self.note(&life.name(), format_args!("hears that these are paused: [{}]", queues.join(" ")));
        }
    }

    pub(super) fn prune(&self, life: &Life, now: Now, retention: Retention) -> Result<usize, StoreError> {
        self.prune_at(&life.name(), self.now(now), retention)
    }

    /// Prunes at a time that nobody's clock shows.
    pub(super) fn prune_at(&self, who: &str, now: Now, retention: Retention) -> Result<usize, StoreError> {
        let changed = at_once(self.store.prune(now, retention))?;
        if changed > 0 {
            self.note(who, format_args!("prune -> {changed}"));
        }
        let round = Round { now: now.wall, retention, changed };
        let ids = self.book().referee.ids();
        for id in ids {
            let record = self.record(id);
            self.book().referee.pruned(&round, id, record);
        }
        Ok(changed)
    }
}

/// The answer of a call of the memory store, which takes effect at its first poll.
fn at_once<T>(mut call: StoreFuture<'_, T>) -> Result<T, StoreError> {
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => Err(StoreError::Unavailable { message: "the memory store waits".into(), source: None }),
    }
}

/// The end of an id, which is random.
fn tail(bytes: &[u8; 16]) -> String {
    bytes[13..].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

pub(super) fn job_text(id: JobId) -> String {
    format!("j{}", tail(id.as_bytes()))
}

fn id_text(id: WorkerId) -> String {
    format!("w{}", tail(id.as_bytes()))
}

fn short(ids: &[JobId]) -> String {
    ids.iter().map(|id| job_text(*id)).collect::<Vec<_>>().join(" ")
}
