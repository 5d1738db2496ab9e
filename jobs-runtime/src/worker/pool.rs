//! The pool: which jobs this process holds, which of them run, and how much room there is for more.
//!
//! Jobs that were fetched ahead wait here by queue. Up to `concurrency` tasks run them on the user's runtime; a task that ends a job
//! takes the next one itself, so a busy process neither spawns nor wakes anything for a job.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use jobs_core::JobId;
use jobs_core::record::ClaimedJob;
use jobs_core::store::{Held, QueueDemand};
use tokio::sync::Notify;

use super::QueueOption;
use super::durations::Durations;
use super::leash::{Leash, Reason};
use crate::testing::guards::Guard;

/// The most outcomes that may wait for the store before no more jobs are taken.
const MOST_UNSETTLED: usize = 10_000;

/// The jobs of this process.
pub(crate) struct Pool {
    inner: Mutex<Inner>,
    /// There may be room for more jobs.
    pub(crate) room: Notify,
    /// A job has left, or a slot has come free.
    pub(crate) changed: Notify,
}

struct Inner {
    queues: Vec<Queue>,
    by_name: HashMap<Arc<str>, usize>,
    concurrency: usize,
    running: usize,
    /// Everything that the store believes to be held here: waiting, running, or ended with its outcome on the way.
    held: BTreeMap<JobId, Entry>,
    waiting: usize,
    on_probation: bool,
    /// How often something that was in the way of taking more has gone.
    lifted: u64,
    /// What was asked to stop since its lease was lost.
    fenced: Vec<Weak<Leash>>,
    accepting: bool,
    epoch: u64,
}

struct Queue {
    name: Arc<str>,
    limit: Option<usize>,
    running: usize,
    waiting: VecDeque<ClaimedJob>,
    /// Somebody has paused it, as far as is known here: nothing of it begins.
    paused: bool,
    durations: Durations,
    /// The last claim got less than was asked for: asking again is of no use before something changes.
    dry: bool,
    /// Whether a job has begun or ended since the last look over.
    moved: bool,
    /// For how long none has.
    still: Duration,
}

struct Entry {
    token: i64,
    probation: bool,
    leash: Option<Arc<Leash>>,
}

/// A job that was given a slot.
pub(crate) struct Started {
    pub(crate) job: ClaimedJob,
    pub(crate) leash: Arc<Leash>,
    pub(crate) slot: Slot,
}

/// The right to run one job of a queue, and the time in which its outcome counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    queue: usize,
    pub(crate) epoch: u64,
}

/// How much more this process wants.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) queues: Vec<QueueDemand>,
    pub(crate) limit: usize,
    pub(crate) probation: bool,
    /// What was in the way when it was made: see [`Inner::lifted`].
    lifted: u64,
}

/// How many jobs are held, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) running: usize,
    pub(crate) waiting: usize,
    pub(crate) held: usize,
}

