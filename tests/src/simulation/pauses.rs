//! What the referee knows of queues that are paused: since when they are, which process has heard of it and when, and when each claim
//! reached its process.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jobs_core::JobId;
use jobs_core::store::{Claim, PausedQueue};

use super::life::{LATEST, Life};

/// How long after it was given a slot a job may begin: it may be late on its thread, and once more where it lets others have it.
const SLOT: Duration = Duration::from_millis(2 * LATEST + 100);

/// How long it takes a process at most to hear what is paused, if wake-ups reach it.
const SOON: Duration = Duration::from_secs(1);

/// How long it takes one that no wake-up reaches: a heartbeat, and the question that follows.
const BEAT: Duration = Duration::from_secs(7);

/// How long nothing has gone wrong for a process that is healthy: longer than it waits for any answer, before it asks anew.
pub(super) const HEALTHY: Duration = Duration::from_secs(90);

/// The rule that what waits in a process goes back.
pub(super) const GOES_BACK: &str = "what was fetched ahead goes back when a process hears that its queue is paused";

/// Whether nothing has gone wrong for a process for long enough that all it was promised holds for it.
pub(super) fn is_healthy(life: &Life) -> bool {
    life.has_been_well(HEALTHY)
}

/// The pauses, and what is known of them.
#[derive(Clone, Default)]
pub(super) struct Pauses {
    /// Since when queues are paused.
    since: BTreeMap<String, Duration>,
    /// When they were last resumed.
    resumed: BTreeMap<String, Duration>,
    /// What the processes have heard, by their names.
    ears: BTreeMap<String, Ear>,
    /// When a claim's answer reached its process, and which, by job and token.
    arrived: BTreeMap<(JobId, i64), (Duration, String)>,
}

/// What a process has heard.
#[derive(Clone, Default)]
struct Ear {
    /// What it believes to be paused, and since when.
    paused: BTreeMap<String, Duration>,
    /// When it was last told so.
    told: BTreeMap<String, Duration>,
}

/// A run that begins in the process for which its job was claimed.
pub(super) struct Begun {
    pub(super) job: JobId,
    pub(super) token: i64,
    pub(super) queue: String,
}

impl Pauses {
    pub(super) fn is_paused(&self, queue: &str) -> bool {
        self.since.contains_key(queue)
    }

    pub(super) fn any(&self) -> bool {
        !self.since.is_empty()
    }

    pub(super) fn paused(&mut self, at: Duration, queues: &[String], answers: &[bool]) -> Option<&'static str> {
        let right: Vec<bool> = queues.iter().map(|queue| !self.is_paused(queue)).collect();
        for queue in queues {
            self.since.entry(queue.clone()).or_insert(at);
        }
        (right != answers).then_some("a pause says whether the queue was not paused before")
    }

    pub(super) fn resumed(&mut self, at: Duration, queues: &[String], answers: &[bool]) -> Option<&'static str> {
        let right: Vec<bool> = queues.iter().map(|queue| self.since.remove(queue).is_some()).collect();
        self.resumed.extend(queues.iter().map(|queue| (queue.clone(), at)));
        (right != answers).then_some("a resume says whether the queue was paused")
    }

    pub(super) fn asked(&self, paused: &[PausedQueue]) -> Option<&'static str> {
        let right = paused.iter().map(|paused| &paused.queue).eq(self.since.keys());
        (!right).then_some("a queue is paused from its pause to its resume")
    }

    pub(super) fn arrived(&mut self, at: Duration, life: &Life, claim: &Claim) {
        let name = life.name();
        self.arrived.extend(claim.jobs.iter().map(|job| ((job.id, job.token), (at, name.clone()))));
    }

    /// A process has heard what is paused. Answers whether that is news to it.
    pub(super) fn heard(&mut self, at: Duration, life: &Life, paused: &[PausedQueue]) -> bool {
        let ear = self.ears.entry(life.name()).or_default();
        let queues: BTreeSet<&String> = paused.iter().map(|paused| &paused.queue).collect();
        let is_news = !ear.paused.keys().eq(queues.iter().copied());
        ear.paused.retain(|queue, _| queues.contains(queue));
        for queue in queues {
            ear.paused.entry(queue.clone()).or_insert(at);
            ear.told.insert(queue.clone(), at);
        }
        is_news
    }

    /// The rule that is broken by a run that begins now.
    pub(super) fn began(&self, now: Duration, life: &Life, begun: &Begun) -> Option<&'static str> {
        // What stood still may begin what it had taken up before.
        if life.is_gone() || life.is_behind() {
            return None;
        }
        let is_past = |at: Duration, length: Duration| now.saturating_sub(at) > length;
        let ear = self.ears.get(&life.name());
        if ear.and_then(|ear| ear.paused.get(&begun.queue)).is_some_and(|since| is_past(*since, SLOT)) {
            return Some("a process that has heard of a pause begins nothing of that queue");
        }
        let arrived = self.arrived.get(&(begun.job, begun.token)).filter(|(_, name)| *name == life.name());
        let told = ear.and_then(|ear| ear.told.get(&begun.queue)).copied();
        if let (Some((arrived, _)), Some(told)) = (arrived, told)
            && *arrived < told
            && is_past(told, SLOT)
        {
            return Some(GOES_BACK);
        }
        let since = *self.since.get(&begun.queue)?;
        let limit = if life.has_heard_since(since) { SOON } else { BEAT };
        (is_healthy(life) && is_past(since, limit + SLOT))
            .then_some("nothing of a paused queue begins in a process that could hear of it")
    }

    /// A queue that is paused or resumed without a healthy process having heard of it.
    pub(super) fn unheard(&self, now: Duration, life: &Life) -> Option<String> {
        let is_past = |at: &Duration| now.saturating_sub(*at) > BEAT;
        let ear = self.ears.get(&life.name());
        let hears = |queue: &String| ear.is_some_and(|ear| ear.paused.contains_key(queue));
        let paused = self.since.iter().find(|(queue, since)| is_past(since) && !hears(queue));
        let resumed = || self.resumed.iter().find(|(queue, at)| is_past(at) && hears(queue) && !self.is_paused(queue));
        paused.or_else(resumed).map(|(queue, _)| queue.clone())
    }

    /// The queues that a process knows to be paused for so long that it has handed back what waited.
    pub(super) fn resting(&self, now: Duration, life: &Life) -> Vec<&str> {
        let ear = self.ears.get(&life.name());
        let known = ear.into_iter().flat_map(|ear| &ear.paused).filter(|(_, since)| now.saturating_sub(**since) > SOON + SLOT);
        known.map(|(queue, _)| queue.as_str()).collect()
    }
}
