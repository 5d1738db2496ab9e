//! Looking and managing: pages, counts, cancellations, requeues, paused queues, and what nobody serves.

use std::collections::BTreeSet;
use std::collections::btree_map::Entry;

use jobs_core::record::{Unserved, UnservedCause};
use jobs_core::store::{CancelAnswer, JobFilter, JobPage, Now, PausedQueue};
use jobs_core::{JobId, JobRecord, State as JobState};

use super::ready::Ready;
use super::state::{Place, State};

/// The most jobs of a page.
const PAGE: usize = 1_000;

impl State {
    pub(super) fn job(&self, id: JobId) -> Option<JobRecord> {
        let job = match self.places.get(&id)? {
            Place::Live(seq) => self.live.get(seq),
            Place::Finished(end) => self.history.get(end),
        };
        job.map(|job| job.record.clone())
    }

    pub(super) fn job_named(&self, name: &str) -> Option<JobRecord> {
        self.live.get(self.names.get(name)?).map(|job| job.record.clone())
    }

    pub(super) fn jobs(&self, filter: &JobFilter) -> JobPage {
        let finished = filter.finished || filter.state.is_some_and(JobState::is_finished);
        let limit = if filter.limit == 0 { PAGE } else { filter.limit.min(PAGE) };
        let rows = if finished { &self.history } else { &self.live };
        let matching = rows.range(filter.after.saturating_add(1)..).filter(|(_, job)| matches(filter, &job.record)).take(limit);
        let (places, jobs): (Vec<i64>, Vec<JobRecord>) = matching.map(|(place, job)| (*place, job.record.clone())).unzip();
        let next = places.last().copied().filter(|_| places.len() == limit);
        JobPage { jobs, next }
    }

    pub(super) fn cancel(&mut self, now: Now, ids: &[JobId], reason: &str) -> Vec<CancelAnswer> {
        ids.iter().map(|id| self.cancel_one(now, *id, reason)).collect()
    }

    fn cancel_one(&mut self, now: Now, id: JobId, reason: &str) -> CancelAnswer {
        match self.places.get(&id) {
            None => CancelAnswer::Unknown,
            Some(Place::Finished(_)) => CancelAnswer::Finished,
            Some(&Place::Live(seq)) => {
                if self.live.get(&seq).is_some_and(|job| job.record.state == JobState::Running) {
                    self.change(seq, |job| {
                        job.cancel.get_or_insert_with(|| reason.to_owned());
                        job.record.cancel_requested = true;
                    });
                    self.wake.commands = true;
                    return CancelAnswer::Requested;
                }
                self.finish(seq, now.wall, JobState::Cancelled, Some(reason.to_owned()));
                CancelAnswer::Cancelled
            }
        }
    }

    pub(super) fn requeue(&mut self, now: Now, ids: &[JobId]) -> Vec<bool> {
        ids.iter().map(|id| self.requeue_one(now, *id)).collect()
    }

    fn requeue_one(&mut self, now: Now, id: JobId) -> bool {
        match self.places.get(&id) {
            Some(&Place::Live(seq)) => {
                let parked = self.live.get(&seq).is_some_and(|job| job.record.state == JobState::Parked);
                if parked {
                    self.change(seq, |job| job.renew(now));
                }
                parked
            }
            Some(&Place::Finished(end)) => {
                let Some(job) = self.history.get(&end) else { return false };
                if job.emptied || job.record.name.as_ref().is_some_and(|name| self.names.contains_key(name)) {
                    return false;
                }
                if let Some(mut job) = self.forget(end) {
                    job.renew(now);
                    self.store(job);
                }
                true
            }
            None => false,
        }
    }

    pub(super) fn pause(&mut self, now: Now, queues: Vec<String>) -> Vec<bool> {
        self.wake.commands = true;
        let mut pause = |queue| match self.paused.entry(queue) {
            Entry::Vacant(entry) => {
                entry.insert(now.wall);
                true
            }
            Entry::Occupied(_) => false,
        };
        queues.into_iter().map(&mut pause).collect()
    }

    pub(super) fn resume(&mut self, queues: &[String]) -> Vec<bool> {
        (self.wake.jobs, self.wake.commands) = (true, true);
        queues.iter().map(|queue| self.paused.remove(queue).is_some()).collect()
    }

    pub(super) fn paused(&self) -> Vec<PausedQueue> {
        self.paused.iter().map(|(queue, since)| PausedQueue { queue: queue.clone(), since: *since }).collect()
    }

    pub(super) fn unserved(&self) -> Vec<Unserved> {
        let ready = [&self.index.ready, &self.index.probation].into_iter().flat_map(Ready::stripes);
        let parked = self.index.parked.keys().map(|parking| (&*parking.queue, &*parking.kind));
        let waiting: BTreeSet<(&str, &str)> = ready.chain(parked).map(|(queue, kind)| (kind, queue)).collect();
        waiting
            .into_iter()
            .filter_map(|(kind, queue)| {
                let because = self.unserved_cause(kind, queue)?;
                Some(Unserved { kind: kind.to_owned(), queue: queue.to_owned(), because })
            })
            .collect()
    }

    /// Why no live worker takes jobs of this kind from this queue, if none does.
    fn unserved_cause(&self, kind: &str, queue: &str) -> Option<UnservedCause> {
        let mut able = self.workers.values().filter(|worker| worker.knows(kind)).peekable();
        if able.peek().is_none() {
            return Some(UnservedCause::Kind);
        }
        (!able.any(|worker| worker.serves(queue))).then_some(UnservedCause::Queue)
    }
}

fn matches(filter: &JobFilter, record: &JobRecord) -> bool {
    filter.state.is_none_or(|state| record.state == state)
        && filter.kind.as_ref().is_none_or(|kind| record.kind == *kind)
        && filter.queue.as_ref().is_none_or(|queue| record.queue == *queue)
        && filter.parent.is_none_or(|parent| record.parent == Some(parent))
}