impl Pool {
    pub(crate) fn new(concurrency: usize, queues: &[QueueOption]) -> Self {
        let queue = |option: &QueueOption| Queue {
            name: Arc::clone(&option.name),
            limit: option.concurrency,
            running: 0,
            waiting: VecDeque::new(),
            paused: false,
            durations: Durations::default(),
            dry: false,
            moved: false,
            still: Duration::ZERO,
        };
        let inner = Inner {
            queues: queues.iter().map(queue).collect(),
            by_name: queues.iter().enumerate().map(|(index, option)| (Arc::clone(&option.name), index)).collect(),
            concurrency,
            running: 0,
            held: BTreeMap::new(),
            waiting: 0,
            on_probation: false,
            lifted: 0,
            fenced: Vec::new(),
            accepting: true,
            epoch: 0,
        };
        Self { inner: Mutex::new(inner), room: Notify::new(), changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code of a user runs under this lock, so what a panic left behind is whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to ask the store for. Empty while there is enough.
    pub(crate) fn wish(&self) -> Wish {
        self.lock().wish()
    }

    /// Says that queues that had nothing may have something again.
    pub(crate) fn refresh(&self) {
        for queue in &mut self.lock().queues {
            queue.dry = false;
        }
    }

    /// Takes in claimed jobs, and answers how many tasks are wanted to run them.
    pub(crate) fn put(&self, wish: &Wish, jobs: Vec<ClaimedJob>) -> usize {
        let mut inner = self.lock();
        let mut got = vec![0_usize; inner.queues.len()];
        let all = jobs.len() >= wish.limit;
        for job in jobs {
            // A store that hands out a job of another queue than it was asked for keeps it: it is handed back as unknown.
            let Some(&queue) = inner.by_name.get(&job.queue) else { continue };
            got[queue] += 1;
            let probation = job.crashes > 0;
            inner.on_probation |= probation;
            inner.held.insert(job.id, Entry { token: job.token, probation, leash: None });
            inner.waiting += 1;
            if probation {
                inner.queues[queue].waiting.push_front(job);
            } else {
                inner.queues[queue].waiting.push_back(job);
            }
        }
        // What has gone since the wish was made may have kept jobs from it: then asking again is of use.
        let stands = inner.lifted == wish.lifted;
        for demand in &wish.queues {
            if let Some(&queue) = inner.by_name.get(&demand.queue) {
                inner.queues[queue].dry = stands && !all && got[queue] < demand.limit;
            }
        }
        inner.startable()
    }

    /// Gives a slot to the next job, if there is both.
    pub(crate) fn start(&self) -> Option<Started> {
        self.lock().start()
    }

    /// Takes a job's slot away, and gives it to the next at once.
    pub(crate) fn end_and_start(&self, slot: Slot, took: Duration) -> Option<Started> {
        let mut inner = self.lock();
        inner.end(slot);
        inner.queues[slot.queue].durations.record(took);
        let next = inner.start();
        let wants_more = inner.wants_more();
        let quiet = next.is_none() && inner.running == 0;
        drop(inner);
        if wants_more {
            self.room.notify_one();
        }
        if quiet {
            self.changed.notify_waiters();
        }
        next
    }

    /// Takes a job's slot away, where no other job can have it.
    pub(crate) fn end(&self, slot: Slot) {
        let mut inner = self.lock();
        inner.end(slot);
        let quiet = inner.running == 0;
        drop(inner);
        if quiet {
            self.changed.notify_waiters();
        }
    }

    /// Forgets jobs whose outcomes the store has taken.
    pub(crate) fn settle(&self, jobs: impl Iterator<Item = Held>) {
        let mut inner = self.lock();
        let mut lifted = !inner.may_take();
        for job in jobs {
            // A job may be held anew, under a later token, when the answer to an early outcome comes.
            if inner.held.get(&job.id).is_some_and(|entry| entry.token == job.token)
                && let Some(entry) = inner.held.remove(&job.id)
            {
                lifted |= entry.probation;
            }
        }
        if lifted {
            // Either was in the way of taking more: one on probation, or too many outcomes on their way.
            inner.on_probation = inner.held.values().any(|entry| entry.probation);
            inner.lifted += 1;
            for queue in &mut inner.queues {
                queue.dry = false;
            }
            self.room.notify_one();
        }
        if inner.held.is_empty() {
            self.changed.notify_waiters();
        }
    }

    /// Takes note of the queues that are paused now. Answers those of this process that were not before, and those that are no more.
    pub(crate) fn note_paused(&self, paused: &BTreeSet<String>) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
        let (mut begun, mut ended) = (Vec::new(), Vec::new());
        for queue in &mut self.lock().queues {
            let is_paused = paused.contains(&*queue.name);
            if std::mem::replace(&mut queue.paused, is_paused) != is_paused {
                queue.dry = false;
                if is_paused { &mut begun } else { &mut ended }.push(Arc::clone(&queue.name));
            }
        }
        if !ended.is_empty() {
            self.room.notify_one();
        }
        (begun, ended)
    }

    /// The queues of this process that are paused, as far as is known here.
    pub(crate) fn paused(&self) -> Vec<Arc<str>> {
        self.lock().queues.iter().filter(|queue| queue.paused).map(|queue| Arc::clone(&queue.name)).collect()
    }

    /// Takes the jobs that wait in paused queues, to hand them back.
    pub(crate) fn take_paused(&self) -> Vec<ClaimedJob> {
        let mut inner = self.lock();
        let paused = inner.queues.iter_mut().filter(|queue| queue.paused && Guard::PauseHandsBack.is_on());
        let taken: Vec<ClaimedJob> = paused.flat_map(|queue| std::mem::take(&mut queue.waiting)).collect();
        inner.waiting -= taken.len();
        taken
    }

    /// Takes all jobs that wait for a slot, to hand them back.
    pub(crate) fn take_waiting(&self) -> Vec<ClaimedJob> {
        let mut inner = self.lock();
        inner.waiting = 0;
        inner.queues.iter_mut().flat_map(|queue| std::mem::take(&mut queue.waiting)).collect()
    }

    /// Takes one job that waits for a slot.
    pub(crate) fn take_waiting_one(&self, id: JobId) -> Option<ClaimedJob> {
        let mut inner = self.lock();
        let found = inner
            .queues
            .iter_mut()
            .find_map(|queue| queue.waiting.iter().position(|job| job.id == id).and_then(|at| queue.waiting.remove(at)));
        inner.waiting -= usize::from(found.is_some());
        found
    }

    /// Takes the jobs that were fetched ahead and are too many now that jobs have turned out to be long: those that have ended, and
    /// those that have been in the way of all others since the last look, which was `since` ago.
    pub(crate) fn take_surplus(&self, since: Duration) -> Vec<ClaimedJob> {
        let mut inner = self.lock();
        let concurrency = inner.concurrency;
        let free = concurrency.saturating_sub(inner.running);
        let mut surplus = Vec::new();
        for queue in &mut inner.queues {
            let moved = std::mem::take(&mut queue.moved) || queue.waiting.is_empty();
            queue.still = if moved { Duration::ZERO } else { queue.still.saturating_add(since) };
            queue.durations.at_least(queue.still);
            let slots = queue.limit.unwrap_or(concurrency).min(concurrency);
            let keep = 2 * queue.durations.ahead(slots) + slots.saturating_sub(queue.running).min(free);
            while queue.waiting.len() > keep {
                surplus.extend(queue.waiting.pop_back());
            }
        }
        inner.waiting -= surplus.len();
        surplus
    }

    /// Takes no more jobs, ever.
    pub(crate) fn close(&self) {
        self.lock().accepting = false;
        self.room.notify_one();
        self.changed.notify_waiters();
    }

    /// Everything that the store believes to be held here.
    pub(crate) fn held(&self) -> Vec<Held> {
        self.lock().held.iter().map(|(id, entry)| Held { id: *id, token: entry.token }).collect()
    }

    /// Asks every running job to stop.
    pub(crate) fn stop_all(&self, reason: Reason) {
        for leash in self.leashes() {
            leash.stop(reason);
        }
    }

    /// Drops every running job.
    pub(crate) fn abort_all(&self) {
        self.abort_fenced();
        for leash in self.leashes() {
            leash.abort.cancel();
        }
    }

    fn leashes(&self) -> Vec<Arc<Leash>> {
        self.lock().held.values().filter_map(|entry| entry.leash.clone()).collect()
    }

    /// The leash of a running job.
    pub(crate) fn leash(&self, id: JobId) -> Option<Arc<Leash>> {
        self.lock().held.get(&id)?.leash.clone()
    }

    /// Lets go of everything at a lost lease: what waits is forgotten, what runs is asked to stop (and keeps its slot until it ends),
    /// and outcomes of the time before count no more. Answers all that was held.
    pub(crate) fn fence(&self) -> Vec<Held> {
        let mut inner = self.lock();
        inner.epoch += 1;
        inner.waiting = 0;
        inner.on_probation = false;
        for queue in &mut inner.queues {
            queue.waiting.clear();
            queue.dry = false;
        }
        let (mut held, mut leashes) = (Vec::new(), Vec::new());
        for (id, entry) in std::mem::take(&mut inner.held) {
            held.push(Held { id, token: entry.token });
            leashes.extend(entry.leash);
        }
        inner.fenced.retain(|leash| leash.strong_count() > 0);
        inner.fenced.extend(leashes.iter().map(Arc::downgrade));
        drop(inner);
        for leash in &leashes {
            leash.stop(Reason::Lost);
        }
        held
    }

    /// Drops every job that still runs although its lease is lost.
    pub(crate) fn abort_fenced(&self) {
        let fenced = std::mem::take(&mut self.lock().fenced);
        for leash in fenced.iter().filter_map(Weak::upgrade) {
            leash.abort.cancel();
        }
    }

    /// The time that outcomes must belong to.
    pub(crate) fn epoch(&self) -> u64 {
        self.lock().epoch
    }

    pub(crate) fn load(&self) -> Load {
        let inner = self.lock();
        Load { running: inner.running, waiting: inner.waiting, held: inner.held.len() }
    }
}

impl Queue {
    fn may_begin(&self) -> bool {
        !self.paused || !Guard::PauseHolds.is_on()
    }
}

impl Inner {
    fn wish(&self) -> Wish {
        let mut wish = Wish { lifted: self.lifted, ..Wish::default() };
        if !self.may_take() {
            return wish;
        }
        let mut ahead = 0;
        let mut room = 0;
        for queue in &self.queues {
            // One on probation may come in addition to all slots, but not to the limit that a queue was given.
            let full = queue.paused || queue.limit.is_some_and(|limit| queue.running + queue.waiting.len() >= limit);
            wish.probation |= !self.on_probation && !full;
            let limit = self.room(queue);
            if limit > 0 {
                ahead = ahead.max(self.ahead(queue));
                room += limit;
                wish.queues.push(QueueDemand { queue: Arc::clone(&queue.name), limit });
            }
        }
        wish.limit = room.min((self.concurrency.saturating_sub(self.running) + ahead).saturating_sub(self.waiting));
        if wish.limit == 0 {
            return Wish::default();
        }
        wish
    }

