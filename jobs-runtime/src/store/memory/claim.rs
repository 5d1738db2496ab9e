//! Claim: the first jobs of the wanted queues and kinds, found by merging their stripes of the ready index.

use std::cmp::Reverse;
use std::collections::btree_set::Iter;
use std::collections::{BTreeMap, BinaryHeap};

use jobs_core::job::TickId;
use jobs_core::record::ClaimedJob;
use jobs_core::store::{Claim, ClaimRequest, Now};
use jobs_core::{State as JobState, WorkerId};

use super::ready::Turn;
use super::state::{Job, State};
use crate::testing::guards::Guard;

/// The jobs of one queue and kind that a claim has not yet looked at.
struct Stripe<'a> {
    rest: Iter<'a, Turn>,
    queue: &'a str,
    probation: bool,
}

impl State {
    pub(super) fn claim(&mut self, now: Now, request: &ClaimRequest) -> Claim {
        if !self.has_lease(now, request.worker) && Guard::LeaseAtClaim.is_on() {
            return Claim { lost: true, ..Claim::default() };
        }
        self.wake_due(now.wall);
        let jobs = self.pick(request).into_iter().filter_map(|seq| self.hand_out(now, request.worker, seq)).collect();
        Claim { jobs, next_due: self.next_due(), lost: false }
    }

    /// The jobs to hand out, in order. Costs the logarithm of the backlog for each, and one look-up for each wanted queue and kind.
    fn pick(&self, request: &ClaimRequest) -> Vec<i64> {
        let is_open = |queue: &str| !self.paused.contains_key(queue) || !Guard::PausedQueues.is_on();
        let open = request.queues.iter().filter(|wish| is_open(&wish.queue));
        let mut room: BTreeMap<&str, usize> = open.map(|wish| (&*wish.queue, wish.limit)).collect();
        let mut probation = request.probation;
        let mut stripes = self.stripes(request, &room);
        let mut heads: BinaryHeap<Reverse<(Turn, usize)>> = BinaryHeap::with_capacity(stripes.len());
        heads.extend(stripes.iter_mut().enumerate().filter_map(|(at, stripe)| Some(Reverse((*stripe.rest.next()?, at)))));
        let mut picked = Vec::new();
        while picked.len() < request.limit
            && let Some(Reverse(((.., seq), at))) = heads.pop()
        {
            let stripe = &mut stripes[at];
            let Some(left) = room.get_mut(stripe.queue).filter(|left| **left > 0) else { continue };
            if stripe.probation && !probation && Guard::Probation.is_on() {
                continue;
            }
            probation &= !stripe.probation;
            *left -= 1;
            picked.push(seq);
            heads.extend(stripe.rest.next().map(|turn| Reverse((*turn, at))));
        }
        picked
    }

    fn stripes<'a>(&'a self, request: &ClaimRequest, room: &BTreeMap<&'a str, usize>) -> Vec<Stripe<'a>> {
        let indexes = [(&self.index.ready, false), (&self.index.probation, true)];
        let indexes = indexes
            .into_iter()
            .filter(|(index, probation)| !index.is_empty() && (!probation || request.probation || !Guard::Probation.is_on()));
        let mut stripes = Vec::new();
        for (index, probation) in indexes {
            for queue in room.keys() {
                let kinds = request.kinds.iter().filter_map(|kind| index.stripe(queue, kind));
                stripes.extend(kinds.map(|rest| Stripe { rest, queue, probation }));
                if !Guard::KnownKinds.is_on() {
                    let others = index.stripes().filter(|(of, kind)| of == queue && !request.kinds.contains(*kind));
                    let others = others.filter_map(|(_, kind)| index.stripe(queue, kind));
                    stripes.extend(others.map(|rest| Stripe { rest, queue, probation }));
                }
            }
        }
        stripes
    }

    fn hand_out(&mut self, now: Now, worker: WorkerId, seq: i64) -> Option<ClaimedJob> {
        self.change(seq, |job| {
            job.record.state = JobState::Running;
            job.record.token += i64::from(Guard::Token.is_on() || job.record.token == 0);
            job.record.started_at = Some(now.wall);
            job.worker = Some(worker);
        });
        self.live.get(&seq).map(|job| claimed(seq, job))
    }
}

fn claimed(seq: i64, job: &Job) -> ClaimedJob {
    let record = &job.record;
    let tags = (!record.tags.is_empty()).then(|| serde_json::Value::from(record.tags.clone()).to_string());
    let tick = record.schedule.clone().zip(record.tick).map(|(schedule, instant)| TickId { schedule, instant });
    ClaimedJob {
        id: record.id,
        seq,
        token: record.token,
        kind: record.kind.as_str().into(),
        queue: record.queue.as_str().into(),
        priority: record.priority,
        payload: record.payload.clone(),
        name: record.name.clone(),
        retries: record.retries,
        timeout: job.timeout,
        failures: record.failures,
        crashes: record.crashes,
        tags,
        metadata: record.metadata.clone(),
        tenant: record.tenant.clone(),
        user: record.user.clone(),
        created_at: record.created_at,
        run_at: record.run_at,
        tick,
        chain: jobs_core::chain::to_text(&record.chain),
    }
}