    fn wants_more(&self) -> bool {
        self.may_take() && self.queues.iter().any(|queue| self.room(queue) > 0)
    }

    fn may_take(&self) -> bool {
        self.accepting && self.held.len().saturating_sub(self.running + self.waiting) < MOST_UNSETTLED
    }

    fn slots(&self, queue: &Queue) -> usize {
        queue.limit.unwrap_or(self.concurrency).min(self.concurrency)
    }

    fn ahead(&self, queue: &Queue) -> usize {
        queue.durations.ahead(self.slots(queue))
    }

    /// How many jobs of a queue to ask for: nothing before half of what was fetched ahead is used up.
    fn room(&self, queue: &Queue) -> usize {
        let ahead = self.ahead(queue);
        if queue.dry || queue.paused || queue.waiting.len() > ahead / 2 {
            return 0;
        }
        let free = self.slots(queue).saturating_sub(queue.running).min(self.concurrency.saturating_sub(self.running));
        (free + ahead).saturating_sub(queue.waiting.len())
    }

    fn startable(&self) -> usize {
        let open = self.queues.iter().filter(|queue| queue.may_begin());
        let of_queues: usize = open.map(|queue| self.slots(queue).saturating_sub(queue.running).min(queue.waiting.len())).sum();
        of_queues.min((self.concurrency + usize::from(self.on_probation)).saturating_sub(self.running))
    }

    fn start(&mut self) -> Option<Started> {
        let extra = usize::from(self.on_probation);
        if self.running >= self.concurrency + extra || self.waiting == 0 {
            return None;
        }
        let concurrency = self.concurrency;
        let full = self.running >= concurrency;
        let next = self
            .queues
            .iter()
            .enumerate()
            .filter(|(_, queue)| queue.may_begin() && queue.running < queue.limit.unwrap_or(concurrency + extra))
            .filter_map(|(index, queue)| queue.waiting.front().map(|job| (index, job)))
            .filter(|(_, job)| !full || job.crashes > 0)
            .min_by_key(|(_, job)| (job.crashes == 0, job.priority, job.run_at, job.seq))
            .map(|(index, _)| index)?;
        let queue = &mut self.queues[next];
        let job = queue.waiting.pop_front()?;
        queue.running += 1;
        queue.moved = true;
        self.running += 1;
        self.waiting -= 1;
        let leash = Arc::new(Leash::default());
        if let Some(entry) = self.held.get_mut(&job.id) {
            entry.leash = Some(Arc::clone(&leash));
        }
        Some(Started { job, leash, slot: Slot { queue: next, epoch: self.epoch } })
    }

    fn end(&mut self, slot: Slot) {
        self.running = self.running.saturating_sub(1);
        let queue = &mut self.queues[slot.queue];
        queue.running = queue.running.saturating_sub(1);
        queue.moved = true;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use jobs_core::JobId;
    use jobs_core::record::ClaimedJob;
    use jobs_core::store::Held;

    use super::{Pool, QueueOption};

    fn crashed(seq: i64, queue: &str) -> ClaimedJob {
        let (text, now) = (Arc::from(queue), Timestamp::UNIX_EPOCH);
        ClaimedJob {
            id: JobId::from_parts(0, [u8::try_from(seq).unwrap(); 10]),
            seq,
            token: 2,
            kind: Arc::clone(&text),
            queue: text,
            priority: 0,
            payload: String::new(),
            name: None,
            retries: None,
            timeout: None,
            failures: 0,
            crashes: 1,
            tags: None,
            metadata: None,
            tenant: None,
            user: None,
            created_at: now,
            run_at: now,
            tick: None,
            chain: None,
        }
    }

    #[test]
    fn a_claim_that_was_under_way_while_probation_ended_does_not_hide_the_next_job() {
        let pool = Pool::new(8, &["a", "b"].map(|name| QueueOption { name: name.into(), concurrency: Some(1) }));
        let wish = pool.wish();
        assert!(wish.probation);
        let first = crashed(1, "a");
        let held = Held { id: first.id, token: first.token };
        pool.put(&wish, vec![first]);
        let slot = pool.start().unwrap().slot;
        pool.refresh();
        // Asked for without jobs on probation, since one runs. Its answer is on the way when that one is settled.
        let without = pool.wish();
        assert!(!without.probation && !without.queues.is_empty());
        pool.end(slot);
        pool.settle([held].into_iter());
        pool.put(&without, Vec::new());
        let next = pool.wish();
        assert!(next.probation && next.queues.len() == 2, "{next:?}");
        // What that one does not bring is not there.
        pool.put(&next, Vec::new());
        assert_eq!(pool.wish().queues, []);
    }
}
